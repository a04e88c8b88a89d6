import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { billedSeconds, talkPaidBy } from '../../src/domain/cadence.ts';
import {
  chargeByCycle,
  chargeCall,
  costOf,
  type Grant,
  grantedSeconds,
  grantFor,
  NO_GRANT,
  sourcesOf,
} from '../../src/domain/charge.ts';
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

describe('a bill whose cycle turned', () => {
  const rates = fc
    .tuple(
      fc.bigInt(0n, MAX_PRICE_MICROS_PER_MINUTE),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(30),
    )
    .map((parts) => rateOf(...parts));
  const cycle = fc.record({ bundle_seconds: fc.nat(300), paid_seconds: fc.nat(300) });
  const grants: fc.Arbitrary<Grant> = fc.tuple(cycle, cycle).map(([before, after]) => ({
    ...before,
    after_turn: { turn_seconds: before.bundle_seconds + before.paid_seconds, ...after },
  }));
  const talk_ms = fc.nat(1_500_000);

  test.each([
    // talk → each cycle: billed = bundle + paid, micro-reais. Granted: 20 + 10, and after 30 s of talk 12 + 48.
    [0, [0, 0, 0, 0n], [0, 0, 0, 0n]],
    [20_000, [30, 20, 10, 16_667n], [0, 0, 0, 0n]],
    [30_001, [30, 20, 10, 16_667n], [6, 6, 0, 0n]],
    [43_000, [30, 20, 10, 16_667n], [18, 12, 6, 10_000n]],
    [999_000, [30, 20, 10, 16_667n], [60, 12, 48, 80_000n]],
  ] as const)('%i ms of talk', (talk, before, after) => {
    const after_turn = { turn_seconds: 30, bundle_seconds: 12, paid_seconds: 48 };
    const parts = chargeByCycle(talk, standard, { bundle_seconds: 20, paid_seconds: 10, after_turn });
    expect(
      parts.map((part) => [part.billed_seconds, part.bundle_seconds, part.paid_seconds, part.total_micros]),
    ).toEqual([before, after]);
  });

  test('has parts within what each cycle granted, the first before the second, which are the whole', () => {
    fc.assert(
      fc.property(talk_ms, rates, grants, (talk, rate, granted) => {
        const [before, after] = chargeByCycle(talk, rate, granted);
        const whole = chargeCall(talk, rate, granted);
        for (const [part, of] of [
          [before, granted],
          [after, granted.after_turn],
        ] as const) {
          expect(part?.bundle_seconds).toBeLessThanOrEqual(of?.bundle_seconds ?? 0);
          expect(part?.paid_seconds).toBeLessThanOrEqual(of?.paid_seconds ?? 0);
          expect(part?.paid_seconds === 0 || part?.bundle_seconds === of?.bundle_seconds).toBe(true);
        }
        const first = granted.bundle_seconds + granted.paid_seconds;
        expect(after?.billed_seconds === 0 || before.billed_seconds === first).toBe(true);
        expect(whole.billed_seconds).toBe(before.billed_seconds + (after?.billed_seconds ?? 0));
        expect(whole.billed_seconds).toBe(
          Math.min(billedSeconds(Math.ceil(talk / 1000), rate.cadence), grantedSeconds(granted)),
        );
        expect(whole.total_micros).toBe(priceOfSeconds(rate.price_micros_per_minute, whole.paid_seconds));
        expect(before.total_micros).toBe(priceOfSeconds(rate.price_micros_per_minute, before.paid_seconds));
      }),
    );
  });

  test('costs the same wherever it is cut, money being a difference of cumulative totals', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100_000), { minLength: 1, maxLength: 12 }),
        rates,
        grants,
        (cuts, rate, granted) => {
          const moments = [0, ...cuts.toSorted((a, b) => a - b)];
          const totals = moments.map((talk) => chargeByCycle(talk * 10, rate, granted));
          for (const [index, parts] of totals.entries()) {
            for (const [cycle, part] of parts.entries()) {
              const before = totals[index - 1]?.[cycle];
              // What was charged is never given back, cycle by cycle.
              if (before) expect(part.total_micros).toBeGreaterThanOrEqual(before.total_micros);
              if (before) expect(part.bundle_seconds).toBeGreaterThanOrEqual(before.bundle_seconds);
            }
          }
          const steps = moments.slice(1).map((talk, index) => {
            const [from, to] = [moments[index] ?? 0, talk].map((at) => chargeCall(at * 10, rate, granted));
            return (to?.total_micros ?? 0n) - (from?.total_micros ?? 0n);
          });
          expect(steps.reduce((sum, step) => sum + step, 0n)).toBe(
            chargeCall((moments.at(-1) ?? 0) * 10, rate, granted).total_micros,
          );
        },
      ),
    );
  });

  test('costs what a grant of one cycle costs that has as many paid seconds', () => {
    fc.assert(
      fc.property(talk_ms, rates, cycle, fc.nat(300), (talk, rate, first, later) => {
        // All minutes before the turn and money alone after it: the order is that of a single grant.
        const turn_seconds = first.bundle_seconds + first.paid_seconds;
        const after_turn = { turn_seconds, bundle_seconds: 0, paid_seconds: later };
        const single = grant(first.bundle_seconds, first.paid_seconds + later);
        expect(chargeCall(talk, rate, { ...first, after_turn })).toEqual(chargeCall(talk, rate, single));
      }),
    );
  });

  test('is paid, second by second, by the source that is shown', () => {
    const perSecond = rateOf(60_000n, 1, 1, 0);
    fc.assert(
      fc.property(grants, fc.boolean(), (some, turns) => {
        const granted: Grant = turns
          ? some
          : { bundle_seconds: some.bundle_seconds, paid_seconds: some.paid_seconds };
        const sources = sourcesOf(granted);
        let before = chargeCall(0, perSecond, granted);
        for (let second = 0; second < grantedSeconds(granted); second += 1) {
          const after = chargeCall((second + 1) * 1000, perSecond, granted);
          const source = sources.findLast(({ from_seconds }) => from_seconds <= second)?.source;
          const took = [
            after.bundle_seconds - before.bundle_seconds,
            after.paid_seconds - before.paid_seconds,
          ];
          if (took[0] !== (source === 'BUNDLE' ? 1 : 0) || took[1] !== (source === 'MONEY' ? 1 : 0))
            throw new Error(`second ${second} is shown as ${source} and took ${took}`);
          before = after;
        }
        expect(sources.map(({ from_seconds }) => from_seconds)).toEqual(
          [...new Set(sources.map(({ from_seconds }) => from_seconds))].toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 50 },
    );
  });
});

test.each([
  [grant(0, 0), []],
  [grant(30, 0), ['0 BUNDLE']],
  [grant(0, 30), ['0 MONEY']],
  [grant(30, 60), ['0 BUNDLE', '30 MONEY']],
  [
    { ...grant(30, 60), after_turn: { turn_seconds: 90, ...grant(12, 6) } },
    ['0 BUNDLE', '30 MONEY', '90 BUNDLE', '102 MONEY'],
  ],
  [{ ...grant(0, 0), after_turn: { turn_seconds: 0, ...grant(0, 6) } }, ['0 MONEY']],
])('the sources of %j are %j', (granted, sources) => {
  expect(sourcesOf(granted).map(({ from_seconds, source }) => `${from_seconds} ${source}`)).toEqual(sources);
});

describe('what the one above pays', () => {
  test.each([
    // talk, rate, most seconds → billed, micro-reais
    [61_000, minutes, undefined, [120, 200_000n]],
    [2_999, standard, undefined, [30, 50_000n]],
    [2_000, standard, undefined, [0, 0n]],
    [100_000, standard, 36, [36, 60_000n]],
    [100_000, minutes, 36, [60, 100_000n]],
    [100_000, standard, 0, [0, 0n]],
    [0, standard, undefined, [0, 0n]],
  ] as const)('for %i ms of talk', (talk, rate, most, [billed_seconds, total_micros]) => {
    expect(costOf(talk, rate, most)).toEqual({ billed_seconds, total_micros });
  });
});

describe('what a talk would be granted', () => {
  const turn = { turn_seconds: 36, left_seconds: 20 };
  type Seconds = readonly [bundle: number, paid: number];
  test.each<[string, talk_ms: number, left: number, typeof turn | null, Seconds, Seconds | null]>([
    // talk, seconds left, turn → bundle and paid seconds before it and after it
    ['without a turn', 95_000, 30, null, [30, 66], null],
    ['that ends before the turn', 29_000, 10, turn, [10, 20], null],
    ['that is billed up to the turn', 36_000, 10, turn, [10, 26], null],
    ['beyond the turn, out of what each cycle has left', 71_000, 10, turn, [10, 26], [20, 16]],
    ['beyond the turn, within the minutes', 48_000, 99, turn, [36, 0], [12, 0]],
    [
      'beyond the turn, with nothing left in either',
      48_000,
      -5,
      { ...turn, left_seconds: 0 },
      [0, 36],
      [0, 12],
    ],
  ])('%s', (_, talk, left, turns, before, after) => {
    const after_turn = after && { turn_seconds: 36, ...grant(...after) };
    expect(grantFor(talk, standard, left, turns)).toEqual({
      ...grant(...before),
      ...(after_turn && { after_turn }),
    });
  });
});
