import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { factsOf } from '../../dev/world/call-facts.ts';
import type { Switch } from '../../src/asterisk/session.ts';
import { createLiveBoard } from '../../src/calls/live-board.ts';
import { type LiveCall, newLiveCall } from '../../src/calls/live-call.ts';
import { createSharing, type Sharing } from '../../src/calls/sharing.ts';
import { createSlices } from '../../src/calls/slices.ts';
import { createTones, heardBy } from '../../src/calls/tones.ts';
import type { FoundRate } from '../../src/domain/rate-table.ts';
import { foundRate } from '../stores/postgres/use-tenants.ts';
import { walletOf } from '../stores/redis/use-store.ts';
import { fakeSwitch } from './fake-switch.ts';
import { keepLog, unbraked, useStores } from './use-stores.ts';

const stores = useStores();
const WARN_seconds = 3;
const times = { slice_seconds: 3, lead_seconds: 0.4, grace_seconds: 2 };
const until = (condition: () => boolean, what: string) => waitUntil(condition, { timeout_ms: 40_000, what });
const never = async () => false;
const opened: Sharing[] = [];

afterEach(() => {
  for (const sharing of opened.splice(0)) sharing.close();
});

interface Shown {
  readonly at_ms: number;
  readonly cut_at_ms: number;
}

/** One payer with so much, and calls that begin when they are told to. */
async function payer(balance: bigint, rate: FoundRate, minutes?: number) {
  const { store } = stores();
  await store.epochHolds();
  const ids = { subscriber_id: randomUUID(), reseller_id: randomUUID() };
  const left_seconds = minutes === undefined ? {} : { FIXED_LOCAL: minutes };
  const load = (amount: bigint, version: bigint) =>
    store.loadWallet(walletOf(ids.subscriber_id, amount, { left_seconds, version }));
  await load(balance, 1n);
  const live = new Map<string, LiveCall>();
  const board = heardBy(createLiveBoard(), () => tones);
  const log = keepLog();
  const sharing = createSharing({ store, live, board, log });
  const warned = new Map<string, number[]>();
  const whisper = async (call_id: string) =>
    warned.set(call_id, [...(warned.get(call_id) ?? []), Date.now()]).size > 0;
  const tones = createTones({ sharing, log, switchOf: () => ({ ari: { whisper } }) as unknown as Switch });
  opened.push(sharing);
  const shown = new Map<string, Shown[]>();
  board.watch((change) => {
    if (change.type !== 'upsert' || change.call.cut_at === null) return;
    const { call_id, cut_at } = change.call;
    const known = shown.get(call_id) ?? [];
    shown.set(call_id, [...known, { at_ms: Date.now(), cut_at_ms: Date.parse(cut_at) }]);
  });
  const ended = new Map<string, number>();
  async function begin(): Promise<string> {
    const slot = minutes === undefined ? null : 'FIXED_LOCAL';
    const facts = factsOf({ ...ids, rate, slot, warn_seconds: WARN_seconds });
    const asked = { ...facts, payer: ids.subscriber_id, facts: '{}' };
    const { slice_seconds } = times;
    const admitted = await store.admit({ ...asked, behind_ms: 0, slice_seconds, adopt: null });
    if (admitted.code !== 'ADMITTED') throw new Error(admitted.code);
    const call = newLiveCall(facts, admitted.grant, admitted.more_seconds, true);
    const { link } = fakeSwitch(() => call.answered_mono_ms ?? 0);
    link.ari.hangUp = async (call_id) => {
      ended.set(call_id, Date.now());
      live.delete(call_id);
      slices.stop(call);
      tones.stop(call);
      return true;
    };
    const slices = createSlices({
      store,
      board,
      sharing,
      times,
      brake: unbraked(times.slice_seconds),
      log,
      switchOf: () => link,
      openNextCycle: never,
    });
    live.set(facts.call_id, call);
    call.callee = { channel_id: 'callee', channel_name: 'PJSIP/callee' } as LiveCall['callee'];
    call.phase = 'ANSWERED';
    call.answered_at_ms = Date.now();
    call.answered_mono_ms = performance.now();
    slices.start(call);
    board.upsert(call);
    return facts.call_id;
  }
  /** By how many ms what was shown of a call from some moment on was wrong, at the most. */
  const error = (call_id: string, from_ms: number) =>
    Math.max(
      ...(shown.get(call_id) ?? [])
        .filter(({ at_ms }) => at_ms > from_ms)
        .map(({ cut_at_ms }) => Math.abs(cut_at_ms - (ended.get(call_id) ?? 0))),
    );
  const changed = () => sharing.changed(ids.subscriber_id);
  return { begin, shown, warned, ended, error, load, changed };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** R$ 1 is 24 seconds. */
const DEAR = foundRate(2_500_000n, [1, 1, 0]);
const IN_TWOS = foundRate(2_500_000n, [2, 2, 0]);

test.each([
  ['by the second', DEAR, undefined, 1_000n * 1_000n],
  ['in blocks of two', IN_TWOS, undefined, 1_000n * 1_000n],
  ['and minutes first', DEAR, 9, 625_000n],
])(
  'three calls on one wallet, %s: each is shown when it ends, and warned of that, within a step',
  async (_, rate, minutes, balance) => {
    const { begin, warned, ended, error } = await payer(balance, rate, minutes);
    const calls = [await begin()];
    for (const wait_ms of [700, 900]) {
      await pause(wait_ms);
      calls.push(await begin());
    }
    const settled_ms = Date.now() + 1_300;
    await until(() => ended.size === 3, 'the cuts');
    const step_ms = rate.cadence.increment_seconds * 1_000;
    const [first = 0, last = 0] = [Math.min(...ended.values()), Math.max(...ended.values())];
    expect(last - first).toBeLessThan(2 * step_ms);
    for (const call of calls) {
      expect(error(call, settled_ms)).toBeLessThan(step_ms + 700);
      expect(warned.get(call)).toEqual([expect.any(Number)]);
      const before_ms = (ended.get(call) ?? 0) - (warned.get(call)?.[0] ?? 0);
      expect(Math.abs(before_ms - WARN_seconds * 1_000)).toBeLessThan(step_ms + 700);
    }
  },
);

test('a top-up moves what is shown of all of them', async () => {
  const { begin, shown, load, changed } = await payer(1_000_000n, DEAR);
  const calls = [await begin(), await begin()];
  const shownOf = (call: string) => shown.get(call)?.at(-1)?.cut_at_ms ?? 0;
  await until(() => Math.abs(shownOf(calls[0] ?? '') - Date.now() - 12_000) < 1_500, 'half for each');
  const before = calls.map(shownOf);
  await load(2_000_000n, 2n);
  changed();
  await until(
    () => calls.every((call, index) => shownOf(call) - (before[index] ?? 0) > 10_500),
    'more for each',
  );
  expect(calls.map((call, index) => Math.round((shownOf(call) - (before[index] ?? 0)) / 1_000))).toEqual([
    12, 12,
  ]);
});
