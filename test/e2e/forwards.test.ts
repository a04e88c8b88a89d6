import { beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../dev/services/ports.ts';
import { waitUntil } from '../../dev/services/process.ts';
import type { PlacedCall } from '../../dev/world/phone.ts';
import type { LineOptions, SubscriberOptions, TestLine } from '../../dev/world/tenants.ts';
import { ledgerOf, noSlotTaken, recordsOf, subscriberWithLine, useWorld } from './use-world.ts';

const world = useWorld();

/** A trunk that calls come in by: its address makes one call at a time. */
let trunkPort = 0;
beforeAll(async () => {
  trunkPort = await freePort();
  const trunk = { code: 'in', name: 'Entrada', host: '127.0.0.1', port: trunkPort };
  const values = { ...trunk, server_id: world().server_id, max_concurrent_calls: 10, priority: 9 };
  await world().database.db.insertInto('trunks').values(values).execute();
});

const RICH: SubscriberOptions = { billing_mode: 'PREPAID', balance_micros: 10_000_000n };
const MOBILE = '11987654321';
let serial = 0;

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
  const number = `+5511410${String(++serial).padStart(5, '0')}`;
  const { reseller_id, id: subscriber_id } = subscriber;
  const did = { reseller_id, subscriber_id, number, target_line_id: line.line_id };
  await world().database.db.insertInto('dids').values(did).execute();
  await world().provisioned();
  await sendOn(line, forwards);
  return { subscriber, line, number };
}

const FROM = '<sip:+5521999998888@carrier.example>';
const callIn = (number: string, talk_ms = 4_000): Promise<PlacedCall> =>
  world().phones.callIn(trunkPort, { number, from: FROM, talk_ms });

describe('a call from outside that its line sends on', () => {
  test('at once: the line pays its leg, and its record tells of the first', async () => {
    const { subscriber, line, number } = await forwarding({ forward_always: MOBILE });
    expect(await (await callIn(number)).done).toMatchObject({ status: 200, hungUpBy: 'PHONE' });
    const records = await recordsOf(world(), subscriber.id, 2);
    const [first, second] = records;
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
});
