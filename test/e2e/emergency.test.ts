import { expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { ledgerOf, noSlotTaken, recordsOf, subscriberWithLine, useWorld, watchLive } from './use-world.ts';

const world = useWorld();

/** Nothing is left that could let a call through: no money, no class, no slot, and suspended on top. */
async function poorest() {
  const { subscriber, line } = await subscriberWithLine(world(), {
    billing_mode: 'PREPAID',
    max_concurrent_calls: 0,
    priced: [],
  });
  const { db } = world().database;
  await db.updateTable('subscribers').set({ status: 'SUSPENDED' }).where('id', '=', subscriber.id).execute();
  await db
    .updateTable('lines')
    .set({ allowed_classes: [], status: 'BLOCKED' })
    .where('id', '=', line.line_id)
    .execute();
  await world().provisioned();
  return { subscriber, line };
}

test('emergency calls pass everything, are seen live and recorded without a charge', async () => {
  const { subscriber, line } = await poorest();
  const live = await watchLive(world(), await world().token({ role: 'MASTER' }));
  // In every form a phone may send: by the dialplan alone, and by way of the control plane.
  for (const number of ['190', '192', '193', '+55190']) {
    expect(await (await world().phones.call(line, number, 600)).done, number).toMatchObject({ status: 200 });
  }
  const records = await recordsOf(world(), subscriber.id, 4);
  expect(records.map((record) => [record.number, record.call_class, record.total_micros])).toEqual([
    ['190', 'EMERGENCY', 0n],
    ['192', 'EMERGENCY', 0n],
    ['193', 'EMERGENCY', 0n],
    ['190', 'EMERGENCY', 0n],
  ]);
  for (const record of records) expect(record.talk_ms).toBeGreaterThan(400);
  expect(await ledgerOf(world(), subscriber.id)).toEqual({ sums: {}, unbalanced: 0 });
  const seen = live.messages.filter(
    (message) => message.type === 'upsert' && message.call.phase === 'ANSWERED',
  );
  expect(seen.length).toBeGreaterThanOrEqual(4);
  live.close();
});

test('with the control plane stopped: emergency and internal calls pass, paid ones are refused', async () => {
  const { subscriber, line } = await poorest();
  const free = await subscriberWithLine(world(), {
    billing_mode: 'POSTPAID',
    credit_limit_micros: 1_000_000n,
  });
  const colleague = await free.subscriber.addLine();
  await world().provisioned();
  await world().control.stop();

  for (const number of ['190', '193', '128', '180', '181', '192', '198', '112']) {
    expect(await (await world().phones.call(line, number, 400)).done, number).toMatchObject({ status: 200 });
  }
  expect(await (await world().phones.call(free.line, '11987654321')).done).toMatchObject({
    status: 500,
    q850: 38,
  });
  // It is tried at once: nobody is registered there, which only the switch itself can say.
  expect(await (await world().phones.call(free.line, colleague.extension)).done).toMatchObject({
    status: 480,
  });

  await world().control.start();
  await world().connected();
  // The switch wrote them down; nothing of them is lost.
  const records = await recordsOf(world(), subscriber.id, 8);
  expect(records).toHaveLength(8);
  expect(new Set(records.map((record) => `${record.call_class} ${record.end_reason}`))).toEqual(
    new Set(['EMERGENCY SWITCH_JOURNAL']),
  );
  await noSlotTaken(world());
});

test('with Redis away: emergency calls pass, paid ones are refused and recorded', async () => {
  const { subscriber, line } = await subscriberWithLine(world(), {
    billing_mode: 'POSTPAID',
    credit_limit_micros: 1_000_000n,
  });
  world().links.redis.cut();
  expect(await (await world().phones.call(line, '190', 400)).done).toMatchObject({ status: 200 });
  expect(await (await world().phones.call(line, '11987654321')).done).toMatchObject({
    status: 500,
    q850: 38,
  });
  const health = await fetch(`${world().control.url}/health/ready`);
  expect([health.status, ((await health.json()) as { redis: string }).redis]).toEqual([
    503,
    expect.stringContaining('away'),
  ]);
  world().links.redis.restore();
  await world().connected();
  await waitUntil(
    async () => (await (await world().phones.call(line, '11987654321', 300)).done).status === 200,
    { timeout_ms: 10_000, what: 'calls to pass again' },
  );
  const refusals = await world()
    .database.db.selectFrom('refusals')
    .select(['reason', 'detail'])
    .where('subscriber_id', '=', subscriber.id)
    .execute();
  expect(refusals[0]).toEqual({ reason: 'CONTROL_UNAVAILABLE', detail: 'NO_EPOCH' });
  await noSlotTaken(world());
});
