import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { PlacedCall } from '../../dev/world/phone.ts';
import { ledgerOf, noSlotTaken, recordsOf, subscriberWithLine, takenSlots, useWorld } from './use-world.ts';

const world = useWorld();

const RICH = {
  billing_mode: 'PREPAID',
  balance_micros: 1_000n,
  rate: { price_micros_per_minute: 60n, cadence: [1, 1, 0] },
} as const;

const answered = (call: PlacedCall) =>
  waitUntil(async () => call.outcome().status === 200, { timeout_ms: 10_000, what: 'the answer' });

/** Every charge of a subscriber is in one record and in the ledger, and nothing is held any more. */
async function expectSettled(subscriber_id: string, calls: number) {
  const records = await recordsOf(world(), subscriber_id, calls);
  expect(records).toHaveLength(calls);
  const charged = records.reduce((sum, record) => sum + record.total_micros, 0n);
  expect(await ledgerOf(world(), subscriber_id)).toEqual({
    sums: { money: 1_000n - charged },
    unbalanced: 0,
  });
  await noSlotTaken(world());
  return records;
}

describe('kill -9 of the control plane in the middle of calls', () => {
  test('the switch ends each call at its slice and grace; after the restart each is settled once', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const abandoned = await world().phones.call(line, '11987654321');
    const shorter = await world().phones.call(line, '1133334444', 2_500);
    const ringing = await world().phones.ringAndCancel(line, '1133334411', 4_000);
    await answered(abandoned);
    await answered(shorter);
    await waitUntil(async () => ringing.outcome().rang, { timeout_ms: 5_000, what: 'the ringing' });
    await world().control.kill9();

    // Slices are 3 s: at the kill at most 3 + 3 were granted; the switch adds 2 s of grace.
    const { talk_ms, hungUpBy } = await abandoned.done;
    expect(hungUpBy).toBe('OTHER_SIDE');
    expect(talk_ms).toBeGreaterThan(2_900);
    expect(talk_ms).toBeLessThan(8_900);
    expect(await shorter.done).toMatchObject({ hungUpBy: 'PHONE' });
    await ringing.done;

    await world().control.start();
    await world().connected();
    const records = await expectSettled(subscriber.id, 3);
    const byNumber = new Map(records.map((record) => [record.number, record]));
    // The grace is not the payer's: never more than was granted.
    const left = byNumber.get('+5511987654321');
    expect(left).toMatchObject({ end_reason: 'SWITCH_JOURNAL', billed_seconds: left?.granted_seconds });
    // What ended while nobody listened is billed to the second, from the switch's own journal.
    expect(byNumber.get('+551133334444')).toMatchObject({ end_reason: 'SWITCH_JOURNAL', billed_seconds: 3 });
    expect(byNumber.get('+551133334411')).toMatchObject({ talk_ms: 0, total_micros: 0n });

    // Once more: nothing is settled twice.
    await world().control.kill9();
    await world().control.start();
    await world().connected();
    await expectSettled(subscriber.id, 3);
  });

  test('a restart within the slice is not noticed by the parties', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const call = await world().phones.call(line, '11987654321', 9_500);
    await answered(call);
    await world().control.kill9();
    await world().control.start();
    expect(await call.done).toMatchObject({ hungUpBy: 'PHONE' });
    const [record] = await expectSettled(subscriber.id, 1);
    expect(record).toMatchObject({ end_reason: 'HANGUP', billed_seconds: 10, total_micros: 10n });
  });

  test('a call answered while nobody listens is metered from its answer', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const call = await world().phones.call(line, '11987654321', 6_500);
    await waitUntil(async () => call.outcome().rang, { timeout_ms: 5_000, what: 'the ringing' });
    await world().control.kill9();
    await answered(call);
    await world().control.start();
    expect(await call.done).toMatchObject({ hungUpBy: 'PHONE' });
    const [record] = await expectSettled(subscriber.id, 1);
    expect(record).toMatchObject({ billed_seconds: 7, total_micros: 7n });
  });
});

describe('Asterisk', () => {
  test('killed in mid-call: the call is billed to its last proof of life and its slots are free', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const call = await world().phones.call(line, '11987654321', 20_000);
    await answered(call);
    await waitUntil(async () => Object.keys(await takenSlots(world())).length === 4, {
      timeout_ms: 5_000,
      what: 'slots',
    });
    await world().pabx.asterisk().kill9();
    await call.abandon();
    await world().pabx.start();
    const started = performance.now();
    await noSlotTaken(world());
    expect(performance.now() - started).toBeLessThan(10_000);
    await world().connected();
    const [record] = await expectSettled(subscriber.id, 1);
    expect(record?.end_reason).toBe('LOST');
    expect(record?.billed_seconds).toBeLessThanOrEqual(6);
    // It runs and is configured as before.
    expect(await (await world().phones.call(line, '11987654321', 300)).done).toMatchObject({ status: 200 });
  });
});
