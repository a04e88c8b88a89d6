import { expect, test } from 'vitest';
import { makeCalls } from '../../../dev/drill/calls.ts';
import { parseOptions } from '../../../dev/drill/options.ts';
import type { Payer } from '../../../dev/drill/payers.ts';
import { FAULTS, longPlan, SHORT_PLAN } from '../../../dev/drill/plan.ts';
import { createRandom } from '../../../dev/drill/random.ts';

const payers = (['RICH', 'POOR', 'BUNDLE', 'POSTPAID', 'LIMITED'] as const).map(
  (kind): Payer => ({
    kind,
    subscriber_id: kind,
    name: kind,
    credit_limit_micros: 0n,
    lines: [{ username: kind, password: 'x' }],
  }),
);

test('a seed makes the same plan and the same calls again, and another seed makes others', () => {
  const make = (seed: number) => {
    const random = createRandom(seed);
    return { plan: longPlan(random, 5), calls: makeCalls(random, payers, 300) };
  };
  expect(make(42)).toEqual(make(42));
  expect(make(42).plan).not.toEqual(make(43).plan);
  expect(make(42).calls).not.toEqual(make(43).calls);
});

test('five minutes have room for every fault, one after another', () => {
  for (const seed of [1, 2, 3]) {
    const { faults, seconds } = longPlan(createRandom(seed), 5);
    expect(new Set(faults.map(({ name }) => name))).toEqual(new Set(FAULTS));
    const ends = faults.map(({ at_seconds, for_seconds }) => at_seconds + for_seconds);
    expect(ends.every((end, index) => end < (faults[index + 1]?.at_seconds ?? seconds))).toBe(true);
  }
});

test('half an hour has them again and again, a minute has some', () => {
  expect(longPlan(createRandom(1), 30).faults.length).toBeGreaterThanOrEqual(4 * FAULTS.length);
  expect(longPlan(createRandom(1), 1).faults).toHaveLength(4);
  expect(SHORT_PLAN.faults.at(-1)?.at_seconds).toBeLessThan(SHORT_PLAN.seconds);
});

test('no two calls dial the same number', () => {
  const calls = makeCalls(createRandom(1), payers, 120_000).flatMap((group) => group.calls);
  expect(calls.length).toBeGreaterThanOrEqual(120_000);
  expect(new Set(calls.map(({ number }) => number.slice(0, 9))).size).toBe(calls.length);
  expect(calls.every(({ number }) => /^119[6-9]\d{7}$/.test(number))).toBe(true);
});

test.each([
  [['--seed', '42', '--minutes', '5', '--rate', '10'], { seed: 42, minutes: 5, rate: 10, short: false }],
  [['--short'], { seed: 7, minutes: 5, rate: 10, short: true }],
  [[], { seed: 7, minutes: 5, rate: 10, short: false }],
  [['--minutes', '0'], null],
  [['--rate', '1e1'], null],
  [['--seed', '-1'], null],
  [['--loud'], null],
  [['x'], null],
])('%j is read as %j', (args, expected) => {
  expect(parseOptions(args, 7)).toEqual(expected);
});
