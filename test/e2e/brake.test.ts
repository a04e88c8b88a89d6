import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { TestLine, TestSubscriber } from '../../dev/world/tenants.ts';
import { createBlockLinkRoute, listBlocksRoute } from '../../src/contract/blocks.ts';
import { createClient } from '../../src/contract/client.ts';
import { listNoticesRoute } from '../../src/contract/notices.ts';
import { REFUSALS } from '../../src/domain/refusals.ts';
import { recordsOf, subscriberWithLine, useWorld } from './use-world.ts';

/** Ordinary slices, and every hour is one of the night. */
const world = useWorld({ BRAKE_NIGHT_HOURS: '0-0' });

const NEW_YORK = '0012125551234';
const LISBON = '00351212345670';

/** R$ 1 a second. */
const EXPENSIVE = { price_micros_per_minute: 60_000_000n, cadence: [2, 1, 0] } as const;

/** A line that may call abroad, of a subscriber whose brake trips at half of what is usual. */
async function stolenLine() {
  const { subscriber } = await subscriberWithLine(world(), {
    billing_mode: 'PREPAID',
    balance_micros: 10_000_000_000n,
    rate: EXPENSIVE,
  });
  const { db } = world().database;
  await db.updateTable('subscribers').set({ brake_percent: 50 }).where('id', '=', subscriber.id).execute();
  const line = await subscriber.addLine({ allowed_classes: ['FIXED_LOCAL', 'MOBILE_LOCAL', 'INTL_FIXED'] });
  await world().provisioned();
  return { subscriber, line };
}

const dial = async (line: TestLine, number: string, talk_ms = 1_000) =>
  (await world().phones.call(line, number, talk_ms)).done;

async function staffOf({ reseller_id }: TestSubscriber) {
  const token = await world().token({ role: 'RESELLER', reseller_id });
  return createClient(world().control.url, fetch, {
    authorization: `Bearer ${token}`,
    'accept-language': 'pt',
  });
}

const visit = (path: string, method: string) =>
  fetch(`${world().control.url}${path}`, {
    method,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

describe('the fraud brake', () => {
  test('slows down, blocks and tells once what looks like theft, and lets go by a confirmed link', async () => {
    const { subscriber, line } = await stolenLine();
    const long = await world().phones.call(line, NEW_YORK, 60_000);
    await waitUntil(async () => (await dial(line, LISBON)).q850 === REFUSALS.BLOCKED.q850, {
      timeout_ms: 60_000,
      what: 'calls abroad to be blocked',
    });

    // What runs already ends with the slice that it has.
    expect(await long.done).toMatchObject({ status: 200, hungUpBy: 'OTHER_SIDE' });
    const records = await recordsOf(world(), subscriber.id, 2);
    const cut = records.find(({ number }) => number === '+12125551234');
    expect(cut?.end_reason).toBe('BLOCKED');
    expect(cut?.granted_seconds).toBeLessThan(60);
    const [first] = records.filter(({ number }) => number === '+351212345670');
    expect(first?.granted_seconds).toBeLessThanOrEqual(10);

    // Nothing else is touched.
    expect(await dial(line, '1133334444')).toMatchObject({ status: 200 });
    expect(await dial(line, '190')).toMatchObject({ status: 200 });
    expect(await dial(line, LISBON)).toMatchObject({ status: REFUSALS.BLOCKED.sip });

    const staff = await staffOf(subscriber);
    const [block, ...more] = (await staff(listBlocksRoute, { query: { in_force: 'true' } })).items;
    expect(more).toEqual([]);
    expect(block).toMatchObject({ line_id: line.line_id, origin: 'BRAKE', reason: 'SUSPICION' });
    const notices = (await staff(listNoticesRoute)).items;
    expect(notices).toEqual([expect.objectContaining({ kind: 'CALLS_BLOCKED', block_id: block?.id })]);
    expect(notices[0]?.body).toContain('um país nunca chamado antes');

    const { path } = await staff(createBlockLinkRoute, { params: { block_id: block?.id ?? '' } });
    expect((await visit(path, 'GET')).status).toBe(200);
    expect(await dial(line, LISBON)).toMatchObject({ q850: REFUSALS.BLOCKED.q850 });
    expect((await visit(`${path.slice(0, -1)}${path.endsWith('A') ? 'Q' : 'A'}`, 'POST')).status).toBe(404);
    expect((await visit(path, 'POST')).status).toBe(200);
    expect((await visit(path, 'POST')).status).toBe(404);
    await waitUntil(async () => (await dial(line, LISBON)).status === 200, {
      timeout_ms: 10_000,
      what: 'the lift to be known',
    });
  });
});
