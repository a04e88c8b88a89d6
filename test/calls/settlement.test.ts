import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { createSettler, type Settler } from '../../src/calls/settlement.ts';
import type { Db } from '../../src/stores/postgres/connect.ts';
import type { CallRecord } from '../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../src/stores/postgres/wallets.ts';
import {
  accountsOf,
  addTenant,
  CYCLE,
  movementsOf,
  recordOf,
  type Tenant,
} from '../stores/postgres/use-tenants.ts';
import { callOf, heldOf, STANDARD } from '../stores/redis/use-store.ts';
import { keepLog, rowsOf, useStores } from './use-stores.ts';

const stores = useStores();

const settlers: Settler[] = [];

afterEach(async () => {
  await stores().toPostgres.heal();
  await stores().toRedis.heal();
  // What one test left over must not meet the next.
  for (const settler of settlers.splice(0)) await settler.idle();
});

/** A settler with a log that is kept, on the stores that can be taken away. */
function newSettler(db: Db = stores().db) {
  const log = keepLog();
  const settler = createSettler(db, stores().store, log);
  settlers.push(settler);
  return { settler, told: log.told };
}

/** A subscriber with R$ 1,00, its wallet in Redis. */
async function withMoney(): Promise<Tenant> {
  const { database, looking, store } = stores();
  const tenant = await addTenant(database.db, { billing_mode: 'PREPAID', balance_micros: 1_000_000n });
  await waitUntil(() => looking.status === 'ready', { timeout_ms: 5_000, what: 'Redis' });
  await store.loadWallet(await openWallet(database.db, tenant, CYCLE));
  return tenant;
}

/** A call that Redis knows and that has ended, with its record: R$ 0,06 of R$ 0,10 held. */
async function endedCall(tenant: Tenant): Promise<CallRecord> {
  const { store } = stores();
  const record = recordOf(tenant);
  const { subscriber_id: payer, server_id } = tenant;
  const call = callOf({ call_id: record.id, server_id, payer, rate: STANDARD, cycle_start: CYCLE });
  await store.epochHolds();
  expect(await store.admit(call)).toMatchObject({ code: 'ADMITTED', grant: { paid_seconds: 60 } });
  await store.end(record.id, server_id);
  return record;
}

const recordsOf = (tenant: Tenant) =>
  stores()
    .database.db.selectFrom('calls')
    .selectAll()
    .where('subscriber_id', '=', tenant.subscriber_id)
    .execute();

/** Written once, charged once, and nothing of them left in Redis. */
async function expectSettled(tenant: Tenant, records: readonly CallRecord[]): Promise<void> {
  const { database, looking } = stores();
  const written = await rowsOf(() => recordsOf(tenant), records.length, `${records.length} records`);
  expect(written.map((row) => row.id).sort()).toEqual(records.map((row) => row.id).sort());
  const calls = (await movementsOf(database.db, tenant)).filter((move) => move.kind === 'CALL');
  expect(calls.map((move) => move.reference).sort()).toEqual(records.map((row) => row.id).sort());
  const money = 1_000_000 - 60_000 * records.length;
  expect(await accountsOf(database.db, tenant)).toMatchObject({ wallet: { money }, ledger: { money } });
  await waitUntil(async () => Object.keys(await heldOf(looking, tenant.subscriber_id)).length === 0, {
    timeout_ms: 15_000,
    what: 'the reservations to be let go',
  });
  for (const { id } of records) expect(await looking.exists(`pabx:call:${id}`)).toBe(0);
  expect(await looking.hget(`pabx:wallet:${tenant.subscriber_id}`, 'balance')).toBe(String(money));
}

test('records are written and what they held is let go; the same again changes nothing', async () => {
  const tenant = await withMoney();
  const records = [await endedCall(tenant), await endedCall(tenant), await endedCall(tenant)];
  const { settler, told } = newSettler();
  for (const record of [...records, ...records]) settler.add(record);
  await settler.idle();
  await expectSettled(tenant, records);
  for (const record of records) settler.add(record);
  await settler.idle();
  await expectSettled(tenant, records);
  expect(settler.waiting()).toBe(0);
  expect(told).toEqual([]);
});

test('more than one batch', async () => {
  const { database } = stores();
  const tenant = await withMoney();
  const { settler } = newSettler();
  const records = Array.from({ length: 250 }, () => recordOf(tenant, { total_micros: 1n }));
  for (const record of records) settler.add(record);
  await settler.idle();
  expect(await recordsOf(tenant)).toHaveLength(250);
  expect((await accountsOf(database.db, tenant)).wallet.money).toBe(1_000_000 - 250);
});

describe('while Postgres is away', () => {
  test('records wait, and are written once when it is back', async () => {
    const { toPostgres, looking } = stores();
    const tenant = await withMoney();
    const { settler, told } = newSettler();
    const first = await endedCall(tenant);
    await toPostgres.cut();
    settler.add(first);
    await waitUntil(() => told.length >= 2, { timeout_ms: 10_000, what: 'two tries' });
    const second = await endedCall(tenant);
    settler.add(second);
    // Nothing of what was used is let go before the ledger has it.
    expect(await heldOf(looking, tenant.subscriber_id)).toEqual({ held: 200_000 });
    expect(await recordsOf(tenant)).toEqual([]);
    await toPostgres.heal();
    await settler.idle();
    await expectSettled(tenant, [first, second]);
    expect(told.every(({ level }) => level === 'warn')).toBe(true);
  });

  test('all records that are not in the ledger count as waiting', async () => {
    const { toPostgres } = stores();
    const tenant = await withMoney();
    const { settler, told } = newSettler();
    await toPostgres.cut();
    settler.add(recordOf(tenant));
    settler.add(recordOf(tenant));
    expect(settler.waiting()).toBe(2);
    await waitUntil(() => told.length >= 1, { timeout_ms: 10_000, what: 'a try' });
    expect(settler.waiting()).toBe(2);
    settler.add(recordOf(tenant));
    expect(settler.waiting()).toBe(3);
    await toPostgres.heal();
    await settler.idle();
    expect(settler.waiting()).toBe(0);
  });

  test('it heard the commit, and its answer was lost: one record, one charge', async () => {
    const { toPostgres, database } = stores();
    const tenant = await withMoney();
    const { settler, told } = newSettler();
    const record = await endedCall(tenant);
    toPostgres.cutAfter('commit');
    settler.add(record);
    await waitUntil(() => told.length >= 1, { timeout_ms: 10_000, what: 'the lost answer' });
    await rowsOf(() => recordsOf(tenant), 1, 'the record');
    expect((await accountsOf(database.db, tenant)).wallet.money).toBe(940_000);
    await toPostgres.heal();
    await settler.idle();
    await expectSettled(tenant, [record]);
  });
});

describe('a fault that passes does not lose a record', () => {
  /** The database, whose first transactions fail as told. */
  function failing(db: Db, errors: Error[]): Db {
    const transaction = () => ({
      async execute(work: Parameters<ReturnType<Db['transaction']>['execute']>[0]) {
        const error = errors.shift();
        if (error) throw error;
        return db.transaction().execute(work);
      },
    });
    return { transaction } as unknown as Db;
  }

  test.each([
    ['ECONNREFUSED', 'nobody listens'],
    ['ECONNRESET', 'the link broke'],
    ['EPIPE', 'the link broke while we wrote'],
    ['ETIMEDOUT', 'the network is slow'],
    [undefined, 'timeout exceeded when trying to connect'],
    ['08006', 'connection failure'],
    ['25006', 'the server became a read-only standby'],
    ['28P01', 'the password is being changed'],
    ['40001', 'serialization failure'],
    ['40P01', 'deadlock'],
    ['53100', 'disk full'],
    ['53300', 'too many connections'],
    ['55P03', 'a lock is not available'],
    ['57014', 'statement time-out'],
    ['57P01', 'the server is shut down'],
    ['57P03', 'the server starts'],
    ['58030', 'the disk cannot be read'],
  ])('%s, %s', async (code, message) => {
    const tenant = await withMoney();
    const error = Object.assign(new Error(message), code === undefined ? {} : { code });
    const { settler, told } = newSettler(failing(stores().db, [error]));
    const record = await endedCall(tenant);
    settler.add(record);
    await settler.idle();
    expect(told.filter(({ level }) => level === 'error')).toEqual([]);
    await expectSettled(tenant, [record]);
  });
});

test('a call whose line, trunk and plan were deleted meanwhile is written and charged all the same', async () => {
  const tenant = await withMoney();
  const gone = { line_id: randomUUID(), trunk_id: randomUUID(), sales_plan_id: randomUUID() };
  const record = { ...(await endedCall(tenant)), ...gone };
  const { settler, told } = newSettler();
  settler.add(record);
  await settler.idle();
  await expectSettled(tenant, [record]);
  expect(told).toEqual([]);
});

describe('a record that the database refuses', () => {
  test.each<[string, (record: CallRecord) => Partial<CallRecord>]>([
    ['its reseller does not exist', () => ({ reseller_id: randomUUID() })],
    ['our own code trips over it', () => ({ total_micros: 60_000 as unknown as bigint })],
    ['its sum is wrong', ({ paid_seconds }) => ({ paid_seconds: paid_seconds + 1 })],
    ['it is billed beyond its grant', () => ({ granted_seconds: 1 })],
    ['it ended at no time', () => ({ ended_at: new Date(Number.NaN) })],
    ['it talked for years', () => ({ talk_ms: 2 ** 31 })],
    ['it talked for no number of seconds', () => ({ bundle_seconds: Number.NaN })],
    ['its digits hold a zero byte', () => ({ dialled: '12\u00003' })],
  ])('%s: does not hold up the others, and is told once', async (_, fault) => {
    const { looking } = stores();
    const tenant = await withMoney();
    const { settler, told } = newSettler();
    const good = [await endedCall(tenant), await endedCall(tenant)];
    const ended = await endedCall(tenant);
    const bad = { ...ended, ...fault(ended) };
    for (const record of [good[0], bad, good[1]]) settler.add(record as CallRecord);
    await settler.idle();
    expect((await recordsOf(tenant)).map((row) => row.id).sort()).toEqual(good.map((row) => row.id).sort());
    expect(told.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { call: bad.id } }]);
    // Its reservation stays until the journal has settled it.
    expect(Object.keys(await heldOf(looking, tenant.subscriber_id))).toEqual(['held']);
    settler.add(ended);
    await settler.idle();
    await expectSettled(tenant, [...good, ended]);
  });
});

test('Redis away at the release: the ledger has the record at once, Redis lets go when it is back', async () => {
  const { toRedis, looking, database } = stores();
  const tenant = await withMoney();
  const { settler } = newSettler();
  const records = [await endedCall(tenant), await endedCall(tenant)];
  await toRedis.cut();
  for (const record of records) settler.add(record);
  await settler.idle();
  expect(await recordsOf(tenant)).toHaveLength(2);
  expect((await accountsOf(database.db, tenant)).wallet.money).toBe(880_000);
  expect(await heldOf(looking, tenant.subscriber_id)).toEqual({ held: 200_000 });
  await toRedis.heal();
  await expectSettled(tenant, records);
});
