import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { LiveChange, LiveMessage } from '../../src/contract/live.ts';
import {
  ledgerOf,
  noSlotTaken,
  recordsOf,
  subscriberWithLine,
  takenSlots,
  useWorld,
  watchLive,
} from './use-world.ts';

const world = useWorld();

/** 1 micro a second makes amounts readable: 60 micros a minute. */
const MICRO_PER_SECOND = { price_micros_per_minute: 60n, cadence: [4, 2, 1] } as const;

function upserts(messages: readonly (LiveMessage | LiveChange)[], call_id: string) {
  return messages.flatMap((message) =>
    message.type === 'upsert' && message.call.call_id === call_id ? [message.call] : [],
  );
}

describe('a call from dial to ledger', () => {
  test('prepaid: metered by the block, watched live, recorded, charged and gone', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), {
      billing_mode: 'PREPAID',
      balance_micros: 1_000n,
      rate: MICRO_PER_SECOND,
    });
    await world().phones.register(line);
    const live = await watchLive(
      world(),
      await world().token({ role: 'RESELLER', reseller_id: subscriber.reseller_id }),
    );
    expect(live.messages[0]).toMatchObject({ type: 'snapshot', calls: [] });

    const call = await world().phones.call(line, '11 98765-4321'.replace(/[ -]/g, ''), 6_500);
    await waitUntil(async () => Object.keys(await takenSlots(world())).length === 4, {
      timeout_ms: 5_000,
      what: 'slots at four levels',
    });
    expect(await call.done).toMatchObject({ status: 200, rang: true, hungUpBy: 'PHONE' });

    const [record] = await recordsOf(world(), subscriber.id, 1);
    expect(record).toMatchObject({
      number: '+5511987654321',
      call_class: 'MOBILE_LOCAL',
      end_reason: 'HANGUP',
      billed_seconds: 8,
      bundle_seconds: 0,
      paid_seconds: 8,
      total_micros: 8n,
    });
    expect(record?.talk_ms).toBeGreaterThan(6_000);
    expect(record?.talk_ms).toBeLessThan(7_000);
    expect(record?.ringing_at?.getTime()).toBeGreaterThan(record?.created_at.getTime() ?? Infinity);
    expect(await ledgerOf(world(), subscriber.id)).toEqual({ sums: { money: 992n }, unbalanced: 0 });
    await noSlotTaken(world());

    const call_id = record?.id ?? '';
    const rows = upserts(live.messages, call_id);
    expect(rows.map((row) => row.phase).filter((phase, index, all) => phase !== all[index - 1])).toEqual([
      'DIALLING',
      'RINGING',
      'ANSWERED',
    ]);
    expect(rows.at(-1)).toMatchObject({ paying: 'MONEY', subscriber_id: subscriber.id });
    // Slices were reserved while it talked, each time more than before.
    const granted = rows.map((row) => row.paid_seconds);
    expect(new Set(granted).size).toBeGreaterThanOrEqual(3);
    expect(granted).toEqual([...granted].sort((a, b) => a - b));
    expect(live.messages.at(-1)).toMatchObject({
      type: 'remove',
      call_id,
      reason: 'HANGUP',
      total_micros: '8',
    });
    const sequences = live.messages.map((message) => message.sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    live.close();
  });

  test('postpaid: goes below zero down to the credit limit, and is ended by the other side', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), {
      billing_mode: 'POSTPAID',
      credit_limit_micros: 100n,
      rate: MICRO_PER_SECOND,
    });
    const call = await world().phones.call(line, '2133334499');
    expect(await call.done).toMatchObject({ status: 200, hungUpBy: 'OTHER_SIDE' });
    const [record] = await recordsOf(world(), subscriber.id, 1);
    expect(record).toMatchObject({
      call_class: 'FIXED_LDN',
      billed_seconds: 4,
      total_micros: 4n,
      end_reason: 'HANGUP',
    });
    expect(await ledgerOf(world(), subscriber.id)).toEqual({ sums: { money: -4n }, unbalanced: 0 });
    await noSlotTaken(world());
  });

  test('franquia: minutes pay first and the split falls on the second', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), {
      billing_mode: 'BUNDLE',
      credit_limit_micros: 100n,
      bundles: { FIXED_LOCAL: 5 },
      ldn_fixed_uses_local: true,
      rate: MICRO_PER_SECOND,
    });
    const viewer = {
      role: 'SUBSCRIBER',
      reseller_id: subscriber.reseller_id,
      subscriber_id: subscriber.id,
    } as const;
    const live = await watchLive(world(), await world().token(viewer));
    // An LDN call that draws on the local slot: 5 s of minutes; 9 s of talk are 10 billed.
    const call = await world().phones.call(line, '2133334444', 8_500);
    expect(await call.done).toMatchObject({ status: 200, hungUpBy: 'PHONE' });
    const [record] = await recordsOf(world(), subscriber.id, 1);
    expect(record).toMatchObject({
      call_class: 'FIXED_LDN',
      bundle_slot: 'FIXED_LOCAL',
      billed_seconds: 10,
      bundle_seconds: 5,
      paid_seconds: 5,
      total_micros: 5n,
    });
    expect(await ledgerOf(world(), subscriber.id)).toEqual({
      sums: { money: -5n, 'seconds:FIXED_LOCAL': 0n },
      unbalanced: 0,
    });
    const paying = upserts(live.messages, record?.id ?? '').map((row) => row.paying);
    expect(paying.filter((source, index) => source !== paying[index - 1])).toEqual([
      'NOBODY_YET',
      'BUNDLE',
      'MONEY',
    ]);
    await noSlotTaken(world());
    live.close();
  });
});

describe('nothing left', () => {
  test('a prepaid call is cut within one second of its last paid second', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), {
      billing_mode: 'PREPAID',
      balance_micros: 7n,
      rate: MICRO_PER_SECOND,
    });
    // 7 micros pay the first block of 4 s and one of 2 s; the last micro pays no block.
    const { talk_ms, hungUpBy } = await (await world().phones.call(line, '11987654321')).done;
    expect(hungUpBy).toBe('OTHER_SIDE');
    expect(talk_ms).toBeGreaterThan(5_900);
    expect(talk_ms).toBeLessThan(7_000);
    const [record] = await recordsOf(world(), subscriber.id, 1);
    expect(record).toMatchObject({ end_reason: 'EXHAUSTED', billed_seconds: 6, total_micros: 6n });
    expect(await ledgerOf(world(), subscriber.id)).toEqual({ sums: { money: 1n }, unbalanced: 0 });
  });

  test('a top-up during the last slice saves the call', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), {
      billing_mode: 'PREPAID',
      balance_micros: 4n,
      rate: MICRO_PER_SECOND,
    });
    const call = await world().phones.call(line, '11987654321', 6_500);
    await waitUntil(async () => call.outcome().status === 200, { timeout_ms: 5_000, what: 'the answer' });
    const response = await fetch(`${world().control.url}/api/v1/subscribers/${subscriber.id}/top-ups`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await world().token({ role: 'RESELLER', reseller_id: subscriber.reseller_id })}`,
        'content-type': 'application/json',
        'idempotency-key': 'pix-1',
      },
      body: JSON.stringify({ amount_micros: '100', reference: 'pix 1' }),
    });
    expect(await response.json()).toEqual({ balance_micros: '104' });
    expect(await call.done).toMatchObject({ hungUpBy: 'PHONE' });
    const [record] = await recordsOf(world(), subscriber.id, 1);
    expect(record).toMatchObject({ end_reason: 'HANGUP', billed_seconds: 8, total_micros: 8n });
  });

  test('limit 2 and 5 dials at once: exactly 2 calls, 3 refusals that name the holders', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), {
      billing_mode: 'POSTPAID',
      credit_limit_micros: 10_000_000n,
      max_concurrent_calls: 2,
    });
    const dials = await Promise.all(
      Array.from({ length: 5 }, () => world().phones.call(line, '11987654321', 4_000)),
    );
    const outcomes = await Promise.all(dials.map((dial) => dial.done));
    expect(outcomes.filter((outcome) => outcome.status === 200)).toHaveLength(2);
    const refused = outcomes.filter((outcome) => outcome.status !== 200);
    expect(refused).toEqual(Array(3).fill(expect.objectContaining({ status: 503, q850: 34 })));
    const records = await recordsOf(world(), subscriber.id, 2);
    const refusals = await world()
      .database.db.selectFrom('refusals')
      .selectAll()
      .where('subscriber_id', '=', subscriber.id)
      .execute();
    expect(refusals).toHaveLength(3);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ reason: 'LIMIT_REACHED', limit_level: 'SUBSCRIBER', limit_value: 2 });
      expect(refusal.holders?.sort()).toEqual(records.map((record) => record.id).sort());
    }
    await noSlotTaken(world());
    // The slots are free: the next one is let through.
    expect(await (await world().phones.call(line, '11987654321', 500)).done).toMatchObject({ status: 200 });
  });
});
