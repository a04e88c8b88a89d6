import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { SubscriberOptions } from '../../dev/world/tenants.ts';
import { REFUSALS, type RefusalReason } from '../../src/domain/refusals.ts';
import { ledgerOf, noSlotTaken, recordsOf, subscriberWithLine, useWorld } from './use-world.ts';

const world = useWorld();

const POSTPAID: SubscriberOptions = { billing_mode: 'POSTPAID', credit_limit_micros: 1_000_000n };

async function refusalsOf(subscriber_id: string, count: number) {
  const read = () =>
    world()
      .database.db.selectFrom('refusals')
      .selectAll()
      .where('subscriber_id', '=', subscriber_id)
      .orderBy('created_at')
      .execute();
  await waitUntil(async () => (await read()).length >= count, {
    timeout_ms: 10_000,
    what: `${count} refusals`,
  });
  return read();
}

describe('refusals have their own SIP answer and a record', () => {
  const cases: [string, SubscriberOptions, string, RefusalReason, string | null][] = [
    ['an invalid number', POSTPAID, '2012345678', 'INVALID_NUMBER', 'UNKNOWN_AREA_CODE'],
    ['a feature code nobody sells yet', POSTPAID, '*97', 'INVALID_NUMBER', 'UNKNOWN_FEATURE'],
    ['a class that is not permitted', POSTPAID, '0012125551234', 'CLASS_NOT_PERMITTED', 'INTL_FIXED'],
    [
      'no rate in the plan',
      { ...POSTPAID, priced: ['FIXED_LOCAL'] },
      '11987654321',
      'NO_RATE',
      'MOBILE_LOCAL',
    ],
    ['no credit', { billing_mode: 'PREPAID' }, '11987654321', 'NO_CREDIT', null],
    [
      'less money than one block',
      { billing_mode: 'PREPAID', balance_micros: 49_999n },
      '1133334444',
      'NO_CREDIT',
      null,
    ],
    ['a limit of no calls', { ...POSTPAID, max_concurrent_calls: 0 }, '1133334444', 'LIMIT_REACHED', null],
  ];
  test.each(cases)('%s', async (_, options, dialled, reason, detail) => {
    const { subscriber, line } = await subscriberWithLine(world(), options);
    const outcome = await (await world().phones.call(line, dialled)).done;
    expect(outcome).toMatchObject({ status: REFUSALS[reason].sip, q850: REFUSALS[reason].q850, rang: false });
    expect(await refusalsOf(subscriber.id, 1)).toEqual([
      expect.objectContaining({ dialled, reason, detail }),
    ]);
    expect(
      await world()
        .database.db.selectFrom('calls')
        .where('subscriber_id', '=', subscriber.id)
        .selectAll()
        .execute(),
    ).toEqual([]);
    await noSlotTaken(world());
  });

  test('a suspended subscriber and a blocked line, from the moment they are', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), POSTPAID);
    const { db } = world().database;
    const dial = async () => (await world().phones.call(line, '11987654321', 300)).done;
    expect(await dial()).toMatchObject({ status: 200 });
    await db
      .updateTable('subscribers')
      .set({ status: 'SUSPENDED' })
      .where('id', '=', subscriber.id)
      .execute();
    await waitUntil(async () => (await dial()).q850 === REFUSALS.SUBSCRIBER_SUSPENDED.q850, {
      timeout_ms: 5_000,
      what: 'the suspension to be known',
    });
    await db.updateTable('subscribers').set({ status: 'ACTIVE' }).where('id', '=', subscriber.id).execute();
    await db.updateTable('lines').set({ status: 'BLOCKED' }).where('id', '=', line.line_id).execute();
    await waitUntil(async () => (await dial()).q850 === REFUSALS.LINE_BLOCKED.q850, {
      timeout_ms: 5_000,
      what: 'the block to be known',
    });
    const reasons = (await refusalsOf(subscriber.id, 2)).map((refusal) => refusal.reason);
    expect(new Set(reasons)).toEqual(new Set(['SUBSCRIBER_SUSPENDED', 'LINE_BLOCKED']));
  });

  test('what a stranger dials is data: it is refused, recorded readable, and never evaluated', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), POSTPAID);
    const evaluated = '$' + '{SHELL(id)}';
    const hostile = [
      evaluated,
      'a,b,c&PJSIP/x',
      `9${'1'.repeat(900)}`,
      "x';drop table calls;--",
      '11 9876\r\nX: y',
    ];
    for (const dialled of hostile) {
      const { status } = await (await world().phones.call(line, dialled)).done;
      expect(status, dialled).toBeGreaterThanOrEqual(400);
    }
    const recorded = (await refusalsOf(subscriber.id, 3)).map((refusal) => refusal.dialled);
    expect(recorded).toEqual(expect.arrayContaining([evaluated, 'a,b,c&PJSIP/x', "x';drop table calls;--"]));
    for (const dialled of recorded) expect(dialled).toMatch(/^[\x20-\x7e]{1,64}$/);
    expect(world().pabx.asterisk().running()).toBe(true);
  });
});

describe('the other side', () => {
  test('busy and cancelled calls are recorded without a charge', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), POSTPAID);
    expect(await (await world().phones.call(line, '1133334400')).done).toMatchObject({
      status: 486,
      q850: 17,
    });
    const records = await recordsOf(world(), subscriber.id, 1);
    expect(records[0]).toMatchObject({
      talk_ms: 0,
      billed_seconds: 0,
      total_micros: 0n,
      answered_at: null,
      q850: 17,
    });
    expect(await ledgerOf(world(), subscriber.id)).toEqual({ sums: {}, unbalanced: 0 });
  });

  test('an internal call rings the other line and costs nothing', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), { billing_mode: 'PREPAID' });
    const other = await subscriber.addLine();
    await world().provisioned();
    // Nobody is registered there: the switch itself says so, after the call was let through.
    expect(await (await world().phones.call(line, other.extension)).done).toMatchObject({ status: 480 });
    const [record] = await recordsOf(world(), subscriber.id, 1);
    expect(record).toMatchObject({
      call_class: 'INTERNAL',
      number: other.extension,
      total_micros: 0n,
      trunk_id: null,
    });
    await noSlotTaken(world());
  });
});
