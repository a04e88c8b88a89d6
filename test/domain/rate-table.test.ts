import { describe, expect, test } from 'vitest';
import type { CallClass } from '../../src/domain/call-class.ts';
import { deckOf } from '../../src/domain/deck.ts';
import {
  classByRate,
  findRate,
  type RateKind,
  type RateTable,
  versionAt,
} from '../../src/domain/rate-table.ts';

const versions = (...starts: [version_id: string, valid_from_ms: number][]) =>
  starts.map(([version_id, valid_from_ms]) => ({ version_id, valid_from_ms }));

describe('the version that holds', () => {
  const three = versions(['a', 1_000], ['b', 2_000], ['c', 3_000.5]);
  test.each([
    ['none yet', three, 999, null],
    ['from the very instant', three, 1_000, 'a'],
    ['until the instant before the next', three, 1_999, 'a'],
    ['the next from its instant', three, 2_000, 'b'],
    ['a beginning between two milliseconds has not come in the first', three, 3_000, 'b'],
    ['and has in the second', three, 3_001, 'c'],
    ['the last for ever', three, Number.MAX_SAFE_INTEGER, 'c'],
    ['of the same instant the later written', versions(['a', 1_000], ['b', 1_000]), 1_000, 'b'],
    ['before the same instant', versions(['a', 0], ['b', 1_000], ['c', 1_000]), 999, 'a'],
    ['a plan without prices', [], 1_000, null],
  ])('%s', (_, starts, at_ms, version_id) => {
    expect(versionAt(starts, at_ms)).toBe(version_id);
  });
});

const cadence = { initial_seconds: 60, increment_seconds: 60, free_threshold_seconds: 0 };
const rateOf = (price: bigint) => ({ price_micros_per_minute: price, cadence });
const number = (callClass: CallClass, digits: string) =>
  ({ kind: 'NUMBER', class: callClass, number: digits, csp: null, vcBand: null }) as const;

describe('the rate of a number', () => {
  const class_rates = new Map<CallClass, ReturnType<typeof rateOf>>([
    ['FIXED_LOCAL', rateOf(1n)],
    ['COLLECT', rateOf(2n)],
    ['PREMIUM', rateOf(3n)],
  ]);
  const byClass: RateTable = { version_id: 'v1', class_rates, deck: null };
  const row = { prefix: '5511', locality: 'São Paulo', kind: null, active: true, ...rateOf(9n) };
  const byDeck: RateTable = { version_id: 'v2', class_rates, deck: deckOf('v2', [row]) };
  const nowhere = { prefix: null, locality: null, kind: null };

  test.each([
    [
      'by class',
      byClass,
      number('FIXED_LOCAL', '+551133334444'),
      { ...rateOf(1n), version_id: 'v1', ...nowhere },
    ],
    ['by class, without one', byClass, number('MOBILE_LOCAL', '+5511987654321'), null],
    [
      'by deck',
      byDeck,
      number('FIXED_LOCAL', '+551133334444'),
      { ...rateOf(9n), version_id: 'v2', prefix: '5511', locality: 'São Paulo', kind: null },
    ],
    ['by deck, where its class alone has one', byDeck, number('FIXED_LOCAL', '+552133334444'), null],
    [
      'what has no E.164 number',
      byDeck,
      number('PREMIUM', '9001234567'),
      { ...rateOf(3n), version_id: 'v2', ...nowhere },
    ],
    ['collect', byDeck, number('COLLECT', '+551133334444'), { ...rateOf(2n), version_id: 'v2', ...nowhere }],
    ['a short code that reads like a prefix', byDeck, number('PUBLIC_UTILITY', '5511'), null],
  ])('%s', (_, table, destination, found) => {
    expect(findRate(table, destination)).toEqual(found);
  });
});

test.each<[CallClass, RateKind | null | 'NO_RATE', CallClass]>([
  ['INTL_FIXED', 'MOBILE', 'INTL_MOBILE'],
  ['INTL_MOBILE', 'FIXED', 'INTL_FIXED'],
  ['INTL_MOBILE', 'MOBILE', 'INTL_MOBILE'],
  ['INTL_FIXED', null, 'INTL_FIXED'],
  ['INTL_MOBILE', null, 'INTL_MOBILE'],
  ['INTL_MOBILE', 'NO_RATE', 'INTL_MOBILE'],
  ['INTL_SPECIAL', 'MOBILE', 'INTL_SPECIAL'],
  ['FIXED_LOCAL', 'MOBILE', 'FIXED_LOCAL'],
  ['MOBILE_LDN', 'FIXED', 'MOBILE_LDN'],
])('%s by a row of %s is %s', (callClass, kind, found) => {
  const rate =
    kind === 'NO_RATE' ? null : { ...rateOf(1n), version_id: 'v', prefix: '1', locality: 'x', kind };
  expect(classByRate(callClass, rate)).toBe(found);
});
