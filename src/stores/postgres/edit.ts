import { sql } from 'kysely';
import { say } from '../../contract/language.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { Tx } from './ledger.ts';

/** Tables that people edit: each row has an id and a version. */
export type EditedTable =
  | 'resellers'
  | 'sales_plans'
  | 'cost_plans'
  | 'minute_bundles'
  | 'permission_profiles'
  | 'asterisk_servers'
  | 'trunks'
  | 'subscribers'
  | 'lines'
  | 'dids'
  | 'ring_groups'
  | 'users';

/** The same words whether it never was or belongs to others. */
export function notFound(field?: string): ProblemError {
  const detail = say('there is no such thing', 'isso não existe');
  return new ProblemError(
    'NOT_FOUND',
    detail,
    field === undefined ? undefined : [{ field, message: detail }],
  );
}

/** Locks a row at the version that was read. Throws NOT_FOUND, or PRECONDITION_FAILED when it was edited since. */
export async function lockVersion(tx: Tx, table: EditedTable, id: string, version: number): Promise<void> {
  const { rows } = await sql<{ version: number }>`
    select version from ${sql.table(table)} where id = ${id} for update`.execute(tx);
  const [row] = rows;
  if (!row) throw notFound();
  if (row.version !== version)
    throw new ProblemError(
      'PRECONDITION_FAILED',
      say('somebody changed it meanwhile: read it again', 'alguém o alterou nesse meio-tempo: leia de novo'),
    );
}

/** Sets the columns of a row; none is no change. The row was locked before. */
export async function setColumns(
  tx: Tx,
  table: EditedTable,
  id: string,
  change: Readonly<Record<string, unknown>>,
): Promise<void> {
  const columns = Object.entries(change).filter(([, value]) => value !== undefined);
  if (columns.length === 0) return;
  const assignments = columns.map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
  await sql`update ${sql.table(table)} set ${sql.join(assignments)} where id = ${id}`.execute(tx);
}

/** Throws NOT_FOUND naming `field` unless the row is visible and belongs to this reseller. */
export async function requireOwned(
  tx: Tx,
  table: 'sales_plans' | 'minute_bundles' | 'permission_profiles' | 'subscribers',
  id: string,
  reseller_id: string,
  field: string,
): Promise<void> {
  const { rows } = await sql`
    select from ${sql.table(table)} where id = ${id} and reseller_id = ${reseller_id}`.execute(tx);
  if (rows.length === 0) throw notFound(field);
}

/** Lets transactions that count and then add, for the same thing, go one after the other. */
export async function queueFor(tx: Tx, thing: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${thing}, 0))`.execute(tx);
}

/**
 * Whether a record of a call names it. No foreign key does: what is deleted while a call uses it must not keep the
 * record from being written.
 */
export async function isInRecords(
  tx: Tx,
  column: 'line_id' | 'trunk_id' | 'sales_plan_id',
  id: string,
): Promise<boolean> {
  const { rows } = await sql`select from calls where ${sql.ref(column)} = ${id} limit 1`.execute(tx);
  return rows.length > 0;
}
