import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { PlacedCall } from '../../dev/world/phone.ts';
import type { LineOptions, SubscriberOptions, TestLine } from '../../dev/world/tenants.ts';
import { REFUSALS } from '../../src/domain/refusals.ts';
import { addNumber, useInboundTrunks } from './use-inbound.ts';
import {
  flushRedis,
  ledgerOf,
  noSlotTaken,
  recordsOf,
  subscriberWithLine,
  takenSlots,
  useWorld,
} from './use-world.ts';

const world = useWorld();

const trunkPort = useInboundTrunks(world);

const RICH: SubscriberOptions = { billing_mode: 'PREPAID', balance_micros: 10_000_000n };
const MOBILE = '11987654321';

type Forwards = Partial<
  Record<'forward_always' | 'forward_busy' | 'forward_no_answer' | 'forward_offline', string>
>;

/** Says where a line's calls go on to, and waits until its switch knows. */
async function sendOn(line: TestLine, forwards: Forwards, forward_no_answer_seconds = 5): Promise<void> {
  const { db, pool } = world().database;
  const columns = { ...forwards, forward_no_answer_seconds };
  await db.updateTable('lines').set(columns).where('id', '=', line.line_id).execute();
  const known = async () => {
    const { rows } = await pool.query<{ dialplan: string }>(
      `select r.files ->> 'dialplan-calls.conf' as dialplan from asterisk_servers a
       join revisions r on r.server_id = a.id and r.hash = a.acknowledged_revision`,
    );
    const [own = ''] = rows[0]?.dialplan.split(`exten => ${line.username},1,`)[1]?.split('Return()') ?? [];
    return Object.values(forwards).every((to) => own.includes(`=${to})`));
  };
  await waitUntil(known, { timeout_ms: 20_000, what: 'the switch to know where calls go on to' });
}

/** A subscriber whose number rings a line that sends its calls on. */
async function forwarding(forwards: Forwards, options = RICH, line_options: LineOptions = {}) {
  const { subscriber } = await subscriberWithLine(world(), options);
  const line = await subscriber.addLine(line_options);
  const number = await addNumber(world(), subscriber, { target_line_id: line.line_id });
  await world().provisioned();
  await sendOn(line, forwards);
  return { subscriber, line, number };
}

const FROM = '<sip:+5521999998888@carrier.example>';
const callIn = (number: string, talk_ms = 4_000): Promise<PlacedCall> =>
  world().phones.callIn(trunkPort(), { number, from: FROM, talk_ms });

/** The slots that are taken, by level, each as often as it is taken. */
async function slots(): Promise<string[]> {
  const taken = Object.entries(await takenSlots(world()));
  return taken.flatMap(([key, ids]) => ids.map(() => key.split(':').slice(2, 4).join(' '))).sort();
}

const answered = (call: PlacedCall) =>
  waitUntil(async () => call.outcome().status === 200, { timeout_ms: 15_000, what: 'the answer' });
const hangUpAll = () => world().pabx.asterisk().rx('channel request hangup all');

async function refusalsOf(subscriber_id: string) {
  const read = () =>
    world()
      .database.db.selectFrom('refusals')
      .selectAll()
      .where('subscriber_id', '=', subscriber_id)
      .execute();
  await waitUntil(async () => (await read()).length > 0, { timeout_ms: 10_000, what: 'the refusal' });
  return read();
}

describe('a call from outside that its line sends on', () => {
  test('at once: the line pays its leg, and its record tells of the first', async () => {
    const { subscriber, line, number } = await forwarding({ forward_always: MOBILE });
    const call = await callIn(number);
    await answered(call);
    // Nobody outside is shown who called the line.
    const legs = await world().pabx.asterisk().rx('core show channels concise');
    const leg = legs.split('\n').find((row) => row.startsWith('PJSIP/carrier-')) ?? '';
    const shown = await world()
      .pabx.asterisk()
      .rx(`core show channel ${leg.split('!')[0]}`);
    expect(/Connected Line ID: (.*)/.exec(shown)?.[1]).toBe(line.extension);
    expect(await call.done).toMatchObject({ status: 200, hungUpBy: 'PHONE' });
    const [first, second] = await recordsOf(world(), subscriber.id, 2);
    expect(first).toMatchObject({ direction: 'IN', total_micros: 0n, forwarded_from: null });
    expect(second).toMatchObject({
      direction: 'OUT',
      line_id: line.line_id,
      number: `+55${MOBILE}`,
      forwarded_from: first?.id,
      billed_seconds: 30,
    });
    expect((await ledgerOf(world(), subscriber.id)).unbalanced).toBe(0);
    await noSlotTaken(world());
  });

  test('after it rang in vain', async () => {
    const { subscriber, line, number } = await forwarding({ forward_no_answer: MOBILE });
    const phone = await world().phones.wait(line, 60_000);
    expect(await (await callIn(number)).done).toMatchObject({ status: 200, rang: true });
    const [first, second] = await recordsOf(world(), subscriber.id, 2);
    expect(second).toMatchObject({ number: `+55${MOBILE}`, forwarded_from: first?.id, billed_seconds: 30 });
    expect(first?.talk_ms).toBeLessThan(5_500);
    await phone.stop();
    await noSlotTaken(world());
  });

  test('busy goes elsewhere than a phone that is not there', async () => {
    const [busy, offline] = [MOBILE, '1133334444'];
    const { subscriber, line, number } = await forwarding({ forward_busy: busy, forward_offline: offline });
    expect(await (await callIn(number)).done).toMatchObject({ status: 200 });
    const phone = await world().phones.waitBusy(line);
    expect(await (await callIn(number)).done).toMatchObject({ status: 200 });
    const records = await recordsOf(world(), subscriber.id, 4);
    const out = records.filter((record) => record.direction === 'OUT').map((record) => record.number);
    expect(out).toEqual([`+55${offline}`, `+55${busy}`]);
    await phone.stop();
  });

  test('takes one slot, where all are limited to one, and each trunk the channel that it carries', async () => {
    const one: SubscriberOptions = { ...RICH, max_concurrent_calls: 1 };
    const { number } = await forwarding({ forward_always: MOBILE }, one, { max_concurrent_calls: 1 });
    const call = await callIn(number, 2_500);
    await answered(call);
    const trunks = ['TRUNK TOTAL', 'TRUNK TOTAL'];
    expect(await slots()).toEqual(['LINE TOTAL', 'RESELLER TOTAL', 'SUBSCRIBER TOTAL', ...trunks]);
    await call.done;
    await noSlotTaken(world());
  });

  test('the call ends when the money of the line that sent it on does', async () => {
    const rate = { price_micros_per_minute: 60n, cadence: [1, 1, 0] } as const;
    const short = { ...RICH, balance_micros: 5n, rate };
    const { subscriber, number } = await forwarding({ forward_always: MOBILE }, short);
    const outcome = await (await callIn(number, 60_000)).done;
    expect(outcome).toMatchObject({ status: 200, hungUpBy: 'OTHER_SIDE' });
    expect(outcome.talk_ms).toBeGreaterThan(4_500);
    expect(outcome.talk_ms).toBeLessThan(7_000);
    const [, second] = await recordsOf(world(), subscriber.id, 2);
    expect(second).toMatchObject({ end_reason: 'EXHAUSTED', total_micros: 5n, billed_seconds: 5 });
  });

  test('is refused when that line cannot pay, and a record says so', async () => {
    const { subscriber, line, number } = await forwarding(
      { forward_always: MOBILE },
      { billing_mode: 'PREPAID' },
    );
    expect(await (await callIn(number)).done).toMatchObject({ status: 603, q850: 50 });
    const [first] = await recordsOf(world(), subscriber.id, 1);
    expect(await refusalsOf(subscriber.id)).toEqual([
      expect.objectContaining({
        reason: 'NO_CREDIT',
        direction: 'OUT',
        line_id: line.line_id,
        dialled: MOBILE,
        forwarded_from: first?.id,
      }),
    ]);
    await noSlotTaken(world());
  });

  test('to a line that sends it back: refused, not turned in a circle', async () => {
    const { subscriber, line, number } = await forwarding({});
    const other = await subscriber.addLine();
    await world().provisioned();
    await sendOn(line, { forward_always: other.extension });
    await sendOn(other, { forward_offline: line.extension });
    const { sip, q850 } = REFUSALS.FORWARD_LOOP;
    expect(await (await callIn(number)).done).toMatchObject({ status: sip, q850 });
    const [refused] = await refusalsOf(subscriber.id);
    expect(refused).toMatchObject({ reason: 'FORWARD_LOOP', detail: 'SAME_LINE', line_id: line.line_id });
    await noSlotTaken(world());
  });

  test('control plane killed and Redis emptied in mid-call: both are rebuilt and settled once', {
    timeout: 90_000,
  }, async () => {
    const { subscriber, line, number } = await forwarding({ forward_always: MOBILE });
    const call = await callIn(number, 60_000);
    await answered(call);
    const before = await slots();
    await world().control.kill9();
    await flushRedis(world());
    await world().control.start();
    await world().connected();
    await waitUntil(async () => (await slots()).length >= before.length, {
      timeout_ms: 10_000,
      what: 'slots',
    });
    expect(await slots()).toEqual(before);
    await hangUpAll();
    await call.done;
    const records = await recordsOf(world(), subscriber.id, 2);
    await world().control.kill9();
    await world().control.start();
    await world().connected();
    expect(await recordsOf(world(), subscriber.id, 2)).toHaveLength(2);
    expect(records[1]).toMatchObject({ line_id: line.line_id, forwarded_from: records[0]?.id });
    expect(records[1]?.total_micros).toBeGreaterThan(0n);
    expect((await ledgerOf(world(), subscriber.id)).unbalanced).toBe(0);
    await noSlotTaken(world());
  });

  test('while nobody decides: on to a phone of the same subscriber, and nowhere else', {
    timeout: 90_000,
  }, async () => {
    const { subscriber, line, number } = await forwarding({});
    const other = await subscriber.addLine();
    await world().provisioned();
    await sendOn(line, { forward_busy: MOBILE, forward_offline: other.extension });
    const phone = await world().phones.wait(other, 100);
    await world().control.kill9();
    expect(await (await callIn(number, 1_000)).done).toMatchObject({ status: 200 });
    const busy = await world().phones.waitBusy(line);
    expect(await (await callIn(number)).done).toMatchObject({ status: 500, q850: 38 });
    await world().control.start();
    await world().connected();
    const records = await recordsOf(world(), subscriber.id, 2);
    const sent = records.find((record) => record.forwarded_from !== null);
    expect(sent).toMatchObject({ call_class: 'INTERNAL', line_id: line.line_id, number: other.extension });
    for (const one of [phone, busy]) await one.stop();
  });
});

test('an internal call goes on to the outside at the cost of the line that was called', async () => {
  const { subscriber, line } = await forwarding({ forward_always: MOBILE });
  const caller = await subscriber.addLine({ max_concurrent_calls: 1 });
  await world().provisioned();
  const call = await world().phones.call(caller, line.extension, 4_000);
  await answered(call);
  const each = ['RESELLER TOTAL', 'SUBSCRIBER TOTAL', 'TRUNK TOTAL'];
  expect(await slots()).toEqual(['LINE TOTAL', 'LINE TOTAL', ...each]);
  expect(await call.done).toMatchObject({ status: 200, hungUpBy: 'PHONE' });
  const [first, second] = await recordsOf(world(), subscriber.id, 2);
  expect(first).toMatchObject({ call_class: 'INTERNAL', line_id: caller.line_id, total_micros: 0n });
  expect(second).toMatchObject({
    line_id: line.line_id,
    forwarded_from: first?.id,
    number: `+55${MOBILE}`,
  });
  expect(second?.billed_seconds).toBe(30);
  await noSlotTaken(world());
});
