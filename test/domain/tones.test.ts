import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Grant } from '../../src/domain/charge.ts';
import { switchesToMoney, warningAt_ms } from '../../src/domain/tones.ts';

const granted = (bundle_seconds: number, paid_seconds: number, after_turn?: Grant['after_turn']): Grant => ({
  bundle_seconds,
  paid_seconds,
  after_turn,
});

describe('money goes on paying after minutes', () => {
  test.each<[string, Grant, number[]]>([
    ['with minutes alone: never', granted(60, 0), []],
    ['with money alone: never', granted(0, 60), []],
    ['on the second on which the minutes end', granted(100, 62), [100]],
    [
      'in the next cycle again',
      granted(10, 20, { turn_seconds: 30, bundle_seconds: 5, paid_seconds: 1 }),
      [10, 35],
    ],
    [
      'after minutes of two cycles: once',
      granted(10, 0, { turn_seconds: 10, bundle_seconds: 5, paid_seconds: 6 }),
      [15],
    ],
    [
      'at the turn, if the new cycle has no minutes',
      granted(10, 0, { turn_seconds: 10, bundle_seconds: 0, paid_seconds: 6 }),
      [10],
    ],
    [
      'not at the turn, if the new cycle has minutes',
      granted(0, 10, { turn_seconds: 10, bundle_seconds: 6, paid_seconds: 0 }),
      [],
    ],
    [
      'with money in both cycles: never',
      granted(0, 10, { turn_seconds: 10, bundle_seconds: 0, paid_seconds: 6 }),
      [],
    ],
  ])('%s', (_, grant, seconds) => {
    expect(switchesToMoney(grant)).toEqual(seconds);
  });
});

describe('a warning', () => {
  test.each<[string, number, number, number | null, number | null]>([
    ['comes so long before the end', 60_000, 10, null, 50_000],
    ['never, if it is not wanted', 60_000, 0, null, null],
    ['at once, if there is less time than that', 6_000, 10, null, 0],
    ['comes once', 60_000, 10, 60_000, null],
    ['not again, if the end comes nearer', 55_000, 10, 60_000, null],
    ['not again, if the end is only a little later', 69_999, 10, 60_000, null],
    ['again, if the call goes on beyond the end it was warned of', 70_000, 10, 60_000, 60_000],
  ])('%s', (_, end_ms, warn_seconds, warned_of_ms, at_ms) => {
    expect(warningAt_ms(end_ms, warn_seconds, warned_of_ms)).toBe(at_ms);
  });

  test('never comes before the end that was warned of is past, and never is a far later end without one', () => {
    const ends = fc.array(fc.nat(600_000), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(ends, fc.integer({ min: 1, max: 60 }), (known_ms, warn_seconds) => {
        let warned_ms: number | null = null;
        for (const end_ms of known_ms.sort((one, other) => one - other)) {
          const at_ms = warningAt_ms(end_ms, warn_seconds, warned_ms);
          if (at_ms === null) continue;
          expect(at_ms).toBeGreaterThanOrEqual(warned_ms ?? 0);
          warned_ms = end_ms;
        }
        const last_ms = known_ms.at(-1) ?? 0;
        expect(last_ms - (warned_ms ?? Number.NEGATIVE_INFINITY)).toBeLessThan(warn_seconds * 1000);
      }),
    );
  });
});
