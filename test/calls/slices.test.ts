import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { factsOf } from '../../dev/world/call-facts.ts';
import type { Brake } from '../../src/calls/brake.ts';
import { createLiveBoard } from '../../src/calls/live-board.ts';
import { type LiveCall, newLiveCall } from '../../src/calls/live-call.ts';
import { createSharing } from '../../src/calls/sharing.ts';
import { createSlices } from '../../src/calls/slices.ts';
import type { FoundRate } from '../../src/domain/rate-table.ts';
import { BY_THE_SECOND, foundRate } from '../stores/postgres/use-tenants.ts';
import { heldOf, walletOf } from '../stores/redis/use-store.ts';
import { fakeSwitch } from './fake-switch.ts';
import { keepLog, unbraked, useStores } from './use-stores.ts';

const stores = useStores();

afterEach(() => stores().toRedis.heal());

const times = { slice_seconds: 1, lead_seconds: 0.4, grace_seconds: 2 };

const BY_TWOS = foundRate(60_000n, [2, 2, 0]);

/** For calls whose cycle is far from its turn. */
const never = async (): Promise<boolean> => {
  throw new Error('the cycle does not turn');
};

interface Means {
  readonly balance: bigint;
  readonly left?: number;
  readonly rate?: FoundRate;
  readonly daily_cap_micros?: bigint;
  readonly longest_seconds?: number;
  readonly brake?: Pick<Brake, 'sliceSeconds' | 'granted'>;
}

/** An admitted call of a new payer, answered now and kept paid by slices. */
async function answeredCall({ balance, left, rate = BY_THE_SECOND, brake, ...more }: Means) {
  const { store } = stores();
  await store.epochHolds();
  const subscriber_id = randomUUID();
  const facts = factsOf({ subscriber_id, rate, slot: left === undefined ? null : 'FIXED_LOCAL', ...more });
  const left_seconds = left === undefined ? {} : { FIXED_LOCAL: left };
  await store.loadWallet(walletOf(subscriber_id, balance, { left_seconds }));
  const admitted = await store.admit({
    ...facts,
    payer: subscriber_id,
    facts: '{}',
    behind_ms: 0,
    slice_seconds: times.slice_seconds,
    adopt: null,
  });
  if (admitted.code !== 'ADMITTED') throw new Error(admitted.code);
  const call: LiveCall = newLiveCall(facts, admitted.grant, admitted.more_seconds, true);
  const { link, told } = fakeSwitch(() => call.answered_mono_ms ?? 0);
  const log = keepLog();
  const board = createLiveBoard();
  const sharing = createSharing({ store, board, log, live: new Map([[facts.call_id, call]]) });
  const slices = createSlices({
    store,
    board,
    sharing,
    times,
    brake: brake ?? unbraked(times.slice_seconds),
    log,
    switchOf: () => link,
    openNextCycle: never,
  });
  call.callee = { channel_id: 'callee', channel_name: 'PJSIP/callee' } as LiveCall['callee'];
  call.phase = 'ANSWERED';
  call.answered_at_ms = Date.now();
  call.answered_mono_ms = performance.now();
  slices.start(call);
  const hungUp = () => told.find(({ what }) => what === 'hang up');
  return { call, told, log, slices, board, hungUp };
}

const until = (condition: () => boolean, what: string) => waitUntil(condition, { timeout_ms: 15_000, what });

describe('an answered call', () => {
  test('is cut on the second on which its money ends, and what it holds is all of it', async () => {
    const { call, told, hungUp } = await answeredCall({ balance: 3_000n });
    await until(() => hungUp() !== undefined, 'the cut');
    expect(hungUp()?.value).toBe(16);
    expect(hungUp()?.at).toBeGreaterThan(2.99);
    expect(hungUp()?.at).toBeLessThan(3.3);
    expect(call.exhausted).toBe(true);
    expect(call.grant).toEqual({ bundle_seconds: 0, paid_seconds: 3 });
    expect(await heldOf(stores().looking, call.facts.subscriber_id)).toEqual({ held: 3_000 });
    expect(told.filter(({ what }) => what === 'PABX_GRANTED').map(({ value }) => value)).toEqual([
      '0:2',
      '0:3',
    ]);
  });

  test('the switch’s own time-out is always the end of what is granted and the grace', async () => {
    const { told, hungUp } = await answeredCall({ balance: 3_000n });
    await until(() => hungUp() !== undefined, 'the cut');
    const ends = told
      .filter(({ what }) => what === 'TIMEOUT(absolute)')
      .map(({ at, value }) => at + Number(value));
    for (const [index, end] of ends.entries()) expect(Math.abs(end - (index + 2 + 2))).toBeLessThan(0.15);
    expect(ends).toHaveLength(2);
  });

  test.each([
    ['its money ends', { balance: 3_000n }, true],
    ['the day may not cost more', { balance: 100_000n, daily_cap_micros: 3_000n }, true],
    ['it has talked its longest', { balance: 100_000n, longest_seconds: 3 }, false],
    [
      'it has talked its longest, in mid-block',
      { balance: 100_000n, longest_seconds: 3, rate: BY_TWOS },
      false,
    ],
  ])('is cut on the second on which %s', async (_, means, exhausted) => {
    const { call, hungUp, board } = await answeredCall(means);
    await until(() => hungUp() !== undefined, 'the cut');
    expect(hungUp()?.at).toBeGreaterThan(2.99);
    expect(hungUp()?.at).toBeLessThan(3.3);
    expect(call.exhausted).toBe(exhausted);
    expect(call.grant.paid_seconds).toBe('rate' in means ? 4 : 3);
    const [row] = board.rows({});
    expect(Date.parse(row?.cut_at ?? '') - (call.answered_at_ms ?? 0)).toBe(3_000);
  });

  test('goes on when money comes before the cut', async () => {
    const { call, hungUp, slices } = await answeredCall({ balance: 2_000n });
    const { store } = stores();
    await until(() => call.grant.paid_seconds === 2, 'the last slice');
    await store.loadWallet(walletOf(call.facts.subscriber_id, 4_000n, { version: 2n }));
    await until(() => call.grant.paid_seconds > 2, 'one more slice');
    expect(hungUp()).toBeUndefined();
    await until(() => hungUp() !== undefined, 'the cut');
    expect(hungUp()?.at).toBeGreaterThan(3.99);
    slices.stop(call);
  });

  test('goes from minutes to money, and the viewers see it on the second', async () => {
    const { call, board, hungUp } = await answeredCall({ balance: 1_000n, left: 2 });
    const seen: { at: number; paying: string }[] = [];
    board.watch((message) => {
      if (message.type !== 'upsert') return;
      seen.push({
        at: (performance.now() - (call.answered_mono_ms ?? 0)) / 1000,
        paying: message.call.paying,
      });
    });
    await until(() => hungUp() !== undefined, 'the cut');
    expect(call.grant).toEqual({ bundle_seconds: 2, paid_seconds: 1 });
    const money = seen.find(({ paying }) => paying === 'MONEY');
    expect(money?.at).toBeGreaterThan(1.9);
    expect(money?.at).toBeLessThan(2.3);
  });

  test('whose class is blocked is cut at the end of the slice that it has, and known to be', async () => {
    let slice_seconds = 1;
    const brake = { ...unbraked(1), sliceSeconds: () => slice_seconds };
    const { call, hungUp } = await answeredCall({ balance: 100_000n, brake });
    await until(() => call.grant.paid_seconds === 3, 'two more slices');
    slice_seconds = 0;
    await until(() => hungUp() !== undefined, 'the cut');
    expect(hungUp()?.at).toBeGreaterThan(2.99);
    expect(hungUp()?.at).toBeLessThan(3.3);
    expect(call).toMatchObject({ exhausted: true, blocked: true });
    expect(call.grant.paid_seconds).toBe(3);
  });

  test('whose block is lifted before the cut goes on', async () => {
    let slice_seconds = 0;
    const brake = { ...unbraked(1), sliceSeconds: () => slice_seconds };
    const { call, hungUp } = await answeredCall({ balance: 3_000n, brake });
    await until(() => call.blocked, 'the block');
    slice_seconds = 1;
    await until(() => hungUp() !== undefined, 'the cut');
    expect(call).toMatchObject({ exhausted: true, blocked: false });
    expect(call.grant.paid_seconds).toBe(3);
  });

  test('that is slowed down never has more than two short slices ahead, and tells the brake of each', async () => {
    const granted: number[] = [];
    const brake = {
      sliceSeconds: () => 0.5,
      granted: (of: LiveCall) => void granted.push(of.grant.paid_seconds),
    };
    const { call, hungUp, told } = await answeredCall({ balance: 4_000n, brake });
    await until(() => hungUp() !== undefined, 'the cut');
    for (const { at, what, value } of told)
      if (what === 'PABX_GRANTED') expect(Number(String(value).slice(2)) - at).toBeLessThan(1.3);
    expect(granted).toEqual(expect.arrayContaining([2, 3, 4]));
    expect(call.blocked).toBe(false);
  });

  test('that is over is neither prolonged nor cut', async () => {
    const { call, slices, hungUp, told } = await answeredCall({ balance: 1_500n });
    slices.stop(call);
    // A second one, of which we know that its slices ran to their end meanwhile.
    const other = await answeredCall({ balance: 1_000n });
    await until(() => other.hungUp() !== undefined, 'the cut of the other');
    expect(told).toEqual([]);
    expect(hungUp()).toBeUndefined();
  });

  test('while Redis is away runs to the end of what it has', async () => {
    const { hungUp, log } = await answeredCall({ balance: 100_000n });
    await stores().toRedis.cut();
    await until(() => hungUp() !== undefined, 'the cut');
    expect(hungUp()?.at).toBeGreaterThan(0.99);
    expect(hungUp()?.at).toBeLessThan(2.3);
    expect(log.told.some(({ message }) => message === 'cannot reserve a slice')).toBe(true);
  });
});

describe('the seconds that a switch is told with the grant', () => {
  test.each([
    ['whole blocks', foundRate(1n, [30, 6, 3]), 36, 38],
    ['no more than whole blocks', foundRate(1n, [30, 6, 3]), 41, 38],
    ['nothing but the grace when not even the first block is granted', foundRate(1n, [30, 6, 3]), 29, 2],
    ['by the second', foundRate(1n, [1, 1, 0]), 7, 9],
  ])('%s', (_, rate, paid_seconds, seconds) => {
    const { store } = stores();
    const [board, log] = [createLiveBoard(), keepLog()];
    const slices = createSlices({
      store,
      board,
      sharing: createSharing({ store, board, log, live: new Map() }),
      times,
      brake: unbraked(times.slice_seconds),
      log,
      switchOf: () => null,
      openNextCycle: never,
    });
    const call = newLiveCall(factsOf({ rate }), { bundle_seconds: 0, paid_seconds }, 0, true);
    expect(slices.talkLimit(call)).toBe(seconds);
    const longest_seconds = 5;
    const bounded = { ...call, facts: { ...call.facts, longest_seconds } };
    expect(slices.talkLimit(bounded)).toBe(Math.min(seconds, longest_seconds + 2));
    expect(slices.talkLimit({ ...bounded, facts: { ...bounded.facts, rate: null } })).toBe(longest_seconds);
  });
});
