import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BUNDLE_THRESHOLDS, thresholdsCrossed } from '../../src/domain/bundle-alerts.ts';

test.each([
  // included, left before and after → percents
  [100, 100, 51, []],
  [100, 51, 50, [50]],
  [100, 50, 49, []],
  [100, 100, 50, [50]],
  [100, 100, 20, [50, 80]],
  [100, 100, 0, [50, 80, 100]],
  [100, 1, 0, [100]],
  [100, 0, -10, []],
  [100, 100, -10, [50, 80, 100]],
  [100, 50, 50, []],
  [3, 3, 2, []],
  [3, 2, 1, [50]],
  [3, 1, 0, [80, 100]],
  [1, 1, 0, [50, 80, 100]],
  [6_000, 1_201, 1_200, [80]],
  [0, 0, -60, []],
  [0, 60, 0, []],
])('%i s included, %i s left and then %i s: %j', (included, before, after, percents) => {
  expect(thresholdsCrossed(included, before, after)).toEqual(percents);
});

test('however a franquia is used up, each threshold is told of once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.array(fc.nat(3_000), { maxLength: 20 }),
      (included, uses) => {
        let left = included;
        const told = uses.flatMap((seconds) => {
          const before = left;
          left -= seconds;
          return thresholdsCrossed(included, before, left);
        });
        const used = included - left;
        expect(told).toEqual(BUNDLE_THRESHOLDS.filter((percent) => used * 100 >= percent * included));
      },
    ),
  );
});
