import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createDatabase, type Database } from '../../../dev/world/database.ts';
import { addReseller, addSubscriber } from '../../../dev/world/tenants.ts';
import { addServer } from '../../../src/admin/add-server.ts';
import type { Tenant } from '../../../src/domain/tenant.ts';
import { connectPostgres, type Postgres } from '../../../src/stores/postgres/connect.ts';
import type { Tx } from '../../../src/stores/postgres/ledger.ts';
import { readAs } from '../../../src/stores/postgres/tenancy.ts';

let database: Database;
let tenants: Postgres;
let ours: { id: string; reseller_id: string };
let theirs: { id: string; reseller_id: string };

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  const { db } = database;
  const server = await addServer(db, {
    name: 's',
    ari_url: 'http://127.0.0.1:1',
    ami_host: '127.0.0.1',
    ami_port: 1,
  });
  const make = async () =>
    addSubscriber(
      db,
      { reseller_id: await addReseller(db), server_id: server.id },
      { billing_mode: 'PREPAID' },
    );
  [ours, theirs] = [await make(), await make()];
  tenants = connectPostgres(database.url, () => {}, 'pabx_nobody');
});

afterAll(async () => {
  await tenants?.close();
  await database?.close();
});

// One after another they share a connection, and with it what it has prepared.
const read = (tx: Tx) =>
  sql<{ id: string; pid: number; prepared: number }>`
    select id, pg_backend_pid() as pid,
      (select count(*)::integer from pg_prepared_statements where statement like '%from subscribers order by%') as prepared
    from subscribers order by id limit ${10}`.execute(tx);

test('a prepared statement shows each tenant its own rows, whoever it was prepared for', async () => {
  const reseller = (reseller_id: string): Tenant => ({ role: 'RESELLER', reseller_id });
  const subscriber: Tenant = { role: 'SUBSCRIBER', reseller_id: ours.reseller_id, subscriber_id: ours.id };
  const pids = new Set<number>();
  // Often enough for a plan that holds for all values.
  for (let round = 0; round < 12; round++) {
    const seen: [Tenant, string[]][] = [
      [reseller(ours.reseller_id), [ours.id]],
      [reseller(theirs.reseller_id), [theirs.id]],
      [{ role: 'MASTER' }, [ours.id, theirs.id].sort()],
      [subscriber, [ours.id]],
    ];
    for (const [tenant, expected] of seen) {
      const { rows } = await readAs(tenants.db, tenant, read);
      expect(rows.map(({ id }) => id)).toEqual(expected);
      expect(rows[0]?.prepared).toBe(1);
      for (const { pid } of rows) pids.add(pid);
    }
  }
  expect(pids.size).toBe(1);
  await expect(
    sql`select id from subscribers order by id limit ${10}`.execute(tenants.db),
  ).rejects.toMatchObject({ code: '42501' });
});

test('a migration meanwhile costs one request at most', async () => {
  const all = () =>
    readAs(tenants.db, { role: 'MASTER' }, (tx) =>
      sql`select * from resellers where name <> ${''}`.execute(tx),
    );
  await all();
  await database.pool.query(
    'alter table resellers add column later text; grant select (later) on resellers to pabx_master',
  );
  await all().catch((error) => expect(error.code).toBe('0A000'));
  expect((await all()).rows).toHaveLength(2);
});
