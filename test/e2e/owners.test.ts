import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { ControlPlane } from '../../dev/world/control-plane.ts';
import type { PlacedCall } from '../../dev/world/phone.ts';
import { ledgerOf, noSlotTaken, recordsOf, subscriberWithLine, takenSlots, useWorld } from './use-world.ts';

// Whoever takes over has the lead and the grace, five seconds, before the switch ends a call by itself.
const world = useWorld({ SLICE_SECONDS: '6', LEAD_SECONDS: '3', GRACE_SECONDS: '2' });

/** Longer than any lease. */
const PAUSE_ms = 8_000;
const OWNS = 'this process owns the server now';
const LOST = 'another process owns the server now';

const RICH = {
  billing_mode: 'PREPAID',
  balance_micros: 1_000n,
  rate: { price_micros_per_minute: 60n, cadence: [1, 1, 0] },
} as const;

/** What the process that runs now said last; the file has the words of those before it too. */
const lastWord = (control: ControlPlane) =>
  control.log().findLast(({ msg, pid }) => pid === control.pid() && (msg === OWNS || msg === LOST));

const isOwner = (control: ControlPlane) => control.running() && lastWord(control)?.msg === OWNS;

const becomesOwner = (control: ControlPlane) =>
  waitUntil(async () => isOwner(control) && (await fetch(`${control.url}/health/ready`)).ok, {
    timeout_ms: 15_000,
    what: 'the other process to take over',
  });

const answered = (call: PlacedCall) =>
  waitUntil(async () => call.outcome().status === 200, { timeout_ms: 10_000, what: 'the answer' });

let other: ControlPlane | null = null;

/** Who owns the switch, and who would take it over. */
async function ownerAndStandby(): Promise<[owner: ControlPlane, standby: ControlPlane]> {
  other ??= await world().another();
  const both = [world().control, other] as const;
  for (const one of both) if (!one.running()) await one.start();
  await waitUntil(async () => both.filter(isOwner).length === 1, { timeout_ms: 15_000, what: 'one owner' });
  return isOwner(both[0]) ? [both[0], both[1]] : [both[1], both[0]];
}

async function expectSettled(subscriber_id: string, billed: readonly number[]) {
  const records = await recordsOf(world(), subscriber_id, billed.length);
  expect(records.map(({ billed_seconds }) => billed_seconds)).toEqual(billed);
  await noSlotTaken(world());
  const { sums, unbalanced } = await ledgerOf(world(), subscriber_id);
  const spent = billed.reduce((sum, seconds) => sum + seconds, 0);
  expect({ sums, unbalanced }).toEqual({ sums: { money: 1_000n - BigInt(spent) }, unbalanced: 0 });
  return records;
}

let owner: ControlPlane;
let standby: ControlPlane;
beforeEach(async () => {
  [owner, standby] = await ownerAndStandby();
}, 30_000);

describe('the owner', () => {
  test('is killed: the other one takes over within seconds, and the call gets its slices', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const call = await world().phones.call(line, '11987654321', 14_500);
    await answered(call);
    const killed_at_ms = Date.now();
    await owner.kill9();
    await becomesOwner(standby);
    expect(Number(lastWord(standby)?.time) - killed_at_ms).toBeLessThan(5_000);
    expect(await call.done).toMatchObject({ status: 200, hungUpBy: 'PHONE' });
    const [record] = await expectSettled(subscriber.id, [15]);
    expect(record).toMatchObject({ end_reason: 'HANGUP' });
  });

  test('is paused: when it wakes it does nothing to what is not its own any more', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const long = await world().phones.call(line, '11987654321', 18_500);
    await answered(long);
    const short = await world().phones.call(line, '1133334444', 4_500);
    await answered(short);
    owner.pause();
    // Its slices end while it is paused: awake, the first that it knows is that both calls must be cut.
    await becomesOwner(standby);
    await short.done;
    await sleep(PAUSE_ms);
    owner.resume();
    await waitUntil(async () => lastWord(owner)?.msg === LOST, { timeout_ms: 10_000, what: 'it to notice' });
    expect(await long.done).toMatchObject({ status: 200, hungUpBy: 'PHONE' });
    const [first, second] = await expectSettled(subscriber.id, [19, 5]);
    expect(first).toMatchObject({ end_reason: 'HANGUP' });
    expect(second?.end_reason).not.toBe('LOST');
    expect(isOwner(standby)).toBe(true);
    // It is ready to take over in its turn.
    await standby.kill9();
    await becomesOwner(owner);
    expect(await (await world().phones.call(line, '11987654321', 300)).done).toMatchObject({ status: 200 });
  });

  test('is paused alone: a call that ended meanwhile is billed by the clock of its switch', async () => {
    await standby.stop();
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const call = await world().phones.call(line, '11987654321', 4_500);
    await answered(call);
    owner.pause();
    await call.done;
    await sleep(PAUSE_ms);
    owner.resume();
    const [record] = await expectSettled(subscriber.id, [5]);
    expect(record).toMatchObject({ end_reason: 'HANGUP' });
  });

  test('is stopped: the other one has the call at once', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const call = await world().phones.call(line, '11987654321', 12_500);
    await answered(call);
    await owner.stop();
    const stopped_at_ms = Date.now();
    await becomesOwner(standby);
    expect(Number(lastWord(standby)?.time) - stopped_at_ms).toBeLessThan(1_000);
    expect(await call.done).toMatchObject({ status: 200, hungUpBy: 'PHONE' });
    await expectSettled(subscriber.id, [13]);
  });
});

test('20 calls at once for 4 slots: 4, and none more when their owner is killed', async () => {
  const { subscriber, line } = await subscriberWithLine(world(), { ...RICH, max_concurrent_calls: 4 });
  const dial = () =>
    Promise.all(Array.from({ length: 20 }, () => world().phones.call(line, '11987654321', 15_500)));
  const decided = async (calls: readonly PlacedCall[]) => {
    await waitUntil(async () => calls.every((call) => call.outcome().status !== null), {
      timeout_ms: 20_000,
      what: 'every call to be decided',
    });
    return calls.filter((call) => call.outcome().status === 200);
  };
  const talking = await decided(await dial());
  expect(talking).toHaveLength(4);
  await owner.kill9();
  await becomesOwner(standby);
  expect(await decided(await dial())).toEqual([]);
  const members = new Set(Object.values(await takenSlots(world())).flat());
  expect(members.size).toBe(4);
  for (const call of talking) expect(await call.done).toMatchObject({ hungUpBy: 'PHONE' });
  await expectSettled(subscriber.id, [16, 16, 16, 16]);
});
