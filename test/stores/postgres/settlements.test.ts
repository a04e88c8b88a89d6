import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../../dev/services/process.ts';
import type { Db } from '../../../src/stores/postgres/connect.ts';
import { type CallRecord, settleCalls, settledAmong } from '../../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../../src/stores/postgres/wallets.ts';
import {
  accountsOf,
  addTenant,
  CYCLE,
  movementsOf,
  recordOf,
  splitRecord,
  type Tenant,
  topUpWallet,
  useDatabase,
} from './use-tenants.ts';

const database = useDatabase();

/** A subscriber with 100 s of minutes and R$ 1,00, its wallet open. */
async function withMeans(): Promise<Tenant> {
  const { db } = database();
  const tenant = await addTenant(db, {
    billing_mode: 'BUNDLE',
    bundles: { FIXED_LOCAL: 100 },
    balance_micros: 1_000_000n,
  });
  await openWallet(db, tenant, CYCLE);
  return tenant;
}

const recordsOf = (db: Db, tenant: Tenant) =>
  db.selectFrom('calls').selectAll().where('subscriber_id', '=', tenant.subscriber_id).execute();

async function unbalanced(db: Db) {
  return db
    .selectFrom('ledger_entries')
    .select('movement_id')
    .groupBy(['movement_id', 'unit'])
    .having((e) => e.fn.sum('amount'), '<>', 0)
    .execute();
}

describe('a batch of ended calls', () => {
  test('is recorded and charged, and gives the wallets as they stand after', async () => {
    const { db } = database();
    const [a, b] = [await withMeans(), await withMeans()];
    const before = await accountsOf(db, a);
    const { wallets } = await settleCalls(db, [
      splitRecord(a, 70, 0),
      splitRecord(b, 0, 30),
      splitRecord(a, 30, 66),
    ]);
    expect(await accountsOf(db, a)).toMatchObject({
      wallet: { money: 934_000, minutes: { [CYCLE]: { FIXED_LOCAL: 0 } } },
      ledger: { money: 934_000, minutes: { [CYCLE]: { FIXED_LOCAL: 0 } } },
    });
    const wallet = wallets.get(a.subscriber_id);
    expect(wallet).toEqual({
      subscriber_id: a.subscriber_id,
      version: before.version + 1n,
      balance_micros: 934_000n,
      cycle_start: CYCLE,
      spend_day: '2026-11-10',
      spent_micros: 66_000n,
      left_seconds: { [CYCLE]: { FIXED_LOCAL: 0 } },
    });
    expect(wallets.get(b.subscriber_id)).toMatchObject({
      balance_micros: 970_000n,
      left_seconds: { [CYCLE]: { FIXED_LOCAL: 100 } },
    });
    expect(await unbalanced(db)).toEqual([]);
    expect(await movementsOf(db, a)).toHaveLength(2 + 2);
  });

  test('with the same call several times, and settled again: one record, one movement, one charge', async () => {
    const { db } = database();
    const tenant = await withMeans();
    const record = splitRecord(tenant, 30, 66);
    const dearer = {
      ...record,
      paid_seconds: 900,
      billed_seconds: 930,
      granted_seconds: 930,
      total_micros: 900_000n,
    };
    const other = splitRecord(tenant, 10, 0);
    const first = await settleCalls(db, [record, record, other, record, dearer]);
    const after = await accountsOf(db, tenant);
    expect(after).toMatchObject({
      wallet: { money: 934_000, minutes: { [CYCLE]: { FIXED_LOCAL: 60 } } },
      ledger: { money: 934_000, minutes: { [CYCLE]: { FIXED_LOCAL: 60 } } },
    });
    for (const again of [[record], [dearer, record], [other, record, other]]) {
      expect(await settleCalls(db, again)).toEqual(first);
    }
    expect(await accountsOf(db, tenant)).toEqual(after);
    const stored = await recordsOf(db, tenant);
    expect(stored.map((row) => row.id).sort()).toEqual([record.id, other.id].sort());
    expect(stored.find((row) => row.id === record.id)).toEqual(record);
    const moves = (await movementsOf(db, tenant)).filter((move) => move.kind === 'CALL');
    expect(moves.map((move) => move.reference).sort()).toEqual([record.id, other.id].sort());
    expect(moves.every((move) => move.wallet_version === after.version)).toBe(true);
  });

  test('settled by ten at once: one charge', async () => {
    const { db } = database();
    const tenant = await withMeans();
    const records = Array.from({ length: 5 }, () => splitRecord(tenant, 0, 30));
    await Promise.all(Array.from({ length: 10 }, () => settleCalls(db, records)));
    expect(await accountsOf(db, tenant)).toMatchObject({
      wallet: { money: 850_000 },
      ledger: { money: 850_000 },
    });
    expect(await recordsOf(db, tenant)).toHaveLength(5);
  });

  test('of calls that cost nothing: records alone', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const free = recordOf(tenant, { billed_seconds: 0, paid_seconds: 0, total_micros: 0n });
    const unpriced = { ...free, id: `${free.id}-2`, price_micros_per_minute: null, cadence: null };
    const zero = recordOf(tenant, { total_micros: 0n, price_micros_per_minute: 0n });
    const { wallets } = await settleCalls(db, [free, unpriced, zero]);
    expect(wallets.size).toBe(0);
    expect(await recordsOf(db, tenant)).toHaveLength(3);
    expect(await movementsOf(db, tenant)).toEqual([]);
  });

  test('goes below zero when the calls were let go: the ledger only tells what happened', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const { wallets } = await settleCalls(db, [recordOf(tenant)]);
    expect(wallets.get(tenant.subscriber_id)).toMatchObject({
      balance_micros: -60_000n,
      version: 1n,
      left_seconds: {},
    });
    expect((await accountsOf(db, tenant)).ledger.money).toBe(-60_000);
  });

  test('with amounts beyond 53 bits is exact', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const total_micros = 2n ** 53n + 1n;
    const { wallets } = await settleCalls(db, [recordOf(tenant, { total_micros })]);
    expect(wallets.get(tenant.subscriber_id)?.balance_micros).toBe(-total_micros);
  });

  test.each<[string, (tenant: Tenant) => Partial<CallRecord>]>([
    ['of a reseller that does not exist', () => ({ reseller_id: '00000000-0000-4000-8000-000000000000' })],
    ['whose parts are not its sum', () => ({ bundle_seconds: 1 })],
    ['billed beyond its grant', () => ({ granted_seconds: 35 })],
    ['with a negative talk', () => ({ talk_ms: -1 })],
  ])('with one record %s: all or none', async (_, fault) => {
    const { db } = database();
    const tenant = await withMeans();
    const before = await accountsOf(db, tenant);
    const batch = [
      splitRecord(tenant, 0, 30),
      { ...recordOf(tenant), ...fault(tenant) },
      splitRecord(tenant, 30, 0),
    ];
    await expect(settleCalls(db, batch)).rejects.toThrow();
    expect(await accountsOf(db, tenant)).toEqual(before);
    expect(await recordsOf(db, tenant)).toEqual([]);
  });
});

describe('batches that share payers', () => {
  test('in opposite order at once do not deadlock, and every call is charged', async () => {
    const { db } = database();
    const tenants = await Promise.all(Array.from({ length: 6 }, withMeans));
    const batches = Array.from({ length: 40 }, (_, i) => {
      const order = i % 2 === 0 ? tenants : [...tenants].reverse();
      return order.map((tenant) => splitRecord(tenant, 1, 2));
    });
    await Promise.all(batches.map((batch) => settleCalls(db, batch)));
    for (const tenant of tenants) {
      const accounts = await accountsOf(db, tenant);
      expect(accounts.wallet).toEqual({
        money: 1_000_000 - 80_000,
        minutes: { [CYCLE]: { FIXED_LOCAL: 60 } },
      });
      expect(accounts.ledger).toEqual(accounts.wallet);
    }
  });

  test('of payers without a wallet yet, the same', async () => {
    const { db } = database();
    const tenants = await Promise.all(Array.from({ length: 5 }, () => addTenant(db)));
    const batches = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? tenants : [...tenants].reverse()).map((tenant) => recordOf(tenant)),
    );
    await Promise.all(batches.map((batch) => settleCalls(db, batch)));
    for (const tenant of tenants) {
      const accounts = await accountsOf(db, tenant);
      expect(accounts).toMatchObject({
        wallet: { money: -1_200_000 },
        ledger: { money: -1_200_000 },
        version: 20n,
      });
    }
  });

  test('wait for each other, whoever locks first', async () => {
    const { db, pool } = database();
    const tenants = await Promise.all(Array.from({ length: 3 }, () => addTenant(db)));
    const [low, middle, high] = tenants.sort((a, b) => (a.subscriber_id < b.subscriber_id ? -1 : 1)) as [
      Tenant,
      Tenant,
      Tenant,
    ];
    const waiting = async () => {
      const { rows } = await pool.query(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length === 2;
    };
    let settled: Promise<unknown> = Promise.resolve();
    // A third one holds the wallet in the middle until both stand in line, each with what it took before.
    await db.transaction().execute(async (tx) => {
      await tx.insertInto('wallets').values({ subscriber_id: middle.subscriber_id }).execute();
      settled = Promise.all([
        settleCalls(db, [recordOf(low), recordOf(middle), recordOf(high)]),
        settleCalls(db, [recordOf(high), recordOf(middle), recordOf(low)]),
      ]);
      await waitUntil(waiting, { timeout_ms: 10_000, what: 'both batches to wait' });
    });
    await settled;
    for (const tenant of tenants) {
      expect(await accountsOf(db, tenant)).toMatchObject({ wallet: { money: -120_000 }, version: 2n });
    }
  });

  test('between top-ups: versions grow with each, and are the movements’', async () => {
    const { db } = database();
    const tenant = await withMeans();
    const { version } = await accountsOf(db, tenant);
    const seen = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        if (i % 2 === 0) return topUpWallet(db, tenant, 1_000n, `t ${tenant.subscriber_id} ${i}`, 'test');
        const record = splitRecord(tenant, 0, 1);
        return (await settleCalls(db, [record])).wallets.get(tenant.subscriber_id);
      }),
    );
    const versions = seen.map((wallet) => Number((wallet?.version ?? 0n) - version)).sort((x, y) => x - y);
    expect(versions).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    const balances = new Set(seen.map((wallet) => `${wallet?.version} ${wallet?.balance_micros}`));
    const stored = await movementsOf(db, tenant);
    expect(new Set(stored.slice(2).map((move) => move.wallet_version)).size).toBe(20);
    expect(balances.size).toBe(20);
    expect(await accountsOf(db, tenant)).toMatchObject({
      wallet: { money: 1_000_000 },
      ledger: { money: 1_000_000 },
    });
  });
});

test('which calls are settled', async () => {
  const { db } = database();
  const tenant = await addTenant(db);
  const record = recordOf(tenant);
  await settleCalls(db, [record]);
  const billed = new Map([[record.id, record.talk_ms]]);
  expect(await settledAmong(db, [record.id, 'unknown'])).toEqual(billed);
  expect(await settledAmong(db, [])).toEqual(new Map());
});
