import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { PlacedCall } from '../../dev/world/phone.ts';
import type { LineOptions, SubscriberOptions, TestLine } from '../../dev/world/tenants.ts';
import type { RingStrategy } from '../../src/domain/ring-group.ts';
import { addNumber, useInboundTrunks } from './use-inbound.ts';
import {
  flushRedis,
  noSlotTaken,
  recordsOf,
  subscriberWithLine,
  takenSlots,
  useWorld,
  watchLive,
} from './use-world.ts';

const world = useWorld();

const trunkPort = useInboundTrunks(world);

const POOR: SubscriberOptions = { billing_mode: 'PREPAID' };
const FROM = '<sip:+5521999998888@carrier.example>';

interface GroupOptions {
  readonly strategy?: RingStrategy;
  readonly overflow?: boolean;
  readonly lines?: LineOptions;
}

/** A group of two lines with a number, and a third line that comes after them. */
async function ringGroup({ strategy = 'ALL', overflow = false, lines = {} }: GroupOptions = {}) {
  const { subscriber, line: caller } = await subscriberWithLine(world(), POOR);
  const [first, second, last] = [
    await subscriber.addLine(lines),
    await subscriber.addLine(lines),
    await subscriber.addLine(lines),
  ] as const;
  const { db } = world().database;
  const group = await db
    .insertInto('ring_groups')
    .values({
      subscriber_id: subscriber.id,
      extension: '300',
      name: 'Vendas',
      strategy,
      ring_seconds: 5,
      member_line_ids: [first.line_id, second.line_id],
      overflow_line_id: overflow ? last.line_id : null,
    })
    .returning(['id', 'code'])
    .executeTakeFirstOrThrow();
  const number = await addNumber(world(), subscriber, { target_group_id: group.id });
  await world().provisioned();
  await waitUntil(
    async () => (await world().pabx.asterisk().rx('dialplan show pabx-offline-number')).includes(group.code),
    { timeout_ms: 20_000, what: 'the switch to know the group' },
  );
  return { subscriber, group, number, caller, first, second, last };
}

const callIn = (number: string, talk_ms = 1_500): Promise<PlacedCall> =>
  world().phones.callIn(trunkPort(), { number, from: FROM, talk_ms });
const wait = (line: TestLine, ring_ms: number) => world().phones.wait(line, ring_ms);
const answered = (call: PlacedCall) =>
  waitUntil(async () => call.outcome().status === 200, { timeout_ms: 15_000, what: 'the answer' });

describe('a number that rings a group', () => {
  test('rings all phones; the one that answers has the call, the other stops', async () => {
    const { subscriber, group, number, first, second } = await ringGroup();
    const [slow, quick] = [await wait(first, 60_000), await wait(second, 800)];
    const live = await watchLive(world(), await world().token({ role: 'MASTER' }));
    const call = await callIn(number, 2_500);
    await answered(call);
    const held = await takenSlots(world());
    expect(Object.keys(held).filter((key) => key.includes(second.line_id))).toHaveLength(1);
    expect(Object.keys(held).filter((key) => key.includes(first.line_id))).toHaveLength(0);
    expect(Object.keys(held).filter((key) => key.includes(subscriber.id))).toHaveLength(1);
    expect(await call.done).toMatchObject({ status: 200, rang: true, hungUpBy: 'PHONE' });
    expect([slow.invites().length, quick.invites().length]).toEqual([1, 1]);
    const [record, ...others] = await recordsOf(world(), subscriber.id, 1);
    expect(others).toEqual([]);
    expect(record).toMatchObject({ line_id: second.line_id, ring_group_id: group.id, direction: 'IN' });
    const rows = live.messages.flatMap((message) => (message.type === 'upsert' ? [message.call] : []));
    const shown = (phase: string) => rows.findLast((row) => row.phase === phase);
    expect(shown('RINGING')).toMatchObject({ extension: '300', ring_group_name: 'Vendas' });
    expect(shown('ANSWERED')).toMatchObject({ extension: second.extension, ring_group_name: 'Vendas' });
    live.close();
    await noSlotTaken(world());
    for (const phone of [slow, quick]) await phone.stop();
  });

  test('one after the other, and then the line that comes after them', async () => {
    const { subscriber, number, first, second, last } = await ringGroup({
      strategy: 'ORDER',
      overflow: true,
    });
    const phones = [await wait(first, 60_000), await wait(second, 60_000), await wait(last, 100)];
    expect(await (await callIn(number)).done).toMatchObject({ status: 200 });
    const times = phones.map((phone) => phone.invites()[0]?.at_ms ?? 0);
    expect(times[1]).toBeGreaterThan((times[0] ?? 0) + 4_000);
    expect(times[2]).toBeGreaterThan((times[1] ?? 0) + 4_000);
    const [record] = await recordsOf(world(), subscriber.id, 1);
    expect(record).toMatchObject({ line_id: last.line_id });
    await noSlotTaken(world());
    for (const phone of phones) await phone.stop();
  });

  test('a member in as many calls as it may be does not ring; when all are, the call is refused', async () => {
    const { subscriber, number, first, second } = await ringGroup({ lines: { max_concurrent_calls: 1 } });
    const phones = [await wait(first, 200), await wait(second, 200)];
    const busy = await world().phones.call(first, second.extension, 30_000);
    await answered(busy);
    expect(await (await callIn(number)).done).toMatchObject({ status: 200 });
    expect(phones[0]?.invites()).toHaveLength(0);
    const other = await world().phones.call(second, first.extension, 30_000);
    await answered(other);
    expect(await (await callIn(number)).done).toMatchObject({ status: 503, q850: 34 });
    await world().pabx.asterisk().rx('channel request hangup all');
    await Promise.all([busy.done, other.done]);
    const records = await recordsOf(world(), subscriber.id, 3);
    expect(records.find((record) => record.direction === 'IN')).toMatchObject({ line_id: second.line_id });
    await noSlotTaken(world());
    for (const phone of phones) await phone.stop();
  });

  test('the control plane killed and Redis emptied in mid-call: the call is that of the line that answered', {
    timeout: 90_000,
  }, async () => {
    const { subscriber, group, number, first, second } = await ringGroup();
    const phones = [await wait(first, 60_000), await wait(second, 200)];
    const call = await callIn(number, 60_000);
    await answered(call);
    const before = await takenSlots(world());
    await world().control.kill9();
    await flushRedis(world());
    await world().control.start();
    await world().connected();
    await waitUntil(
      async () => Object.keys(await takenSlots(world())).length === Object.keys(before).length,
      { timeout_ms: 10_000, what: 'the slots of the rebuilt call' },
    );
    expect(await takenSlots(world())).toEqual(before);
    await world().pabx.asterisk().rx('channel request hangup all');
    await call.done;
    const records = await recordsOf(world(), subscriber.id, 1);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ line_id: second.line_id, ring_group_id: group.id });
    await noSlotTaken(world());
    for (const phone of phones) await phone.stop();
  });

  test('without the control plane it rings all the same, and is settled from the journal', {
    timeout: 90_000,
  }, async () => {
    const { subscriber, group, number, caller, first, second } = await ringGroup();
    const phones = [await wait(first, 60_000), await wait(second, 200)];
    await world().control.kill9();
    expect(await (await callIn(number)).done).toMatchObject({ status: 200 });
    expect(await (await world().phones.call(caller, '300', 500)).done).toMatchObject({ status: 200 });
    await world().control.start();
    await world().connected();
    const records = await recordsOf(world(), subscriber.id, 2);
    const of = (direction: 'IN' | 'OUT') => records.find((record) => record.direction === direction);
    expect(of('IN')).toMatchObject({ line_id: second.line_id, ring_group_id: group.id });
    expect(of('OUT')).toMatchObject({
      line_id: caller.line_id,
      ring_group_id: group.id,
      call_class: 'INTERNAL',
    });
    for (const phone of phones) await phone.stop();
  });
});

test('a line of the same subscriber dials the group by its extension, which costs nothing', async () => {
  const { subscriber, group, caller, first, second } = await ringGroup();
  const phones = [await wait(first, 60_000), await wait(second, 200)];
  expect(await (await world().phones.call(caller, '300', 1_000)).done).toMatchObject({ status: 200 });
  const [record] = await recordsOf(world(), subscriber.id, 1);
  expect(record).toMatchObject({ line_id: caller.line_id, call_class: 'INTERNAL', total_micros: 0n });
  expect(record).toMatchObject({ number: '300', ring_group_id: group.id });
  await noSlotTaken(world());
  for (const phone of phones) await phone.stop();
});
