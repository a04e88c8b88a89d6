import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { PlacedCall } from '../../dev/world/phone.ts';
import type { OfflineOptions } from '../../dev/world/tenants.ts';
import { ledgerOf, noSlotTaken, recordsOf, subscriberWithLine, useWorld } from './use-world.ts';

const world = useWorld();

const BALANCE = 100n;
/** A micro a second. */
const withOffline = (offline?: OfflineOptions) =>
  ({
    billing_mode: 'PREPAID',
    balance_micros: BALANCE,
    rate: { price_micros_per_minute: 60n, cadence: [1, 1, 0] },
    ...(offline && { offline }),
  }) as const;

const answered = (call: PlacedCall) =>
  waitUntil(async () => call.outcome().status === 200, { timeout_ms: 10_000, what: 'the answer' });

async function back() {
  await world().control.start();
  await world().connected();
}

/** Asterisk writes its database to the disk once a second, and a crash loses what it has not written: one more write. */
async function committed() {
  const rx = (command: string) => world().pabx.asterisk().rx(command);
  await rx('database put test committed 1');
  const file = join(world().pabx.instance.outside, 'state/lib/astdb.sqlite3');
  const written = () => readFileSync(file).includes('/test/committed');
  await waitUntil(async () => written(), { timeout_ms: 10_000, what: 'the database to be on the disk' });
}

/** Refusals of a subscriber, once so many are recorded. */
async function refusalsOf(subscriber_id: string, count: number) {
  const read = () =>
    world()
      .database.db.selectFrom('refusals')
      .select(['dialled', 'number', 'call_class', 'reason', 'detail'])
      .where('subscriber_id', '=', subscriber_id)
      .orderBy('created_at')
      .execute();
  await waitUntil(async () => (await read()).length >= count, { timeout_ms: 15_000, what: 'the refusals' });
  return read();
}

async function expectLedger(subscriber_id: string, charged: bigint) {
  expect(await ledgerOf(world(), subscriber_id)).toEqual({
    sums: { money: BALANCE - charged },
    unbalanced: 0,
  });
  await noSlotTaken(world());
}

describe('while the control plane is away', () => {
  test('nothing is paid for by itself: refused and recorded; internal and emergency calls pass', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), withOffline());
    const other = await subscriber.addLine();
    await world().provisioned();
    const phone = await world().phones.wait(other, 100);
    await world().control.kill9();
    const paid = await world().phones.call(line, '11987654321', 500);
    expect(await paid.done).toMatchObject({ status: 500, q850: 38 });
    for (const number of ['190', '+55190', other.extension]) {
      const call = await world().phones.call(line, number, 300);
      expect(await call.done, number).toMatchObject({ status: 200 });
    }
    await phone.stop();
    await back();
    expect(await refusalsOf(subscriber.id, 1)).toEqual([
      {
        dialled: '11987654321',
        number: '+5511987654321',
        call_class: 'MOBILE_LOCAL',
        reason: 'CONTROL_UNAVAILABLE',
        detail: 'OFFLINE_LINE',
      },
    ]);
    const records = await recordsOf(world(), subscriber.id, 3);
    expect(records.map((record) => record.call_class)).toEqual(['EMERGENCY', 'EMERGENCY', 'INTERNAL']);
    await expectLedger(subscriber.id, 0n);
  });

  test('calls within the budget pass, are cut in time, and are charged once when it is back', async () => {
    const policy = { offline_budget_seconds: 5, offline_call_seconds: 3 };
    const { subscriber, line } = await subscriberWithLine(world(), withOffline(policy));
    await world().control.kill9();
    const first = await world().phones.call(line, '11987654321');
    const { talk_ms, hungUpBy } = await first.done;
    expect(hungUpBy).toBe('OTHER_SIDE');
    expect(talk_ms).toBeGreaterThan(2_900);
    expect(talk_ms).toBeLessThan(3_900);
    const ringing = await world().phones.ringAndCancel(line, '1133334411', 1_000);
    await ringing.done;
    const rest = await world().phones.call(line, '1133334444');
    expect((await rest.done).talk_ms).toBeLessThan(2_900);
    const none = await world().phones.call(line, '1133334444');
    expect(await none.done).toMatchObject({ status: 500, q850: 38 });
    const abroad = await world().phones.call(line, '0012125551234');
    expect(await abroad.done).toMatchObject({ status: 500, q850: 38 });
    await back();
    const records = await recordsOf(world(), subscriber.id, 3);
    expect(records.map((record) => [record.number, record.end_reason, record.billed_seconds])).toEqual([
      ['+5511987654321', 'OFFLINE', 3],
      ['+551133334411', 'OFFLINE', 0],
      ['+551133334444', 'OFFLINE', 2],
    ]);
    expect((await refusalsOf(subscriber.id, 2)).map(({ detail }) => detail)).toEqual([
      'OFFLINE_BUDGET',
      'OFFLINE_CLASS',
    ]);
    await expectLedger(subscriber.id, 5n);

    // Away once more: the budget is whole again, and nothing is charged twice.
    await world().control.kill9();
    expect(await (await world().phones.call(line, '11987654321', 1_500)).done).toMatchObject({ status: 200 });
    await back();
    expect(await recordsOf(world(), subscriber.id, 4)).toHaveLength(4);
    await expectLedger(subscriber.id, 7n);
  });

  test('as many as allowed at once, of whatever number of tries', async () => {
    const policy = { offline_budget_seconds: 600, offline_call_seconds: 60, offline_calls: 3 };
    const { subscriber, line } = await subscriberWithLine(world(), withOffline(policy));
    await world().control.kill9();
    const calls = await Promise.all(
      Array.from({ length: 8 }, () => world().phones.call(line, '11987654321', 4_000)),
    );
    const outcomes = await Promise.all(calls.map((call) => call.done));
    expect(outcomes.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(outcomes.filter(({ status }) => status === 500)).toHaveLength(5);
    await back();
    const refusals = await refusalsOf(subscriber.id, 5);
    expect(refusals.map(({ detail }) => detail)).toEqual(Array(5).fill('OFFLINE_CALLS'));
    const records = await recordsOf(world(), subscriber.id, 3);
    await expectLedger(
      subscriber.id,
      records.reduce((sum, record) => sum + record.total_micros, 0n),
    );
  });

  test('its switch dies too: the call has one record, and is billed to the last sign of life', async () => {
    const policy = { offline_budget_seconds: 600, offline_call_seconds: 60 };
    const { subscriber, line } = await subscriberWithLine(world(), withOffline(policy));
    await world().control.kill9();
    const lost = await world().phones.call(line, '11987654321');
    await answered(lost);
    // Its end is written down: until then the switch lived, and with it the other call.
    await (await world().phones.call(line, '1133334444', 2_500)).done;
    await committed();
    await world().pabx.asterisk().kill9();
    await lost.abandon();
    await world().pabx.start();
    await back();
    const records = await recordsOf(world(), subscriber.id, 2);
    expect(records.map((record) => [record.number, record.end_reason])).toEqual([
      ['+5511987654321', 'LOST'],
      ['+551133334444', 'OFFLINE'],
    ]);
    const [ended, other] = records;
    expect(ended?.billed_seconds).toBeGreaterThanOrEqual(3);
    expect(ended?.ended_at).toEqual(other?.ended_at);
    const charged = records.reduce((sum, record) => sum + record.total_micros, 0n);
    await expectLedger(subscriber.id, charged);
    const metrics = await (await fetch(`${world().control.url}/metrics`)).text();
    expect(metrics).toMatch(/^pabx_calls_found\{how="lost"\} 1$/m);

    await world().control.kill9();
    await back();
    await expectLedger(subscriber.id, charged);
  });

  test('a call that runs when it is back is taken over, metered on and charged once', async () => {
    const policy = { offline_budget_seconds: 600, offline_call_seconds: 20 };
    const { subscriber, line } = await subscriberWithLine(world(), withOffline(policy));
    await world().control.kill9();
    const call = await world().phones.call(line, '11987654321', 22_500);
    await answered(call);
    await back();
    const token = await world().token({ role: 'MASTER' });
    const live = async () => {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${world().control.url}/api/v1/live-calls`, { headers });
      return ((await answer.json()) as { items: object[] }).items;
    };
    // The lease of the process that was killed has to end first.
    await waitUntil(async () => (await live()).length > 0, { timeout_ms: 15_000, what: 'the live row' });
    expect(await live()).toMatchObject([{ number: '+5511987654321', phase: 'ANSWERED' }]);
    // Beyond what the dialplan had given it: slices were taken for it.
    expect(await call.done).toMatchObject({ hungUpBy: 'PHONE' });
    const [record] = await recordsOf(world(), subscriber.id, 1);
    expect(record).toMatchObject({ end_reason: 'HANGUP', billed_seconds: 23, total_micros: 23n });
    await expectLedger(subscriber.id, 23n);
  });
});
