import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { billCall } from '../../src/domain/bill.ts';
import {
  chargeCall,
  costOf,
  type Grant,
  grantedSeconds,
  grantFor,
  NO_GRANT,
} from '../../src/domain/charge.ts';
import { MAX_PRICE_MICROS_PER_MINUTE } from '../../src/domain/money.ts';
import type { FoundRate } from '../../src/domain/rate-table.ts';

const CYCLES = ['2026-10-31', '2026-11-30'] as const;

function rateOf(price: bigint, initial: number, increment: number, threshold: number): FoundRate {
  const cadence = {
    initial_seconds: initial,
    increment_seconds: increment,
    free_threshold_seconds: threshold,
  };
  return {
    price_micros_per_minute: price,
    cadence,
    version_id: 'v',
    prefix: null,
    locality: null,
    kind: null,
  };
}

const TENTHS = rateOf(100_000n, 30, 6, 3);
const SECONDS = rateOf(60_000n, 1, 1, 0);
const MINUTES = rateOf(30_000n, 60, 60, 0);

describe('the bill of a call', () => {
  test('has one part of the cycle that it began in, as the whole', () => {
    const grant = { bundle_seconds: 30, paid_seconds: 66 };
    const bill = billCall(95_000, { rate: TENTHS, wholesale: null, cost: null }, grant, CYCLES);
    const charge = { billed_seconds: 96, bundle_seconds: 30, paid_seconds: 66, total_micros: 110_000n };
    expect(bill).toEqual({
      charge,
      parts: [{ ...charge, cycle_start: '2026-10-31', granted: grant }],
      wholesale: null,
      cost: null,
    });
  });

  test('has a part of each cycle that it was granted seconds in, also of one that it did not reach', () => {
    const after_turn = { turn_seconds: 45, bundle_seconds: 20, paid_seconds: 40 };
    const grant: Grant = { bundle_seconds: 30, paid_seconds: 15, after_turn };
    const rates = { rate: SECONDS, wholesale: null, cost: null };
    expect(billCall(75_000, rates, grant, CYCLES)).toMatchObject({
      charge: { billed_seconds: 75, bundle_seconds: 50, paid_seconds: 25, total_micros: 25_000n },
      parts: [
        {
          cycle_start: '2026-10-31',
          bundle_seconds: 30,
          paid_seconds: 15,
          total_micros: 15_000n,
          granted: grant,
        },
        {
          cycle_start: '2026-11-30',
          bundle_seconds: 20,
          paid_seconds: 10,
          total_micros: 10_000n,
          granted: after_turn,
        },
      ],
    });
    expect(billCall(31_000, rates, grant, CYCLES).parts).toMatchObject([
      { bundle_seconds: 30, paid_seconds: 1 },
      { cycle_start: '2026-11-30', billed_seconds: 0, total_micros: 0n },
    ]);
  });

  test('that nobody pays for has no parts, and may cost the platform all the same', () => {
    const rates = { rate: null, wholesale: null, cost: SECONDS };
    const bill = billCall(10_000, rates, NO_GRANT, CYCLES);
    expect(bill).toMatchObject({ charge: { billed_seconds: 0, total_micros: 0n }, parts: [] });
    expect(bill.cost).toEqual({ billed_seconds: 10, total_micros: 10_000n });
  });

  test.each([
    // talk, granted → what reseller and carrier count
    ['each by its own cadence', 61_000, 66, [120, 60_000n], [61, 61_000n]],
    [
      'the reseller within what was granted, the carrier all that was talked',
      200_000,
      60,
      [60, 30_000n],
      [200, 200_000n],
    ],
    ['nothing of a call that was not answered', 0, 60, [0, 0n], [0, 0n]],
  ] as const)('%s', (_, talk_ms, paid_seconds, bought, carried) => {
    const rates = { rate: TENTHS, wholesale: MINUTES, cost: SECONDS };
    const { wholesale, cost } = billCall(talk_ms, rates, { bundle_seconds: 0, paid_seconds }, CYCLES);
    expect([wholesale?.billed_seconds, wholesale?.total_micros]).toEqual(bought);
    expect([cost?.billed_seconds, cost?.total_micros]).toEqual(carried);
  });

  test('a subscriber’s short call is free by its own threshold, and costs by the others’', () => {
    const rates = { rate: TENTHS, wholesale: SECONDS, cost: MINUTES };
    const bill = billCall(2_000, rates, { bundle_seconds: 0, paid_seconds: 60 }, CYCLES);
    expect(bill.charge.total_micros).toBe(0n);
    expect(bill.wholesale?.total_micros).toBe(2_000n);
    expect(bill.cost?.total_micros).toBe(30_000n);
  });
});

const anyRate = fc
  .tuple(
    fc.bigInt(0n, MAX_PRICE_MICROS_PER_MINUTE),
    fc.integer({ min: 1, max: 120 }),
    fc.integer({ min: 1, max: 120 }),
    fc.nat(30),
  )
  .map((parts) => rateOf(...parts));
const cycleGrant = fc.record({ bundle_seconds: fc.nat(900), paid_seconds: fc.nat(900) });
const anyGrant: fc.Arbitrary<Grant> = fc.tuple(cycleGrant, fc.option(cycleGrant)).map(([before, after]) => {
  const turn_seconds = before.bundle_seconds + before.paid_seconds;
  return after ? { ...before, after_turn: { turn_seconds, ...after } } : before;
});

test('any bill: its parts are the whole, and costs are those of the talk that counts', () => {
  fc.assert(
    fc.property(
      fc.nat(2_000_000),
      anyRate,
      anyRate,
      anyRate,
      anyGrant,
      (talk_ms, rate, wholesale, cost, grant) => {
        const bill = billCall(talk_ms, { rate, wholesale, cost }, grant, CYCLES);
        expect(bill.charge).toEqual(chargeCall(talk_ms, rate, grant));
        for (const field of ['billed_seconds', 'bundle_seconds', 'paid_seconds'] as const)
          expect(bill.parts.reduce((sum, part) => sum + part[field], 0)).toBe(bill.charge[field]);
        expect(bill.parts.reduce((sum, part) => sum + part.total_micros, 0n)).toBe(bill.charge.total_micros);
        expect(bill.parts.map(({ cycle_start }) => cycle_start)).toEqual(
          CYCLES.slice(0, grant.after_turn ? 2 : 1),
        );
        expect(bill.wholesale).toEqual(costOf(Math.min(talk_ms, grantedSeconds(grant) * 1000), wholesale));
        expect(bill.cost).toEqual(costOf(talk_ms, cost));
      },
    ),
  );
});

test('rated again out of so many minutes left: minutes first, all of it billed, and the same price', () => {
  fc.assert(
    fc.property(fc.nat(2_000_000), anyRate, fc.integer({ min: -100, max: 3_000 }), (talk_ms, rate, left) => {
      const grant = grantFor(talk_ms, rate, left);
      const whole = grantFor(talk_ms, rate, 0);
      const charge = chargeCall(talk_ms, rate, grant);
      expect(charge.billed_seconds).toBe(whole.paid_seconds);
      expect(charge.bundle_seconds).toBe(Math.max(0, Math.min(left, whole.paid_seconds)));
      expect(grant).toEqual({ bundle_seconds: charge.bundle_seconds, paid_seconds: charge.paid_seconds });
    }),
  );
});
