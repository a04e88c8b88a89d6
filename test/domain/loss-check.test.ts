import { describe, expect, test } from 'vitest';
import type { CallClass } from '../../src/domain/call-class.ts';
import type { DeckRow } from '../../src/domain/deck.ts';
import {
  type CheckedPrices,
  createClassLosses,
  findLoss,
  findRowLoss,
  type LossFound,
  placedRow,
} from '../../src/domain/loss-check.ts';
import type { Rate, RateKind } from '../../src/domain/rate-table.ts';

const rate = (price: number, increment_seconds = 6): Rate => ({
  price_micros_per_minute: BigInt(price),
  cadence: { initial_seconds: 30, increment_seconds, free_threshold_seconds: 3 },
});
type Classes = Partial<Record<CallClass, number>>;
const prices = (pricing: CheckedPrices['pricing'], classes: Classes): CheckedPrices => ({
  pricing,
  class_rates: new Map(Object.entries(classes).map(([name, price]) => [name as CallClass, rate(price)])),
});
const row = (prefix: string, price: number, kind: RateKind | null = null, active = true): DeckRow => ({
  prefix,
  locality: `in ${prefix}`,
  kind,
  ...rate(price),
  active,
});

/** A loss as one line. */
function say(found: LossFound | null): string {
  if (!found) return 'none';
  const { sale, cost, loss } = found;
  const place = ({ prefix, call_class }: NonNullable<LossFound['cost']>) => prefix ?? call_class;
  const how =
    loss === 'NO_COST'
      ? loss
      : loss.kind === 'PRICE'
        ? `-${loss.micros_per_minute}`
        : `to ${loss.up_to_seconds}s`;
  return `${place(sale)} over ${cost ? place(cost) : 'nothing'}: ${how}`;
}

describe('what is priced by class', () => {
  const check = (sale: CheckedPrices, cost: CheckedPrices, rows: readonly DeckRow[] = []) => {
    const losses = createClassLosses(sale, cost);
    for (const one of rows) losses.add(one);
    return losses.found().map(say);
  };
  const beside: Classes = { PUBLIC_UTILITY: 5, COLLECT: 5 };

  test('against classes: each against its own', () => {
    const sale = prices('BY_CLASS', { MOBILE_LDN: 10, FIXED_LOCAL: 10, FIXED_LDN: 10, PREMIUM: 10 });
    const cost = prices('BY_CLASS', { FIXED_LOCAL: 10, FIXED_LDN: 12, MOBILE_LDN: 9, COLLECT: 99 });
    expect(check(sale, cost)).toEqual(['FIXED_LDN over FIXED_LDN: -2', 'PREMIUM over nothing: NO_COST']);
  });

  test('against a deck: the row at which its numbers lose most', () => {
    const sale = prices('BY_CLASS', {
      FIXED_LOCAL: 10,
      MOBILE_LDN: 10,
      INTL_MOBILE: 10,
      INTL_FIXED: 10,
      ...beside,
    });
    const cost = prices('DECK', { COLLECT: 6, FIXED_LOCAL: 99 });
    const rows = [
      row('1', 11),
      row('44', 20, 'FIXED'),
      row('447', 30, 'MOBILE'),
      row('55', 9),
      row('5511', 12),
      row('55112', 13),
      row('55119', 8),
      row('5592', 99, null, false),
    ];
    expect(check(sale, cost, rows)).toEqual([
      'COLLECT over COLLECT: -1',
      'FIXED_LOCAL over 55112: -3',
      'INTL_FIXED over 44: -10',
      'INTL_MOBILE over 447: -20',
      'MOBILE_LDN over 5511: -2',
      'PUBLIC_UTILITY over nothing: NO_COST',
    ]);
  });

  test('against a deck without rows for it', () => {
    const sale = prices('BY_CLASS', { FIXED_LOCAL: 10, INTL_SPECIAL: 10, INTL_FIXED: 10 });
    expect(check(sale, prices('DECK', {}), [row('447', 1, 'MOBILE'), row('870', 9)])).toEqual([
      'FIXED_LOCAL over nothing: NO_COST',
      'INTL_FIXED over nothing: NO_COST',
    ]);
  });

  test('a cheap row that loses by its steps is told where no row is dearer', () => {
    const sale = prices('BY_CLASS', { FIXED_LOCAL: 10 });
    const steps: DeckRow = { ...row('5511', 10), ...rate(10, 60) };
    expect(check(sale, prices('DECK', {}), [row('55', 10), steps])).toEqual([
      expect.stringMatching(/^FIXED_LOCAL over 5511: to \d+s$/),
    ]);
    expect(check(sale, prices('DECK', {}), [steps, row('55', 11)])).toEqual(['FIXED_LOCAL over 55: -1']);
  });

  test('of rows that lose, the one that loses most, and of equal ones the first', () => {
    const sale = prices('BY_CLASS', { FIXED_LOCAL: 10 });
    const rows = [row('55112', 12), row('55113', 13), row('55114', 13), row('55115', 12)];
    expect(check(sale, prices('DECK', {}), rows)).toEqual(['FIXED_LOCAL over 55113: -3']);
  });

  test('beside a sale deck, what the deck does not price: the rest is compared row by row', () => {
    const sale = prices('DECK', { ...beside, FIXED_LOCAL: 1 });
    expect(check(sale, prices('BY_CLASS', { PUBLIC_UTILITY: 6, COLLECT: 5, FIXED_LOCAL: 2 }))).toEqual([
      'PUBLIC_UTILITY over PUBLIC_UTILITY: -1',
    ]);
    expect(check(sale, prices('DECK', { PUBLIC_UTILITY: 5, COLLECT: 9 }), [row('55', 99)])).toEqual([
      'COLLECT over COLLECT: -4',
    ]);
  });
});

describe('a row of a sale deck', () => {
  const costs = prices('BY_CLASS', { FIXED_LOCAL: 10, FIXED_LDN: 12, MOBILE_LOCAL: 30, INTL_MOBILE: 40 });
  test.each<[string, DeckRow, string]>([
    ['at what its numbers cost most', row('55', 11), '55 over MOBILE_LOCAL: -19'],
    ['of fixed numbers alone', row('55113', 11), '55113 over FIXED_LDN: -1'],
    ['that earns everywhere', row('55113', 12), 'none'],
    ['of mobile numbers abroad', row('447', 39, 'MOBILE'), '447 over INTL_MOBILE: -1'],
    ['of a class without cost', row('442', 39, 'FIXED'), '442 over nothing: NO_COST'],
    ['of classes of which one has a cost', row('44', 40), 'none'],
  ])('%s', (_, one, said) => {
    expect(say(findRowLoss(one, costs))).toBe(said);
  });

  test('at the first of classes that cost the same', () => {
    const same = prices('BY_CLASS', { FIXED_LOCAL: 12, FIXED_LDN: 11, MOBILE_LOCAL: 12, MOBILE_LDN: 9 });
    expect(say(findRowLoss(row('55', 10), same))).toBe('55 over FIXED_LOCAL: -2');
  });

  test('against a row, or none', () => {
    expect(say(findLoss(placedRow(row('55', 9)), placedRow(row('5511', 10))))).toBe('55 over 5511: -1');
    expect(say(findLoss(placedRow(row('55', 9)), null))).toBe('55 over nothing: NO_COST');
    expect(findLoss(placedRow(row('55', 9)), placedRow(row('55', 9)))).toBeNull();
  });
});
