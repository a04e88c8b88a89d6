import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { createRefusalLog } from '../../src/calls/refusal-log.ts';
import type { RefusalRecord } from '../../src/stores/postgres/refusals.ts';
import { addTenant, type Tenant } from '../stores/postgres/use-tenants.ts';
import { keepLog, rowsOf, useStores } from './use-stores.ts';

const stores = useStores();

afterEach(() => stores().toPostgres.heal());

const refusalOf = ({ server_id, reseller_id, subscriber_id, line_id }: Tenant): RefusalRecord => ({
  call_id: randomUUID(),
  server_id,
  reseller_id,
  subscriber_id,
  line_id,
  dialled: '1133334444',
  reason: 'NO_CREDIT',
  created_at: new Date('2026-11-10T12:00:00Z'),
});

const recorded = async ({ server_id }: Tenant) => {
  const { db } = stores().database;
  const rows = await db.selectFrom('refusals').select('call_id').where('server_id', '=', server_id).execute();
  return rows.map((row) => row.call_id).sort();
};

const ids = (records: readonly RefusalRecord[]) => records.map((record) => record.call_id).sort();

test('refusals are recorded, each once', async () => {
  const { db, database } = stores();
  const tenant = await addTenant(database.db);
  const refusals = createRefusalLog(db, keepLog());
  const all = Array.from({ length: 450 }, () => refusalOf(tenant));
  for (const record of [...all, ...all.slice(0, 50)]) refusals.add(record);
  await refusals.idle();
  expect(await recorded(tenant)).toEqual(ids(all));
});

test('while Postgres is away they wait', async () => {
  const { db, database, toPostgres } = stores();
  const tenant = await addTenant(database.db);
  const log = keepLog();
  const refusals = createRefusalLog(db, log);
  const all = [refusalOf(tenant), refusalOf(tenant), refusalOf(tenant)];
  await toPostgres.cut();
  refusals.add(all[0] as RefusalRecord);
  await waitUntil(() => log.told.length >= 1, { timeout_ms: 10_000, what: 'a try' });
  for (const record of all.slice(1)) refusals.add(record);
  await toPostgres.heal();
  await refusals.idle();
  expect(await recorded(tenant)).toEqual(ids(all));
});

test('one that the database refuses does not hold up the others', async () => {
  const { db, database } = stores();
  const tenant = await addTenant(database.db);
  const refusals = createRefusalLog(db, keepLog());
  const good = [refusalOf(tenant), refusalOf(tenant)];
  const orphan = { ...refusalOf(tenant), reseller_id: randomUUID() };
  for (const record of [good[0], orphan, good[1]]) refusals.add(record as RefusalRecord);
  const rows = await rowsOf(() => recorded(tenant), 2, 'the other refusals');
  expect(rows).toEqual(ids(good));
});
