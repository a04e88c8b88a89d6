import { expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { ledgerOf, noSlotTaken, recordsOf, subscriberWithLine, takenSlots, useWorld } from './use-world.ts';

/** Long enough for any restart. */
const world = useWorld({ SLICE_SECONDS: '90', LEAD_SECONDS: '10', GRACE_SECONDS: '30' });

async function emptyRedis(): Promise<void> {
  const redis = connectRedis(world().redis.url, () => {});
  await new Promise((resolve) => redis.once('ready', resolve));
  await redis.flushall();
  redis.disconnect();
}

test('transferred calls are rebuilt from their switch alone, though a caller is gone', {
  timeout: 90_000,
}, async () => {
  const { subscriber, line } = await subscriberWithLine(world(), {
    billing_mode: 'PREPAID',
    balance_micros: 1_000n,
    rate: { price_micros_per_minute: 60n, cadence: [1, 1, 0] },
  });
  const colleague = await subscriber.addLine();
  await world().provisioned();
  const phone = await world().phones.wait(colleague, 100);
  const refer = { to: colleague.extension, after_ms: 1_000 };
  const call = await world().phones.callAndRefer(line, '11987654321', refer);
  await call.done;
  await waitUntil(async () => phone.invites().length > 0, { timeout_ms: 10_000, what: 'the phone to ring' });
  const transferred_ms = Date.now();

  await world().control.kill9();
  await emptyRedis();
  await world().control.start();
  await world().connected();
  await waitUntil(async () => Object.keys(await takenSlots(world())).length === 4, {
    timeout_ms: 20_000,
    what: 'the slots of the call outside',
  });
  const before_ms = Date.now();
  await world().pabx.asterisk().rx('channel request hangup all');
  const records = await recordsOf(world(), subscriber.id, 2);
  expect(records).toHaveLength(2);
  const paid = records.find((record) => record.call_class === 'MOBILE_LOCAL');
  expect(paid).toMatchObject({ line_id: line.line_id, end_reason: 'HANGUP' });
  expect(paid?.talk_ms).toBeGreaterThan(before_ms - transferred_ms);
  expect(paid?.total_micros).toBe(BigInt(Math.ceil((paid?.talk_ms ?? 0) / 1_000)));
  const money = 1_000n - (paid?.total_micros ?? 0n);
  expect(await ledgerOf(world(), subscriber.id)).toEqual({ sums: { money }, unbalanced: 0 });
  await noSlotTaken(world());
  await phone.stop();
});
