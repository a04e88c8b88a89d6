import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { PlacedCall } from '../../dev/world/phone.ts';
import type { OutsideCall } from '../../dev/world/scenario.ts';
import type { LineOptions, SubscriberOptions } from '../../dev/world/tenants.ts';
import { REFUSALS, type RefusalReason } from '../../src/domain/refusals.ts';
import { addNumber, useInboundTrunks } from './use-inbound.ts';
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

/** Two trunks that calls come in by: one address makes one call at a time here. */
const trunkPort = useInboundTrunks(world, 2);

/** Somebody without money: nobody pays for what comes in. */
const POOR: SubscriberOptions = { billing_mode: 'PREPAID' };

/** A subscriber whose number rings a phone that answers. */
async function reachable(options: SubscriberOptions = POOR, line_options: LineOptions = {}) {
  const { subscriber } = await subscriberWithLine(world(), options);
  const line = await subscriber.addLine(line_options);
  const number = await addNumber(world(), subscriber, { target_line_id: line.line_id });
  await world().provisioned();
  const phone = await world().phones.wait(line, 100);
  return { subscriber, line, number, phone };
}

const FROM = '"Fulano" <sip:+5521999998888@carrier.example>';
const callIn = (number: string, more: Partial<OutsideCall> = {}, trunk = 0): Promise<PlacedCall> =>
  world().phones.callIn(trunkPort(trunk), { number, from: FROM, talk_ms: 1_500, ...more });

const answered = (call: PlacedCall) =>
  waitUntil(async () => call.outcome().status === 200, { timeout_ms: 10_000, what: 'the answer' });

/** Hangs up every call on the switch: after whatever the machine took its time for. */
const hangUpAll = () => world().pabx.asterisk().rx('channel request hangup all');

/** The record of a refused call, found by what was dialled. */
async function refusalOf(dialled: string) {
  const read = () =>
    world().database.db.selectFrom('refusals').selectAll().where('dialled', '=', dialled).execute();
  await waitUntil(async () => (await read()).length > 0, { timeout_ms: 10_000, what: 'the refusal' });
  return (await read())[0];
}

describe('a call from outside', () => {
  test('rings the line of its number, shows who calls, costs nothing and leaves a record', async () => {
    const { subscriber, line, number, phone } = await reachable();
    const token = await world().token({ role: 'MASTER' });
    const live = await watchLive(world(), token);
    expect(await (await callIn(number)).done).toMatchObject({ status: 200, rang: true, hungUpBy: 'PHONE' });
    expect(phone.invites()[0]?.header('From')).toMatch(/^<sip:\+5521999998888@/);
    const [record] = await recordsOf(world(), subscriber.id, 1);
    const what = { direction: 'IN', number, caller_number: '+5521999998888', call_class: 'INBOUND' };
    expect(record).toMatchObject({ ...what, line_id: line.line_id, total_micros: 0n, billed_seconds: 0 });
    expect(record?.talk_ms).toBeGreaterThan(1_300);
    expect(record?.trunk_id).not.toBeNull();
    expect(await ledgerOf(world(), subscriber.id)).toEqual({ sums: {}, unbalanced: 0 });
    const rows = live.messages.flatMap((message) => (message.type === 'upsert' ? [message.call] : []));
    expect(rows.map((row) => row.phase)).toEqual(expect.arrayContaining(['DIALLING', 'RINGING', 'ANSWERED']));
    expect(rows[0]).toMatchObject({ ...what, extension: line.extension, paying: 'FREE' });
    live.close();
    await phone.stop();
    await noSlotTaken(world());
  });

  test('is found by its number however the carrier writes it', async () => {
    const { number, phone } = await reachable();
    for (const spelled of [number.slice(1), number.slice(3), `0${number.slice(3)}`])
      expect((await (await callIn(spelled, { talk_ms: 100 })).done).status, spelled).toBe(200);
    await phone.stop();
  });

  test('a limit of one refuses the second with the call that holds the slot', async () => {
    const { subscriber, number, phone } = await reachable(POOR, { max_concurrent_calls: 1 });
    const first = await callIn(number, { talk_ms: 4_000 });
    await answered(first);
    const second = await (await callIn(number, {}, 1)).done;
    const { sip, q850 } = REFUSALS.LIMIT_REACHED;
    expect(second).toMatchObject({ status: sip, q850, rang: false });
    const held = Object.values(await takenSlots(world())).flat();
    const refused = await refusalOf(number);
    expect(refused).toMatchObject({
      reason: 'LIMIT_REACHED',
      direction: 'IN',
      limit_level: 'LINE',
      limit_value: 1,
    });
    expect(refused).toMatchObject({ subscriber_id: subscriber.id, caller_number: '+5521999998888' });
    expect(refused?.holders).toEqual([held[0]]);
    await first.done;
    await noSlotTaken(world());
    expect((await (await callIn(number, { talk_ms: 100 })).done).status).toBe(200);
    await phone.stop();
  });

  test('a limit of the number counts the calls out that show it, and names them to who calls in', async () => {
    const { subscriber, line, number, phone } = await reachable({ ...POOR, balance_micros: 1_000_000n });
    const { db } = world().database;
    const did = await db
      .updateTable('dids')
      .set({ max_concurrent_calls: 1 })
      .where('number', '=', number)
      .returning('id')
      .executeTakeFirstOrThrow();
    const shows = { caller_id_did_id: did.id };
    await db.updateTable('lines').set(shows).where('id', '=', line.line_id).execute();
    const slot = `pabx:slots:NUMBER:TOTAL:${did.id}`;
    // A change is live within moments: until then a call takes no slot of its number.
    await waitUntil(
      async () => {
        const tried = await world().phones.call(line, '11987654321', 1_000);
        await answered(tried);
        const taken = slot in (await takenSlots(world()));
        await tried.done;
        return taken;
      },
      { timeout_ms: 20_000, what: 'the limit to hold' },
    );
    await noSlotTaken(world());
    const out = await world().phones.call(line, '11987654321', 6_000);
    await answered(out);
    const [holder] = (await takenSlots(world()))[slot] ?? [];
    const { sip, q850 } = REFUSALS.LIMIT_REACHED;
    expect(await (await callIn(number)).done).toMatchObject({ status: sip, q850, rang: false });
    const limited = { limit_level: 'NUMBER', limit_direction: 'TOTAL', limit_value: 1, holders: [holder] };
    expect(await refusalOf(number)).toMatchObject({ subscriber_id: subscriber.id, ...limited });
    await out.done;
    await noSlotTaken(world());
    expect((await (await callIn(number, { talk_ms: 100 })).done).status).toBe(200);
    await phone.stop();
  });

  test('a suspended subscriber receives nothing, nor does a blocked line', async () => {
    const { subscriber, line, number, phone } = await reachable();
    const { db } = world().database;
    const refusedAs = (reason: RefusalReason) =>
      waitUntil(
        async () => (await (await callIn(number, { talk_ms: 100 })).done).q850 === REFUSALS[reason].q850,
        {
          timeout_ms: 10_000,
          what: reason,
        },
      );
    await db
      .updateTable('subscribers')
      .set({ status: 'SUSPENDED' })
      .where('id', '=', subscriber.id)
      .execute();
    await refusedAs('SUBSCRIBER_SUSPENDED');
    await db.updateTable('subscribers').set({ status: 'ACTIVE' }).where('id', '=', subscriber.id).execute();
    await db.updateTable('lines').set({ status: 'BLOCKED' }).where('id', '=', line.line_id).execute();
    await refusedAs('LINE_BLOCKED');
    await phone.stop();
    await noSlotTaken(world());
  });

  test('for a number that is nobody’s, in stock or out of use: 404 and a record', async () => {
    const { subscriber, line, phone } = await reachable();
    const { reseller_id } = subscriber;
    const whose = { subscriber_id: subscriber.id, target_line_id: line.line_id };
    const numbers = [
      { reseller_id, number: '+551150000001' },
      { reseller_id, number: '+551150000002', ...whose, status: 'INACTIVE' as const },
      { reseller_id, number: '+551150000003', subscriber_id: subscriber.id },
    ];
    await world().database.db.insertInto('dids').values(numbers).execute();
    const details = ['IN_STOCK', 'INACTIVE', 'NO_LINE', null];
    for (const [index, detail] of details.entries()) {
      const dialled = numbers[index]?.number ?? '190';
      expect((await (await callIn(dialled)).done).status, dialled).toBe(404);
      expect(await refusalOf(dialled)).toMatchObject({ reason: 'UNKNOWN_NUMBER', detail, direction: 'IN' });
    }
    await phone.stop();
  });

  test('what a stranger writes of himself is data: only digits reach the phone', {
    timeout: 60_000,
  }, async () => {
    const { subscriber, number, phone } = await reachable();
    const shell = '$' + '{SHELL(id)}';
    const senders = [
      `"${shell}" <sip:%2B5521;ext=9@x.example>`,
      '"Evil" <sip:a,b%26PJSIP%2Fx@x.example>',
      '<sip:$%7BSHELL(id)%7D12@x.example>',
      '"Anonymous" <sip:anonymous@anonymous.invalid>',
      `<sip:${'9'.repeat(200)}@x.example>`,
    ];
    const headers = [
      'Diversion: "D" <sip:evil@x.example>;reason=unconditional',
      'P-Asserted-Identity: "P" <sip:+5599@x.example>',
      'Remote-Party-ID: "R" <sip:+5598@x.example>',
    ];
    for (const from of senders)
      expect((await (await callIn(number, { from, headers, talk_ms: 100 })).done).status, from).toBe(200);
    const invites = phone.invites();
    const shown = invites.map((invite) => (invite.header('From') ?? '').replace(/;tag=.*/, ''));
    const users = ['+5521', 'anonymous', '12', 'anonymous', 'anonymous'];
    expect(shown).toEqual(users.map((user) => `<sip:${user}@127.0.0.1>`));
    for (const invite of invites)
      for (const name of ['Diversion', 'P-Asserted-Identity', 'Remote-Party-ID'])
        expect(invite.header(name)).toBeNull();
    const records = await recordsOf(world(), subscriber.id, senders.length);
    expect(records.map((record) => record.caller_number)).toEqual(['+5521', null, '12', null, null]);
    await phone.stop();
  });
});

describe('without the control plane', () => {
  test('killed in mid-call: adopted after the restart and settled once', { timeout: 90_000 }, async () => {
    const { subscriber, number, phone } = await reachable();
    const call = await callIn(number, { talk_ms: 60_000 });
    await answered(call);
    await world().control.kill9();
    await world().control.start();
    await world().connected();
    const token = await world().token({ role: 'MASTER' });
    const live = await watchLive(world(), token);
    const [snapshot] = live.messages;
    const what = { direction: 'IN', number, caller_number: '+5521999998888', phase: 'ANSWERED' };
    expect(snapshot).toMatchObject({ type: 'snapshot', calls: [what] });
    live.close();
    await hangUpAll();
    const { talk_ms = null } = await call.done;
    const records = await recordsOf(world(), subscriber.id, 1);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ direction: 'IN', end_reason: 'HANGUP', total_micros: 0n, number });
    // To the same end as the caller saw it, however long we were away.
    expect(Math.abs((records[0]?.talk_ms ?? 0) - (talk_ms ?? 0))).toBeLessThan(1_000);
    await noSlotTaken(world());
    await phone.stop();
  });

  test('the line rings; a call that ends meanwhile is settled from the journal, one that runs is adopted', {
    timeout: 90_000,
  }, async () => {
    const { subscriber, number, phone } = await reachable(POOR, { max_concurrent_calls: 2 });
    await world().control.kill9();
    const over = await callIn(number.slice(3), { talk_ms: 500 });
    expect(await over.done).toMatchObject({ status: 200, hungUpBy: 'PHONE' });
    expect(phone.invites()[0]?.header('From')).toMatch(/^<sip:\+5521999998888@/);
    expect((await (await callIn('+551199990000')).done).status).toBe(404);
    const running = await callIn(number, { talk_ms: 60_000 });
    await answered(running);
    await world().control.start();
    await world().connected();
    await waitUntil(async () => Object.keys(await takenSlots(world())).length === 4, {
      timeout_ms: 10_000,
      what: 'the slots of the adopted call',
    });
    await hangUpAll();
    await running.done;
    const records = await recordsOf(world(), subscriber.id, 2);
    expect(records.map((record) => record.end_reason)).toEqual(['SWITCH_JOURNAL', 'HANGUP']);
    for (const record of records)
      expect(record).toMatchObject({ direction: 'IN', number, caller_number: '+5521999998888' });
    await noSlotTaken(world());
    await phone.stop();
  });
});
