import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, inject, test } from 'vitest';
import { waitUntil } from '../../../dev/services/process.ts';
import { createDatabase } from '../../../dev/world/database.ts';
import { addSubscriber } from '../../../dev/world/tenants.ts';
import type { Grant } from '../../../src/domain/charge.ts';
import type { Db } from '../../../src/stores/postgres/connect.ts';
import { proveLedger } from '../../../src/stores/postgres/prove-ledger.ts';
import { readResellerWallet } from '../../../src/stores/postgres/reseller-wallets.ts';
import { type CallRecord, settleCalls } from '../../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../../src/stores/postgres/wallets.ts';
import {
  accountsOf,
  addTenant,
  billedRecord,
  CYCLE,
  foundRate,
  movementsOf,
  NEXT_CYCLE,
  splitRecord,
  type Tenant,
  useDatabase,
} from './use-tenants.ts';

const database = useDatabase();

/** Of whatever a level pays, in micro-reais a second. */
const WHOLESALE = foundRate(30_000n, [1, 1, 0]);
const CARRIER = foundRate(12_000n, [1, 1, 0]);

const withMinutes = (seconds: number) =>
  addTenant(database().db, {
    billing_mode: 'BUNDLE',
    bundles: { FIXED_LOCAL: seconds },
    balance_micros: 1_000_000n,
  });

/** A call by the second that talked all that it was granted before and after the turn of its cycle. */
function straddling(tenant: Tenant, before: [number, number], after: [number, number]): CallRecord {
  const grant: Grant = {
    bundle_seconds: before[0],
    paid_seconds: before[1],
    after_turn: {
      turn_seconds: before[0] + before[1],
      bundle_seconds: after[0],
      paid_seconds: after[1],
    },
  };
  const talk_ms = [...before, ...after].reduce((sum, seconds) => sum + seconds, 0) * 1000;
  return billedRecord(tenant, { talk_ms, grant, bundle_slot: 'FIXED_LOCAL' });
}

/** The legs of a call, each with its entries. */
async function legsOf(db: Db, call_id: string) {
  const rows = await db
    .selectFrom('ledger_movements as m')
    .innerJoin('ledger_entries as e', 'e.movement_id', 'm.id')
    .select(['m.leg', 'm.sequence', 'm.subscriber_id', 'm.reseller_id', 'm.cycle_start', 'm.wallet_version'])
    .select(['e.account', 'e.amount'])
    .where('m.reference', '=', call_id)
    .orderBy('m.id')
    .orderBy('e.amount')
    .execute();
  return rows;
}

describe('a call in two cycles', () => {
  test.each([
    ['settled before the new one is opened elsewhere', false],
    ['settled after it', true],
  ])('takes of each its own minutes, %s', async (_, openedFirst) => {
    const { db } = database();
    const tenant = await withMinutes(100);
    await openWallet(db, tenant, CYCLE);
    await openWallet(db, tenant, NEXT_CYCLE);
    if (openedFirst) await openWallet(db, tenant, '2027-01-01');
    const record = straddling(tenant, [40, 10], [20, 5]);
    expect(record.parts).toMatchObject([
      { cycle_start: CYCLE, bundle_seconds: 40, paid_seconds: 10, total_micros: '10000' },
      { cycle_start: NEXT_CYCLE, bundle_seconds: 20, paid_seconds: 5, total_micros: '5000' },
    ]);
    const { wallets } = await settleCalls(db, [record]);
    const { wallet, ledger } = await accountsOf(db, tenant);
    expect(wallet).toMatchObject({
      money: 985_000,
      minutes: { [CYCLE]: { FIXED_LOCAL: 60 }, [NEXT_CYCLE]: { FIXED_LOCAL: 80 } },
    });
    expect(ledger).toEqual(wallet);
    expect(wallets.get(tenant.subscriber_id)?.left_seconds[NEXT_CYCLE]).toEqual({ FIXED_LOCAL: 80 });
    const calls = (await movementsOf(db, tenant)).filter(({ kind }) => kind === 'CALL');
    expect(calls).toMatchObject([
      { leg: 'subscriber', sequence: 0, cycle_start: CYCLE },
      { leg: 'subscriber', sequence: 1, cycle_start: NEXT_CYCLE },
    ]);
    expect(await proveLedger(db)).toEqual([]);
  });

  test('that took something in the second alone has its second movement alone', async () => {
    const { db } = database();
    const tenant = await withMinutes(100);
    await openWallet(db, tenant, NEXT_CYCLE);
    await settleCalls(db, [straddling(tenant, [0, 0], [30, 0])]);
    const calls = (await movementsOf(db, tenant)).filter(({ kind }) => kind === 'CALL');
    expect(calls).toMatchObject([{ sequence: 1, cycle_start: NEXT_CYCLE }]);
    expect(await proveLedger(db)).toEqual([]);
  });

  test('of an old cycle that was never opened: its row is made, and tells what was taken', async () => {
    // A database of its own: what is wrong in it must not be found by the others.
    const own = await createDatabase(inject('postgresUrl'));
    const { db } = own;
    const tenant = await addTenant(db, { billing_mode: 'BUNDLE', bundles: { FIXED_LOCAL: 100 } });
    await openWallet(db, tenant, NEXT_CYCLE);
    await settleCalls(db, [straddling(tenant, [7, 0], [20, 0])]);
    const { wallet, ledger } = await accountsOf(db, tenant);
    expect(wallet.minutes).toEqual({ [CYCLE]: { FIXED_LOCAL: -7 }, [NEXT_CYCLE]: { FIXED_LOCAL: 80 } });
    expect(ledger.minutes).toEqual(wallet.minutes);
    // It was granted by nobody, and the proof says so.
    expect(await proveLedger(db)).toEqual([
      {
        what: 'the minutes left of a subscriber differ from the ledger, or are below zero',
        id: `${tenant.subscriber_id} FIXED_LOCAL ${CYCLE}`,
      },
    ]);
    await own.close();
  });
});

describe('a call that is paid at every level', () => {
  const paid = (tenant: Tenant, more: Partial<CallRecord> = {}) =>
    billedRecord(
      tenant,
      {
        talk_ms: 40_000,
        grant: { bundle_seconds: 30, paid_seconds: 10 },
        bundle_slot: 'FIXED_LOCAL',
        wholesale: WHOLESALE,
        cost: CARRIER,
      },
      { trunk_id: randomUUID(), ...more },
    );

  test('has a movement at each, and the reseller’s wallet grows a version', async () => {
    const { db } = database();
    const tenant = await withMinutes(100);
    const { subscriber_id, reseller_id } = tenant;
    await openWallet(db, tenant, CYCLE);
    const record = paid(tenant);
    const settled = await settleCalls(db, [record]);
    const reseller = { reseller_id, version: 1n, balance_micros: -20_000n };
    expect(settled.resellers).toEqual(new Map([[reseller_id, reseller]]));
    expect(await readResellerWallet(db, reseller_id)).toEqual(reseller);
    const { version } = await accountsOf(db, tenant);
    const of = { sequence: 0, subscriber_id: null, cycle_start: null };
    const retail = { leg: 'subscriber', sequence: 0, subscriber_id, reseller_id, cycle_start: CYCLE };
    const wholesale = { ...of, leg: 'wholesale', reseller_id, wallet_version: 1n };
    const carrier = { ...of, leg: 'carrier', reseller_id: null, wallet_version: 0n };
    const minutes = `subscriber:${subscriber_id}:seconds:FIXED_LOCAL:${CYCLE}`;
    expect(await legsOf(db, record.id)).toEqual([
      { ...retail, wallet_version: version, account: `subscriber:${subscriber_id}:money`, amount: -10_000n },
      { ...retail, wallet_version: version, account: minutes, amount: -30n },
      { ...retail, wallet_version: version, account: `reseller:${reseller_id}:seconds`, amount: 30n },
      { ...retail, wallet_version: version, account: `reseller:${reseller_id}:revenue`, amount: 10_000n },
      { ...wholesale, account: `reseller:${reseller_id}:wholesale`, amount: -20_000n },
      { ...wholesale, account: 'platform:revenue', amount: 20_000n },
      { ...carrier, account: `trunk:${record.trunk_id}:payable`, amount: -8_000n },
      { ...carrier, account: 'platform:cost', amount: 8_000n },
    ]);
  });

  test('settled again, alone and among others, is charged once at every level', async () => {
    const { db } = database();
    const tenant = await withMinutes(100);
    await openWallet(db, tenant, CYCLE);
    const [record, other] = [paid(tenant), paid(tenant)];
    const first = await settleCalls(db, [record, record]);
    const legs = await legsOf(db, record.id);
    expect(await settleCalls(db, [record])).toEqual(first);
    const both = await settleCalls(db, [record, other, record]);
    expect(both.resellers.get(tenant.reseller_id)).toMatchObject({ version: 2n, balance_micros: -40_000n });
    await Promise.all(Array.from({ length: 10 }, () => settleCalls(db, [other, record])));
    expect(await legsOf(db, record.id)).toEqual(legs);
    expect(await readResellerWallet(db, tenant.reseller_id)).toMatchObject({
      version: 2n,
      balance_micros: -40_000n,
    });
  });

  test('many of one reseller in one batch: one version, their sum', async () => {
    const { db } = database();
    const tenant = await withMinutes(300);
    await openWallet(db, tenant, CYCLE);
    const records = Array.from({ length: 5 }, () => paid(tenant));
    const { resellers } = await settleCalls(db, records);
    expect(resellers.get(tenant.reseller_id)).toMatchObject({ version: 1n, balance_micros: -100_000n });
  });

  test('free for the subscriber still costs its reseller and the platform', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const record = billedRecord(
      tenant,
      {
        talk_ms: 10_000,
        rate: foundRate(0n, [1, 1, 0]),
        grant: { bundle_seconds: 0, paid_seconds: 60 },
        wholesale: WHOLESALE,
        cost: CARRIER,
      },
      { trunk_id: randomUUID() },
    );
    const { wallets, resellers } = await settleCalls(db, [record]);
    expect(wallets.size).toBe(0);
    expect(resellers.get(tenant.reseller_id)?.balance_micros).toBe(-5_000n);
    expect((await legsOf(db, record.id)).map(({ leg }) => leg)).toEqual([
      'wholesale',
      'wholesale',
      'carrier',
      'carrier',
    ]);
  });

  test('bought at price 0, or below its threshold: the reseller’s wallet is told of as it stands', async () => {
    const { db } = database();
    const tenant = await withMinutes(100);
    await openWallet(db, tenant, CYCLE);
    await settleCalls(db, [paid(tenant)]);
    const gift = billedRecord(tenant, {
      talk_ms: 10_000,
      grant: { bundle_seconds: 0, paid_seconds: 60 },
      wholesale: foundRate(0n, [1, 1, 0]),
    });
    const { resellers } = await settleCalls(db, [gift]);
    expect(resellers.get(tenant.reseller_id)).toMatchObject({ version: 1n, balance_micros: -20_000n });
  });
});

describe('batches that share subscribers and resellers', () => {
  test('fifty at once in any order do not deadlock, also with the same calls among them', async () => {
    const { db } = database();
    const tenants: Tenant[] = [];
    for (let i = 0; i < 3; i += 1) {
      const tenant = await withMinutes(10_000);
      const options = { billing_mode: 'BUNDLE', bundles: { FIXED_LOCAL: 10_000 } } as const;
      const neighbour = await addSubscriber(
        db,
        { reseller_id: tenant.reseller_id, server_id: tenant.server_id },
        options,
      );
      const { line_id } = await neighbour.addLine();
      tenants.push(tenant, { ...tenant, subscriber_id: neighbour.id, line_id });
    }
    for (const tenant of tenants) await openWallet(db, tenant, CYCLE);
    const shared = tenants.map((tenant) => splitRecord(tenant, 1, 1));
    const rotated = <T>(all: readonly T[], by: number) => [
      ...all.slice(by % all.length),
      ...all.slice(0, by % all.length),
    ];
    const batches = Array.from({ length: 50 }, (_, i) => {
      const own = tenants.map((tenant) =>
        billedRecord(tenant, {
          talk_ms: 3_000,
          grant: { bundle_seconds: 2, paid_seconds: 1 },
          bundle_slot: 'FIXED_LOCAL',
          wholesale: WHOLESALE,
        }),
      );
      const all = rotated([...own, ...shared], i * 5);
      return i % 2 === 0 ? all : all.reverse();
    });
    await Promise.all(batches.map((batch) => settleCalls(db, batch)));
    for (const tenant of tenants) {
      const { wallet, ledger } = await accountsOf(db, tenant);
      expect(wallet.minutes[CYCLE]).toEqual({ FIXED_LOCAL: 10_000 - 101 });
      expect(ledger).toEqual(wallet);
      const reseller = await readResellerWallet(db, tenant.reseller_id);
      expect(reseller).toMatchObject({ version: 50n, balance_micros: -2n * 50n * 1_500n });
    }
  });
});

test('the same calls in two batches of opposite order wait for each other, whoever writes first', async () => {
  const { db, pool } = database();
  const tenant = await addTenant(db);
  const records = ['a', 'b', 'c'].map((id) => ({
    ...splitRecord(tenant, 0, 1),
    id: `${id} ${tenant.subscriber_id}`,
  }));
  const waiting = async () => {
    const { rows } = await pool.query(
      `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows.length === 2;
  };
  const like = splitRecord(tenant, 0, 1);
  await settleCalls(db, [like]);
  let settled: Promise<unknown> = Promise.resolve();
  // A third one writes the call in the middle, and has not committed until both stand in line.
  await db.transaction().execute(async (tx) => {
    await sql`insert into calls select (jsonb_populate_record(c, ${JSON.stringify({ id: records[1]?.id })})).*
      from calls c where id = ${like.id}`.execute(tx);
    settled = Promise.all([settleCalls(db, records), settleCalls(db, records.toReversed())]);
    await waitUntil(waiting, { timeout_ms: 10_000, what: 'both batches to wait' });
  });
  await settled;
  expect((await accountsOf(db, tenant)).wallet.money).toBe(-3_000);
});

describe('a franquia that is used up', () => {
  const alertsOf = (tenant: Tenant) =>
    database()
      .db.selectFrom('bundle_alerts')
      .select(['slot', 'cycle_start', 'percent', 'reseller_id'])
      .where('subscriber_id', '=', tenant.subscriber_id)
      .orderBy('id')
      .execute();
  const percents = async (tenant: Tenant) => (await alertsOf(tenant)).map(({ percent }) => percent);

  test('is told of at 50, 80 and 100 %, each once', async () => {
    const { db } = database();
    const tenant = await withMinutes(100);
    await openWallet(db, tenant, CYCLE);
    const told: number[][] = [];
    for (const seconds of [49, 1, 29, 1, 19, 1, 5]) {
      await settleCalls(db, [splitRecord(tenant, seconds, 0)]);
      told.push(await percents(tenant));
    }
    expect(told).toEqual([[], [50], [50], [50, 80], [50, 80], [50, 80, 100], [50, 80, 100]]);
    expect((await alertsOf(tenant))[0]).toEqual({
      slot: 'FIXED_LOCAL',
      cycle_start: CYCLE,
      percent: 50,
      reseller_id: tenant.reseller_id,
    });
  });

  test('by one call, or by one batch, is told of at all that were crossed', async () => {
    const { db } = database();
    const tenant = await withMinutes(100);
    await openWallet(db, tenant, CYCLE);
    await settleCalls(db, [splitRecord(tenant, 45, 0), splitRecord(tenant, 40, 0)]);
    expect((await percents(tenant)).sort()).toEqual([50, 80]);
    await settleCalls(db, [splitRecord(tenant, 15, 0)]);
    expect((await percents(tenant)).sort()).toEqual([100, 50, 80]);
  });

  test('is told of again in the next cycle, and for each slot alone', async () => {
    const { db } = database();
    const bundles = { FIXED_LOCAL: 100, MOBILE_LOCAL: 100 };
    const tenant = await addTenant(db, { billing_mode: 'BUNDLE', bundles });
    for (const cycle of [CYCLE, NEXT_CYCLE]) await openWallet(db, tenant, cycle);
    const mobile = { ...splitRecord(tenant, 60, 0), bundle_slot: 'MOBILE_LOCAL' as const };
    await settleCalls(db, [straddling(tenant, [80, 0], [50, 0]), mobile]);
    expect(
      (await alertsOf(tenant)).map((row) => `${row.cycle_start} ${row.slot} ${row.percent}`).sort(),
    ).toEqual([
      `${CYCLE} FIXED_LOCAL 50`,
      `${CYCLE} FIXED_LOCAL 80`,
      `${CYCLE} MOBILE_LOCAL 50`,
      `${NEXT_CYCLE} FIXED_LOCAL 50`,
    ]);
  });

  test('that holds nothing is never told of', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    await settleCalls(db, [splitRecord(tenant, 30, 0)]);
    expect(await alertsOf(tenant)).toEqual([]);
  });

  test('by twenty calls settled at once is told of once each', async () => {
    const { db } = database();
    const tenant = await withMinutes(100);
    await openWallet(db, tenant, CYCLE);
    await Promise.all(Array.from({ length: 20 }, () => settleCalls(db, [splitRecord(tenant, 5, 0)])));
    expect((await percents(tenant)).sort()).toEqual([100, 50, 80]);
  });
});
