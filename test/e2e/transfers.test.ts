import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { PlacedCall, WaitingPhone } from '../../dev/world/phone.ts';
import type { SipMessage } from '../../dev/world/sip-log.ts';
import {
  addReseller,
  addSubscriber,
  type LineOptions,
  type SubscriberOptions,
  type TestLine,
} from '../../dev/world/tenants.ts';
import { addNumber, useInboundTrunks } from './use-inbound.ts';
import { ledgerOf, noSlotTaken, recordsOf, takenSlots, useWorld } from './use-world.ts';

const world = useWorld();

/** 1 micro a second. */
const RATE = { price_micros_per_minute: 60n, cadence: [1, 1, 0] } as const;
const RICH: SubscriberOptions = { billing_mode: 'PREPAID', balance_micros: 1_000n, rate: RATE };
const OUTSIDE = '11987654321';
const FROM = '"Fulano" <sip:+5521999998888@carrier.example>';

const trunkPort = useInboundTrunks(world);

/** Two lines of one subscriber; the first one has a number, the second one's phone answers. */
async function office(options: SubscriberOptions = RICH, line_options: LineOptions = {}) {
  const { db } = world().database;
  const at = { reseller_id: await addReseller(db), server_id: world().server_id };
  const subscriber = await addSubscriber(db, at, options);
  const line = await subscriber.addLine(line_options);
  const colleague = await subscriber.addLine();
  const number = await addNumber(world(), subscriber, { target_line_id: line.line_id });
  await world().provisioned();
  const phone = await world().phones.wait(colleague, 100);
  return { subscriber, line, number, colleague, phone };
}

const waitFor = (what: string, holds: () => boolean | Promise<boolean>) =>
  waitUntil(async () => holds(), { timeout_ms: 15_000, what });
const rings = (phone: WaitingPhone) => waitFor('the phone to ring', () => phone.invites().length > 0);
const answered = (call: PlacedCall) => waitFor('the answer', () => call.outcome().status === 200);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const hangUpAll = () => world().pabx.asterisk().rx('channel request hangup all');
const channels = async () =>
  (await world().pabx.asterisk().rx('core show channels concise')).split('\n').filter(Boolean);

/** What the switch last told about a transfer. */
const lastNote = (messages: readonly SipMessage[]) =>
  messages.filter(({ firstLine }) => firstLine.startsWith('NOTIFY ')).at(-1)?.body;
async function transferred(call: PlacedCall): Promise<string | undefined> {
  await call.done;
  return lastNote(call.messages());
}

const tagOf = (header: string | null | undefined) => /;tag=(\S+)/.exec(header ?? '')?.[1] ?? '';

/** Names a dialog as RFC 3891 does, escaped for a URI; `local` is the switch's tag. */
function replaces(message: SipMessage | undefined, local: 'From' | 'To'): string {
  const remote = local === 'To' ? 'From' : 'To';
  const [to, from] = [tagOf(message?.header(local)), tagOf(message?.header(remote))];
  const dialog = `${message?.header('Call-ID')};to-tag=${to};from-tag=${from}`;
  return `Replaces=${encodeURIComponent(dialog)}`;
}
const okOf = (messages: readonly SipMessage[], direction: SipMessage['direction']) =>
  messages.find((one) => one.direction === direction && one.firstLine === 'SIP/2.0 200 OK');

/** Every charge is in one record and in the ledger, and nothing is held any more. */
async function expectSettled(subscriber_id: string, count: number) {
  const records = await recordsOf(world(), subscriber_id, count);
  expect(records).toHaveLength(count);
  const charged = records.reduce((sum, record) => sum + record.total_micros, 0n);
  const { sums, unbalanced } = await ledgerOf(world(), subscriber_id);
  expect([sums.money, unbalanced]).toEqual([1_000n - charged, 0]);
  // The grace is not the payer's: no more than was granted.
  for (const { price_micros_per_minute, granted_seconds, talk_ms, total_micros } of records)
    if (price_micros_per_minute !== null)
      expect(total_micros).toBe(BigInt(Math.min(granted_seconds, Math.ceil(talk_ms / 1_000))));
  await noSlotTaken(world());
  return records;
}

describe('a blind transfer of a paid call to a colleague', () => {
  const start = async (options?: SubscriberOptions) => {
    const all = await office(options);
    const refer = { to: all.colleague.extension, after_ms: 1_500 };
    const call = await world().phones.callAndRefer(all.line, OUTSIDE, refer);
    expect(await transferred(call)).toBe('SIP/2.0 200 OK');
    await rings(all.phone);
    return { ...all, call };
  };

  test('the caller goes on paying until the leg outside ends, for one call', async () => {
    const { subscriber, line, phone, call } = await start();
    // Longer than what was granted before the transfer: slices go on.
    await pause(6_000);
    const holders = Object.values(await takenSlots(world()));
    expect(holders.map((ids) => ids.length)).toEqual([1, 1, 1, 1]);
    await hangUpAll();
    const records = await expectSettled(subscriber.id, 2);
    const paid = records.find((record) => record.call_class === 'MOBILE_LOCAL');
    expect(paid).toMatchObject({ line_id: line.line_id, end_reason: 'HANGUP' });
    expect(paid?.talk_ms).toBeGreaterThan((call.outcome().talk_ms ?? 0) + 5_000);
    await phone.stop();
  });

  test('is cut on the second when the money ends', async () => {
    const { subscriber, phone } = await start({ ...RICH, balance_micros: 7n });
    await waitFor('the cut', async () => (await channels()).length === 0);
    const records = await recordsOf(world(), subscriber.id, 2);
    const paid = records.find((record) => record.call_class === 'MOBILE_LOCAL');
    expect(paid).toMatchObject({ end_reason: 'EXHAUSTED', billed_seconds: 7, total_micros: 7n });
    expect(paid?.talk_ms).toBeGreaterThan(6_900);
    expect(paid?.talk_ms).toBeLessThan(8_000);
    await noSlotTaken(world());
    await phone.stop();
  });

  test('the control plane killed after it: settled once, to the switch’s own end', {
    timeout: 90_000,
  }, async () => {
    const { subscriber, phone } = await start();
    await world().control.kill9();
    await waitFor('the switch to end it', async () => (await channels()).length === 0);
    await world().control.start();
    await world().connected();
    const records = await expectSettled(subscriber.id, 2);
    const paid = records.find((record) => record.call_class === 'MOBILE_LOCAL');
    expect(paid).toMatchObject({ end_reason: 'SWITCH_JOURNAL', billed_seconds: paid?.granted_seconds });
    await phone.stop();
  });
});

describe('a call from outside that its line transfers outside', () => {
  const to = '1133334444';
  const transfer = async (line: TestLine, number: string) => {
    const desk = await world().phones.wait(line, 100, { to, after_ms: 1_000 });
    const caller = await world().phones.callIn(trunkPort(), { number, from: FROM, talk_ms: 60_000 });
    await answered(caller);
    return { desk, caller };
  };

  test('is paid by the line; the call keeps its one slot', async () => {
    const { subscriber, line, number, phone } = await office(RICH, { max_concurrent_calls: 1 });
    const { desk, caller } = await transfer(line, number);
    await waitFor('the transfer', () => lastNote(desk.messages()) === 'SIP/2.0 200 OK');
    await pause(4_000);
    const holders = await takenSlots(world());
    const ofLine = Object.entries(holders).filter(([key]) => key.includes(line.line_id));
    expect(ofLine.map(([, ids]) => ids.length)).toEqual([1]);
    expect((await (await world().phones.call(line, OUTSIDE, 100)).done).status).toBe(503);
    await hangUpAll();
    await caller.done;
    const [came, went] = await expectSettled(subscriber.id, 2);
    expect(came).toMatchObject({ direction: 'IN', line_id: line.line_id, total_micros: 0n });
    expect(went).toMatchObject({ direction: 'OUT', line_id: line.line_id, number: '+551133334444' });
    expect(came?.talk_ms).toBeGreaterThan((went?.talk_ms ?? 0) + 900);
    await desk.stop();
    await phone.stop();
  });

  test('is refused with a record when the line may not call there', async () => {
    const allowed_classes = ['INTERNAL', 'EMERGENCY'] as const;
    const { subscriber, line, number, phone } = await office(RICH, { allowed_classes: [...allowed_classes] });
    const { desk, caller } = await transfer(line, number);
    expect(await caller.done).toMatchObject({ hungUpBy: 'OTHER_SIDE' });
    const read = () =>
      world()
        .database.db.selectFrom('refusals')
        .selectAll()
        .where('subscriber_id', '=', subscriber.id)
        .execute();
    await waitFor('the refusal', async () => (await read()).length > 0);
    expect(await read()).toMatchObject([
      { reason: 'CLASS_NOT_PERMITTED', direction: 'OUT', line_id: line.line_id, dialled: to },
    ]);
    expect(await expectSettled(subscriber.id, 1)).toMatchObject([{ direction: 'IN' }]);
    await desk.stop();
    await phone.stop();
  });
});

describe('an attended transfer', () => {
  test('of two calls outside: each goes on at its own cost until its leg ends', async () => {
    const { subscriber, line, phone } = await office();
    const first = await world().phones.call(line, OUTSIDE);
    await answered(first);
    const dialog = replaces(okOf(first.messages(), 'RECEIVED'), 'To');
    const refer = { to: `${OUTSIDE}?${dialog}`, after_ms: 1_000 };
    const second = await world().phones.callAndRefer(line, '1133334444', refer);
    expect(await transferred(second)).toBe('SIP/2.0 200 OK');
    expect(await first.done).toMatchObject({ hungUpBy: 'OTHER_SIDE' });
    await pause(6_000);
    expect(await channels()).toHaveLength(2);
    const holders = Object.values(await takenSlots(world()));
    expect(holders.map((ids) => ids.length)).toEqual([2, 2, 2, 2]);
    await hangUpAll();
    const records = await expectSettled(subscriber.id, 2);
    for (const record of records) expect(record.talk_ms).toBeGreaterThan(6_500);
    await phone.stop();
  });

  test('of two calls outside: when the money ends both are cut, and nothing is below zero', async () => {
    const { subscriber, line, phone } = await office({ ...RICH, balance_micros: 16n });
    const first = await world().phones.call(line, OUTSIDE);
    await answered(first);
    const dialog = replaces(okOf(first.messages(), 'RECEIVED'), 'To');
    const refer = { to: `${OUTSIDE}?${dialog}`, after_ms: 1_000 };
    expect(await transferred(await world().phones.callAndRefer(line, '1133334444', refer))).toMatch(/200/);
    await waitFor('the cut', async () => (await channels()).length === 0);
    await recordsOf(world(), subscriber.id, 2);
    const left = (await ledgerOf(world(), subscriber.id)).sums.money;
    expect(left).toBeGreaterThanOrEqual(0n);
    expect(left).toBeLessThanOrEqual(3n);
    await noSlotTaken(world());
    await phone.stop();
  });

  test('of a call from outside to a colleague: nobody pays, and its slot is kept', async () => {
    const { subscriber, line, number, colleague, phone } = await office();
    const desk = await world().phones.wait(line, 100);
    const caller = await world().phones.callIn(trunkPort(), { number, from: FROM, talk_ms: 60_000 });
    await answered(caller);
    const ok = okOf(desk.messages(), 'SENT');
    const refer = { to: `${line.extension}?${replaces(ok, 'From')}`, after_ms: 1_000 };
    const asking = await world().phones.callAndRefer(line, colleague.extension, refer);
    expect(await transferred(asking)).toBe('SIP/2.0 200 OK');
    await pause(3_000);
    expect(await channels()).toHaveLength(2);
    expect(Object.keys(await takenSlots(world())).some((key) => key.includes(line.line_id))).toBe(true);
    await hangUpAll();
    await caller.done;
    const [came, inside] = await expectSettled(subscriber.id, 2);
    expect(came).toMatchObject({ direction: 'IN', total_micros: 0n });
    expect(inside).toMatchObject({ call_class: 'INTERNAL', number: colleague.extension });
    for (const record of [came, inside]) expect(record?.talk_ms).toBeGreaterThan(3_500);
    await desk.stop();
    await phone.stop();
  });
});

test('to a call that still rings: both end, and what was talked is paid', async () => {
  const { subscriber, line, colleague, phone } = await office();
  const slow = await world().phones.wait(colleague, 30_000);
  const asking = await world().phones.call(line, colleague.extension);
  await waitFor('the ringing', () => asking.outcome().rang);
  const ringing = asking.messages().find(({ firstLine }) => firstLine.startsWith('SIP/2.0 180'));
  const to = `${colleague.extension}?${replaces(ringing, 'To')}`;
  await (await world().phones.callAndRefer(line, OUTSIDE, { to, after_ms: 500 })).done;
  await waitFor('the end of all', async () => (await channels()).length === 0);
  const records = await expectSettled(subscriber.id, 2);
  const talked = records.map(({ call_class, talk_ms }) => [call_class, talk_ms > 0]).sort();
  expect(talked).toEqual([
    ['INTERNAL', false],
    ['MOBILE_LOCAL', true],
  ]);
  await slow.stop();
  await phone.stop();
});

test('a colleague who sends it on pays for where it goes, and the first line for where it was', async () => {
  const { subscriber, line, colleague, phone } = await office();
  const onward = await world().phones.wait(colleague, 100, { to: '1133334444', after_ms: 1_000 });
  const refer = { to: colleague.extension, after_ms: 500 };
  const call = await world().phones.callAndRefer(line, OUTSIDE, refer);
  expect(await transferred(call)).toBe('SIP/2.0 200 OK');
  await waitFor('the second transfer', () => lastNote(onward.messages()) === 'SIP/2.0 200 OK');
  await pause(6_000);
  const slots = Object.entries(await takenSlots(world()));
  const taken = (part: string) => slots.find(([key]) => key.includes(part))?.[1].length;
  expect([taken(line.line_id), taken(colleague.line_id)]).toEqual([1, 1]);
  expect([taken('SUBSCRIBER'), taken('TRUNK')]).toEqual([1, 2]);
  await hangUpAll();
  const records = await expectSettled(subscriber.id, 3);
  const paidBy = (number: string) => records.find((record) => record.number === number)?.line_id;
  expect([paidBy('+5511987654321'), paidBy('+551133334444')]).toEqual([line.line_id, colleague.line_id]);
  for (const { talk_ms } of records) expect(talk_ms).toBeGreaterThan(5_500);
  await onward.stop();
  await phone.stop();
});

describe('what is refused', () => {
  test('nobody outside transfers anybody: 603, and the call goes on', async () => {
    const { subscriber, line, number, phone } = await office();
    const desk = await world().phones.wait(line, 100);
    const refer = { to: OUTSIDE, after_ms: 500, stay_ms: 1_500 };
    const call = await world().phones.callIn(trunkPort(), { number, from: FROM, talk_ms: 0 }, refer);
    expect(await call.done).toMatchObject({ hungUpBy: 'PHONE' });
    expect(call.messages().filter(({ firstLine }) => /^SIP\/2\.0 603/.test(firstLine))).toHaveLength(1);
    expect(await expectSettled(subscriber.id, 1)).toMatchObject([{ direction: 'IN' }]);
    await desk.stop();
    await phone.stop();
  });

  test('what is no number: 404, and the call goes on', { timeout: 90_000 }, async () => {
    const { subscriber, line, phone } = await office();
    const strings = [
      '%24%7BSHELL(id)%7D',
      '1133334444%26PJSIP',
      '201,1',
      'h',
      's',
      'external_replaces',
      '9'.repeat(40),
      `${OUTSIDE}?Replaces=nobody%3Bto-tag%3D1%3Bfrom-tag%3D2`,
    ];
    for (const to of strings) {
      const call = await world().phones.callAndRefer(line, OUTSIDE, { to, after_ms: 300 });
      expect(await transferred(call), to).toMatch(/^SIP\/2\.0 404/);
      expect(call.outcome(), to).toMatchObject({ hungUpBy: 'PHONE' });
    }
    expect(await expectSettled(subscriber.id, strings.length)).toHaveLength(strings.length);
    await phone.stop();
  });
});

test('an emergency number is reached by transfer, on the line’s own name', async () => {
  const { subscriber, line, phone } = await office();
  const call = await world().phones.callAndRefer(line, OUTSIDE, { to: '190', after_ms: 500 });
  expect(await transferred(call)).toBe('SIP/2.0 200 OK');
  await pause(1_000);
  await hangUpAll();
  const records = await expectSettled(subscriber.id, 2);
  const emergency = records.find((record) => record.call_class === 'EMERGENCY');
  expect(emergency).toMatchObject({ line_id: line.line_id, number: '190', total_micros: 0n });
  await phone.stop();
});
