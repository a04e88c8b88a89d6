import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { factsOf } from '../../dev/world/call-facts.ts';
import { createAdmissions } from '../../src/calls/admission.ts';
import { createLiveBoard } from '../../src/calls/live-board.ts';
import { type CallFacts, type LiveCall, newLiveCall } from '../../src/calls/live-call.ts';
import { settlementOf } from '../../src/calls/settlement.ts';
import { createSharing } from '../../src/calls/sharing.ts';
import { createSlices } from '../../src/calls/slices.ts';
import { dayStart_ms } from '../../src/domain/cycle.ts';
import { proveLedger } from '../../src/stores/postgres/prove-ledger.ts';
import { settleCalls } from '../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../src/stores/postgres/wallets.ts';
import {
  accountsOf,
  addTenant,
  BY_THE_SECOND,
  CYCLE,
  NEXT_CYCLE,
  type Tenant,
} from '../stores/postgres/use-tenants.ts';
import { fakeSwitch } from './fake-switch.ts';
import { keepLog, unbraked, useStores } from './use-stores.ts';

/*
 * Calls that are answered moments before midnight of their subscriber's cycle day. Midnight comes by the switch's clock,
 * which is what the call says it was answered by: nothing here waits for a real one.
 */

const stores = useStores();

interface Means {
  /** Seconds that the franquia has in the old cycle, and in the new one; 0: none. */
  readonly minutes: readonly [old: number, next: number];
  readonly balance?: bigint;
  /** Seconds of talk at which the cycle turns. */
  readonly turn: number;
  readonly slice_seconds?: number;
  readonly opens?: boolean;
}

/** A subscriber whose franquia changes between the two cycles: the first is open, the second is not. */
async function withFranquia([old, next]: Means['minutes'], balance: bigint): Promise<Tenant> {
  const { db } = stores().database;
  const bundles = { FIXED_LOCAL: Math.max(old, 1) };
  const tenant = await addTenant(db, { billing_mode: 'BUNDLE', bundles, balance_micros: balance });
  await openWallet(db, tenant, CYCLE);
  const mine = db
    .selectFrom('bundle_slots')
    .select('bundle_id')
    .where('subscriber_id', '=', tenant.subscriber_id);
  if (next > 0)
    await db.updateTable('minute_bundles').set({ included_seconds: next }).where('id', 'in', mine).execute();
  else await db.deleteFrom('bundle_slots').where('subscriber_id', '=', tenant.subscriber_id).execute();
  return tenant;
}

/** An admitted call of such a subscriber, answered now, which is `turn` seconds before its cycle turns. */
async function answeredCall({ minutes, balance = 0n, turn, slice_seconds = 1, opens = true }: Means) {
  const { database, db, store } = stores();
  const tenant = await withFranquia(minutes, balance);
  const { username: _, sales_plan_id: plan_id, ...ids } = tenant;
  const facts = factsOf({ ...ids, plan_id, rate: BY_THE_SECOND, slot: 'FIXED_LOCAL' });
  const admission = await createAdmissions(db, store, () => slice_seconds).admit(facts);
  if (!admission.admitted) throw new Error(JSON.stringify(admission.refusal));
  const call: LiveCall = newLiveCall(admission.facts, admission.grant, admission.more_seconds, true);
  const { link, told } = fakeSwitch(() => call.answered_mono_ms ?? 0);
  const board = createLiveBoard();
  const asked: string[] = [];
  const openNextCycle = async (of: CallFacts) => {
    asked.push(of.next_cycle_start);
    if (!opens) return false;
    await store.loadWallet(await openWallet(db, of, of.next_cycle_start));
    return true;
  };
  const times = { slice_seconds, lead_seconds: 0.4, grace_seconds: 2 };
  const log = keepLog();
  const sharing = createSharing({ store, board, log, live: new Map([[facts.call_id, call]]) });
  const switchOf = () => link;
  const brake = unbraked(slice_seconds);
  const slices = createSlices({ store, board, sharing, times, brake, log, switchOf, openNextCycle });
  const talked = () => (performance.now() - (call.answered_mono_ms ?? 0)) / 1000;
  const seen: { at: number; paying: string }[] = [];
  board.watch((message) => {
    if (message.type === 'upsert') seen.push({ at: talked(), paying: message.call.paying });
  });
  call.callee = { channel_id: 'callee', channel_name: 'PJSIP/callee' } as LiveCall['callee'];
  call.phase = 'ANSWERED';
  call.answered_at_ms = dayStart_ms(NEXT_CYCLE) - turn * 1000;
  call.answered_mono_ms = performance.now();
  slices.start(call);
  const hungUp = () => told.find(({ what }) => what === 'hang up');
  const granted = () => told.filter(({ what }) => what === 'PABX_GRANTED').map(({ value }) => value);

  /** Hangs up after so many seconds of talk by the switch's clock, and settles. */
  async function settle(talk_ms: number) {
    slices.stop(call);
    const ended_at_ms = (call.answered_at_ms ?? 0) + talk_ms;
    const { record } = settlementOf(call, { ended_at_ms, talk_ms, reason: 'HANGUP', q850: 16 });
    await store.end(facts.call_id, facts.server_id);
    const { wallets } = await settleCalls(database.db, [record]);
    await store.settle(
      { ...facts, payer: facts.subscriber_id },
      wallets.get(facts.subscriber_id) ?? null,
      null,
    );
    expect(await proveLedger(database.db)).toEqual([]);
    const { wallet } = await accountsOf(database.db, tenant);
    const held = await stores().looking.hgetall(`pabx:wallet:${tenant.subscriber_id}`);
    for (const [name, value] of Object.entries(held))
      if (name.startsWith('held')) expect([name, value]).toEqual([name, '0']);
    return { record, wallet };
  }

  return { call, slices, told, granted, hungUp, asked, seen, settle };
}

const until = (condition: () => boolean, what: string) => waitUntil(condition, { timeout_ms: 15_000, what });

const part = (cycle_start: string, bundle_seconds: number, paid_seconds: number) => ({
  cycle_start,
  bundle_seconds,
  paid_seconds,
  total_micros: String(paid_seconds * 1_000),
});

describe('a call whose cycle turns', () => {
  test('is paid by the minutes of the new one from that second on, and cut where they end', async () => {
    const { call, hungUp, asked, granted, settle } = await answeredCall({ minutes: [10, 2], turn: 2 });
    await until(() => hungUp() !== undefined, 'the cut');
    expect(hungUp()?.at).toBeGreaterThan(3.99);
    expect(hungUp()?.at).toBeLessThan(4.4);
    expect(call.grant).toEqual({
      bundle_seconds: 2,
      paid_seconds: 0,
      after_turn: { turn_seconds: 2, bundle_seconds: 2, paid_seconds: 0 },
    });
    expect(asked).toEqual([NEXT_CYCLE]);
    expect(granted().at(-1)).toBe('2:0:2:2:0');
    const { record, wallet } = await settle(4_000);
    expect(record.turn_seconds).toBe(2);
    expect(record.parts).toMatchObject([part(CYCLE, 2, 0), part(NEXT_CYCLE, 2, 0)]);
    expect(wallet.minutes).toEqual({ [CYCLE]: { FIXED_LOCAL: 8 }, [NEXT_CYCLE]: { FIXED_LOCAL: 0 } });
  });

  test('goes back from money to minutes, and the viewers see it on the second', async () => {
    const { hungUp, seen, settle } = await answeredCall({ minutes: [1, 2], balance: 1_000n, turn: 2 });
    await until(() => hungUp() !== undefined, 'the cut');
    const changes = seen.filter(({ paying }, index) => paying !== seen[index - 1]?.paying);
    expect(changes.map(({ paying }) => paying)).toEqual(['BUNDLE', 'MONEY', 'BUNDLE']);
    expect(changes[1]?.at).toBeGreaterThan(0.9);
    expect(changes[1]?.at).toBeLessThan(1.3);
    expect(changes[2]?.at).toBeGreaterThan(1.9);
    expect(changes[2]?.at).toBeLessThan(2.3);
    const { record, wallet } = await settle(4_000);
    expect(record.parts).toMatchObject([part(CYCLE, 1, 1), part(NEXT_CYCLE, 2, 0)]);
    expect(wallet.money).toBe(0);
  });

  test('ends on the second of the turn when the new one has nothing', async () => {
    const { call, hungUp, settle } = await answeredCall({ minutes: [10, 0], turn: 2 });
    await until(() => hungUp() !== undefined, 'the cut');
    expect(hungUp()?.at).toBeGreaterThan(1.99);
    expect(hungUp()?.at).toBeLessThan(2.4);
    expect(call.exhausted).toBe(true);
    const { record, wallet } = await settle(2_000);
    expect(record.parts).toMatchObject([part(CYCLE, 2, 0), part(NEXT_CYCLE, 0, 0)]);
    expect(wallet.minutes).toEqual({ [CYCLE]: { FIXED_LOCAL: 8 } });
  });

  test('goes on with money when the new one has no minutes', async () => {
    const { hungUp, settle } = await answeredCall({ minutes: [10, 0], balance: 2_000n, turn: 2 });
    await until(() => hungUp() !== undefined, 'the cut');
    expect(hungUp()?.at).toBeGreaterThan(3.99);
    const { record, wallet } = await settle(4_000);
    expect(record.parts).toMatchObject([part(CYCLE, 2, 0), part(NEXT_CYCLE, 0, 2)]);
    expect(wallet).toEqual({ money: 0, minutes: { [CYCLE]: { FIXED_LOCAL: 8 } } });
  });

  test('that hangs up before the turn is a call of the old one', async () => {
    const { call, settle } = await answeredCall({ minutes: [10, 10], turn: 3 });
    await until(() => call.grant.after_turn !== undefined, 'the turn to be near');
    const { record, wallet } = await settle(1_500);
    expect(record.parts).toMatchObject([part(CYCLE, 2, 0), part(NEXT_CYCLE, 0, 0)]);
    expect(wallet.minutes[NEXT_CYCLE]).toEqual({ FIXED_LOCAL: 10 });
  });
});

describe('what was granted before the answer, beyond the turn', () => {
  test('goes over to the new cycle', async () => {
    const { call, granted, settle } = await answeredCall({ minutes: [100, 100], turn: 2, slice_seconds: 10 });
    await until(() => call.grant.after_turn !== undefined, 'the turn');
    expect(call.grant.bundle_seconds).toBe(2);
    expect(call.grant.after_turn?.bundle_seconds).toBeGreaterThanOrEqual(8);
    expect(granted().at(-1)).toMatch(/^2:0:2:\d+:0$/);
    const { record, wallet } = await settle(9_000);
    expect(record.parts).toMatchObject([part(CYCLE, 2, 0), part(NEXT_CYCLE, 7, 0)]);
    expect(wallet.minutes).toEqual({ [CYCLE]: { FIXED_LOCAL: 98 }, [NEXT_CYCLE]: { FIXED_LOCAL: 93 } });
  });

  test('is taken back when the new one has nothing, and the switch is told', async () => {
    const { call, told, granted, hungUp, settle } = await answeredCall({
      minutes: [100, 0],
      turn: 2,
      slice_seconds: 10,
    });
    await until(() => granted().length > 0, 'the switch to be told');
    expect(granted()[0]).toBe('2:0:2:0:0');
    const [timeout] = told.filter(({ what }) => what === 'TIMEOUT(absolute)');
    expect(Number(timeout?.value) + (timeout?.at ?? 0)).toBeCloseTo(4, 0);
    expect(call.grant).toMatchObject({
      bundle_seconds: 2,
      after_turn: { bundle_seconds: 0, paid_seconds: 0 },
    });
    await until(() => hungUp() !== undefined, 'the cut');
    expect(hungUp()?.at).toBeGreaterThan(1.99);
    expect(hungUp()?.at).toBeLessThan(2.4);
    const { record } = await settle(2_000);
    expect(record).toMatchObject({ billed_seconds: 2, bundle_seconds: 2 });
  });

  test('of a call that rang across midnight is all of the new one', async () => {
    const { call, settle } = await answeredCall({ minutes: [100, 50], turn: -4, slice_seconds: 10 });
    await until(() => call.grant.after_turn !== undefined, 'the turn');
    const { record, wallet } = await settle(6_000);
    expect(record).toMatchObject({ turn_seconds: 0, parts: [part(CYCLE, 0, 0), part(NEXT_CYCLE, 6, 0)] });
    expect(wallet.minutes).toEqual({ [CYCLE]: { FIXED_LOCAL: 100 }, [NEXT_CYCLE]: { FIXED_LOCAL: 44 } });
  });
});

test('a call whose next cycle is not opened stays in the one that it is in, and asks once', async () => {
  const { call, hungUp, asked, settle } = await answeredCall({ minutes: [4, 10], turn: 2, opens: false });
  await until(() => hungUp() !== undefined, 'the cut');
  expect(hungUp()?.at).toBeGreaterThan(3.99);
  expect(asked).toEqual([NEXT_CYCLE]);
  expect(call.grant).toEqual({ bundle_seconds: 4, paid_seconds: 0 });
  const { record, wallet } = await settle(4_000);
  expect(record).toMatchObject({ turn_seconds: null, parts: [part(CYCLE, 4, 0)] });
  expect(wallet.minutes).toEqual({ [CYCLE]: { FIXED_LOCAL: 0 } });
});
