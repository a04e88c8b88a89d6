import type { Pool } from 'pg';

/*
 * The same in Postgres alone: a row of the payer is locked, and what a call holds is a row of its own. Each step is one
 * statement, which is one transaction.
 */

const TABLES = `
  create table bench_payers (payer text primary key, balance bigint not null);
  create table bench_holds (call text primary key, payer text not null, held bigint not null);`;
const RESERVE = `
  with taken as (
    update bench_payers set balance = balance - $3 where payer = $2 and balance >= $3
      and (select count(*) from bench_holds where payer = $2) < 1000 returning payer
  ) insert into bench_holds (call, payer, held) select $1, payer, $3 from taken`;
const EXTEND = `
  with taken as (update bench_payers set balance = balance - $3 where payer = $2 and balance >= $3 returning payer)
  update bench_holds h set held = held + $3 from taken where h.call = $1`;
const SETTLE = `
  with freed as (delete from bench_holds where call = $1 returning payer, held)
  update bench_payers p set balance = balance + freed.held - $2 from freed where p.payer = freed.payer`;

/** Makes its tables. Gives one call: reserved, extended once, settled. */
export async function postgresLeases(
  pool: Pool,
  payers: readonly string[],
): Promise<(call: string, payer: string) => Promise<void>> {
  await pool.query(TABLES);
  await pool.query('insert into bench_payers select payer, 1e15::bigint from unnest($1::text[]) payer', [
    payers,
  ]);
  await pool.query('create index on bench_holds (payer)');
  const step = async (name: string, text: string, values: unknown[]) => {
    const { rowCount } = await pool.query({ name, text, values });
    if (rowCount !== 1) throw new Error(`${name} changed ${rowCount} rows`);
  };
  return async (call, payer) => {
    await step('reserve', RESERVE, [call, payer, 60_000]);
    await step('extend', EXTEND, [call, payer, 60_000]);
    await step('settle', SETTLE, [call, 30_000]);
  };
}
