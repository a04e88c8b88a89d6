import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import type { PlacedCall, WaitingPhone } from '../../dev/world/phone.ts';
import { ledgerOf, noSlotTaken, recordsOf, subscriberWithLine, takenSlots, useWorld } from './use-world.ts';

const world = useWorld();

/** 1 micro a second. */
const RATE = { price_micros_per_minute: 60n, cadence: [1, 1, 0] } as const;
const RICH = { billing_mode: 'PREPAID', balance_micros: 1_000n, rate: RATE } as const;

/** What the switch last told the phone about its transfer, once the phone has left. */
async function transferred(call: PlacedCall): Promise<string | undefined> {
  await call.done;
  const notes = call.messages().filter(({ firstLine }) => firstLine.startsWith('NOTIFY '));
  return notes.at(-1)?.body;
}

const rings = (phone: WaitingPhone) =>
  waitUntil(async () => phone.invites().length > 0, { timeout_ms: 10_000, what: 'the phone to ring' });

const hangUpAll = () => world().pabx.asterisk().rx('channel request hangup all');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a blind transfer', () => {
  test('by the caller to a colleague: the caller goes on paying until the leg outside ends', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const colleague = await subscriber.addLine();
    await world().provisioned();
    const phone = await world().phones.wait(colleague, 100);
    const refer = { to: colleague.extension, after_ms: 1_500 };
    const call = await world().phones.callAndRefer(line, '11987654321', refer);
    expect(await transferred(call)).toBe('SIP/2.0 200 OK');
    await rings(phone);
    const { talk_ms: until_transfer_ms } = call.outcome();
    // Longer than what was granted before the transfer: slices go on.
    await pause(6_000);
    const slots = Object.values(await takenSlots(world()));
    expect(slots).toHaveLength(4);
    await hangUpAll();
    const records = await recordsOf(world(), subscriber.id, 2);
    const paid = records.find((record) => record.call_class === 'MOBILE_LOCAL');
    expect(paid).toMatchObject({ line_id: line.line_id, end_reason: 'HANGUP' });
    expect(paid?.talk_ms).toBeGreaterThan((until_transfer_ms ?? 0) + 5_000);
    expect(await ledgerOf(world(), subscriber.id)).toEqual({
      sums: { money: 1_000n - (paid?.total_micros ?? 0n) },
      unbalanced: 0,
    });
    expect(paid?.total_micros).toBe(BigInt(Math.ceil((paid?.talk_ms ?? 0) / 1000)));
    await noSlotTaken(world());
    await phone.stop();
  });
});
