import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { billedSeconds, talkPaidBy } from '../../src/domain/cadence.ts';
import { chargeCall, type Grant, grantedSeconds, NO_GRANT } from '../../src/domain/charge.ts';
import { MAX_PRICE_MICROS_PER_MINUTE, priceOfSeconds } from '../../src/domain/money.ts';
import type { Rate } from '../../src/domain/rate-table.ts';

function rateOf(
  price_micros_per_minute: bigint,
  initial: number,
  increment: number,
  threshold: number,
): Rate {
  const cadence = {
    initial_seconds: initial,
    increment_seconds: increment,
    free_threshold_seconds: threshold,
  };
  return { price_micros_per_minute, cadence };
}

const grant = (bundle_seconds: number, paid_seconds: number): Grant => ({ bundle_seconds, paid_seconds });

const standard = rateOf(100_000n, 30, 6, 3);
const dearer = rateOf(150_000n, 30, 6, 3);
const minutes = rateOf(100_000n, 60, 60, 0);

describe('the bill of a call', () => {
  test.each([
    // talk in ms, rate, granted bundle and paid seconds → billed = bundle + paid, micro-reais
    ['never answered', 0, standard, grant(30, 0), [0, 0, 0, 0n]],
    ['below the free threshold', 2_000, standard, grant(0, 30), [0, 0, 0, 0n]],
    ['begun third second', 2_001, standard, grant(0, 30), [30, 0, 30, 50_000n]],
    ['franquia alone', 95_000, standard, grant(6_000, 0), [96, 96, 0, 0n]],
    ['30 s of franquia left', 95_000, standard, grant(30, 66), [96, 30, 66, 110_000n]],
    ['the same as LDN from the local slot', 95_000, dearer, grant(30, 66), [96, 30, 66, 165_000n]],
    ['100 s left, 160 s of talk', 160_000, standard, grant(100, 62), [162, 100, 62, 103_333n]],
    ['more granted than used', 160_000, standard, grant(100, 122), [162, 100, 62, 103_333n]],
    ['within the minutes, though money was granted', 60_000, standard, grant(100, 62), [60, 60, 0, 0n]],
    [
      'longer than granted: the grace is not the payer’s',
      45_000,
      standard,
      grant(0, 36),
      [36, 0, 36, 60_000n],
    ],
    ['nothing granted', 45_000, standard, NO_GRANT, [0, 0, 0, 0n]],
    ['one block split', 20_000, standard, grant(17, 13), [30, 17, 13, 21_667n]],
    ['whole minutes', 60_001, minutes, grant(0, 120), [120, 0, 120, 200_000n]],
    ['at price 0', 61_000, rateOf(0n, 1, 1, 0), grant(0, 120), [61, 0, 61, 0n]],
  ] as const)(
    '%s',
    (_, talk_ms, rate, granted, [billed_seconds, bundle_seconds, paid_seconds, total_micros]) => {
      expect(chargeCall(talk_ms, rate, granted)).toEqual({
        billed_seconds,
        bundle_seconds,
        paid_seconds,
        total_micros,
      });
    },
  );
});

describe('any bill', () => {
  const rates = fc
    .tuple(
      fc.bigInt(0n, MAX_PRICE_MICROS_PER_MINUTE),
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 1, max: 120 }),
      fc.nat(30),
    )
    .map((parts) => rateOf(...parts));
  const grants = fc.tuple(fc.nat(2_000), fc.nat(2_000)).map((parts) => grant(...parts));
  const talk_ms = fc.nat(3_000_000);

  test('is the sum of its sources, never above the grant, priced by its paid seconds', () => {
    fc.assert(
      fc.property(talk_ms, rates, grants, (talk, rate, granted) => {
        const charge = chargeCall(talk, rate, granted);
        expect(charge.bundle_seconds + charge.paid_seconds).toBe(charge.billed_seconds);
        expect(charge.billed_seconds).toBeLessThanOrEqual(grantedSeconds(granted));
        expect(charge.bundle_seconds).toBeLessThanOrEqual(granted.bundle_seconds);
        expect(charge.paid_seconds).toBeLessThanOrEqual(granted.paid_seconds);
        expect(charge.paid_seconds === 0 || charge.bundle_seconds === granted.bundle_seconds).toBe(true);
        expect(charge.total_micros).toBe(priceOfSeconds(rate.price_micros_per_minute, charge.paid_seconds));
      }),
    );
  });

  test('grows with the talk and with the grant, or stays', () => {
    fc.assert(
      fc.property(
        talk_ms,
        fc.nat(100_000),
        rates,
        grants,
        fc.nat(500),
        (talk, longer, rate, granted, more) => {
          const charge = chargeCall(talk, rate, granted);
          const later = chargeCall(talk + longer, rate, granted);
          const wider = chargeCall(talk, rate, grant(granted.bundle_seconds, granted.paid_seconds + more));
          for (const next of [later, wider]) {
            expect(next.billed_seconds).toBeGreaterThanOrEqual(charge.billed_seconds);
            expect(next.bundle_seconds).toBeGreaterThanOrEqual(charge.bundle_seconds);
            expect(next.paid_seconds).toBeGreaterThanOrEqual(charge.paid_seconds);
            expect(next.total_micros).toBeGreaterThanOrEqual(charge.total_micros);
          }
        },
      ),
    );
  });

  test('is the whole cadence of the talk that its grant pays for', () => {
    fc.assert(
      fc.property(rates, grants, (rate, granted) => {
        const talk = talkPaidBy(grantedSeconds(granted), rate.cadence);
        const billed = billedSeconds(talk, rate.cadence);
        expect(chargeCall(talk * 1000, rate, granted).billed_seconds).toBe(billed);
      }),
    );
  });

  test('is the same however the talk is cut into pieces that are charged as differences', () => {
    const pieces = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(pieces, rates, grants, (parts, rate, granted) => {
        let talked = 0;
        let [bundle, paid, total] = [0, 0, 0n];
        for (const part of parts) {
          const before = chargeCall(talked, rate, granted);
          talked += part;
          const after = chargeCall(talked, rate, granted);
          bundle += after.bundle_seconds - before.bundle_seconds;
          paid += after.paid_seconds - before.paid_seconds;
          total += after.total_micros - before.total_micros;
        }
        const whole = chargeCall(talked, rate, granted);
        expect([bundle, paid, total]).toEqual([whole.bundle_seconds, whole.paid_seconds, whole.total_micros]);
      }),
    );
  });
});
