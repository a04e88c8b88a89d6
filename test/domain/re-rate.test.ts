import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { billedSeconds, talkSeconds } from '../../src/domain/cadence.ts';
import type { BundleSlot, CallClass } from '../../src/domain/call-class.ts';
import { NO_CHARGE } from '../../src/domain/charge.ts';
import { createComparison } from '../../src/domain/comparison.ts';
import { type DeckRow, deckOf } from '../../src/domain/deck.ts';
import { MAX_PRICE_MICROS_PER_MINUTE, priceOfSeconds } from '../../src/domain/money.ts';
import type { Rate, RateTable } from '../../src/domain/rate-table.ts';
import { createReRate, type Franquia, type StoredCall } from '../../src/domain/re-rate.ts';

const cadenceOf = (initial: number, increment: number, threshold: number) => ({
  initial_seconds: initial,
  increment_seconds: increment,
  free_threshold_seconds: threshold,
});
const STANDARD: Rate = { price_micros_per_minute: 60_000n, cadence: cadenceOf(30, 6, 3) };

function byClass(rates: Partial<Record<CallClass, Rate>>): RateTable {
  return { version_id: 'v1', class_rates: new Map(Object.entries(rates) as [CallClass, Rate][]), deck: null };
}

function byDeck(...rows: Pick<DeckRow, 'prefix' | 'kind'>[]): RateTable {
  const rest = { ...STANDARD, locality: 'Aqui', active: true };
  return {
    version_id: 'v2',
    class_rates: new Map(),
    deck: deckOf(
      'v2',
      rows.map((row) => ({ ...row, ...rest })),
    ),
  };
}

const ALL = byClass({
  FIXED_LOCAL: STANDARD,
  FIXED_LDN: STANDARD,
  MOBILE_LDN: STANDARD,
  INTL_FIXED: STANDARD,
});

function callOf(more: Partial<StoredCall> = {}): StoredCall {
  return {
    number: '+551133334444',
    call_class: 'FIXED_LOCAL',
    billing_mode: 'BUNDLE',
    talk_ms: 35_000,
    granted_seconds: 3_600,
    cycle_start: '2026-10-10',
    turn: null,
    ...NO_CHARGE,
    ...more,
  };
}

function franquiaOf(seconds: Partial<Record<BundleSlot, number>>, more: Partial<Franquia> = {}): Franquia {
  return {
    billing_mode: null,
    ldn_fixed_uses_local: false,
    ldn_mobile_uses_local: false,
    includedIn: () => new Map(Object.entries(seconds) as [BundleSlot, number][]),
    ...more,
  };
}

const straddling = { turn_seconds: 20, cycle_start: '2026-11-10' };
const local = { ldn_fixed_uses_local: true };

describe('one call again', () => {
  test.each([
    // call, prices, franquia → class, billed = bundle + paid, micro-reais; null: refused
    ['money alone', {}, ALL, franquiaOf({}), ['FIXED_LOCAL', 36, 0, 36, 36_000n]],
    ['minutes first', {}, ALL, franquiaOf({ FIXED_LOCAL: 20 }), ['FIXED_LOCAL', 36, 20, 16, 16_000n]],
    ['minutes of another slot', {}, ALL, franquiaOf({ FIXED_LDN: 99 }), ['FIXED_LOCAL', 36, 0, 36, 36_000n]],
    [
      'prepaid has no minutes',
      { billing_mode: 'PREPAID' },
      ALL,
      franquiaOf({ FIXED_LOCAL: 99 }),
      ['FIXED_LOCAL', 36, 0, 36, 36_000n],
    ],
    [
      'prepaid, had it a franquia',
      { billing_mode: 'PREPAID' },
      ALL,
      franquiaOf({ FIXED_LOCAL: 99 }, { billing_mode: 'BUNDLE' }),
      ['FIXED_LOCAL', 36, 36, 0, 0n],
    ],
    [
      'LDN out of the local slot',
      { call_class: 'FIXED_LDN' },
      ALL,
      franquiaOf({ FIXED_LOCAL: 99 }, local),
      ['FIXED_LDN', 36, 36, 0, 0n],
    ],
    [
      'the grace is nobody’s',
      { granted_seconds: 30 },
      ALL,
      franquiaOf({}),
      ['FIXED_LOCAL', 30, 0, 30, 30_000n],
    ],
    [
      'a cycle turns: each part its minutes',
      { turn: straddling },
      ALL,
      franquiaOf({ FIXED_LOCAL: 10 }),
      ['FIXED_LOCAL', 36, 20, 16, 16_000n],
    ],
    [
      'it ended before the turn',
      { turn: { ...straddling, turn_seconds: 40 } },
      ALL,
      franquiaOf({ FIXED_LOCAL: 10 }),
      ['FIXED_LOCAL', 36, 10, 26, 26_000n],
    ],
    [
      'it rang across the turn',
      { turn: { ...straddling, turn_seconds: 0 } },
      ALL,
      franquiaOf({ FIXED_LOCAL: 10 }),
      ['FIXED_LOCAL', 36, 10, 26, 26_000n],
    ],
    [
      'a free class',
      { call_class: 'TOLL_FREE', number: '8001234567' },
      null,
      franquiaOf({}),
      ['TOLL_FREE', 0, 0, 0, 0n],
    ],
    ['no prices yet', {}, null, franquiaOf({}), null],
    ['a class without a rate', { call_class: 'PREMIUM', number: '9001234567' }, ALL, franquiaOf({}), null],
    ['no prefix', {}, byDeck({ prefix: '1', kind: null }), franquiaOf({}), null],
    [
      'abroad a deck says mobile',
      { call_class: 'INTL_FIXED', number: '+12125550123' },
      byDeck({ prefix: '1', kind: 'MOBILE' }),
      franquiaOf({ INTL_MOBILE: 30 }),
      ['INTL_MOBILE', 36, 30, 6, 6_000n],
    ],
    [
      'abroad the number says fixed',
      { call_class: 'INTL_MOBILE', number: '+12125550123' },
      ALL,
      franquiaOf({ INTL_FIXED: 30 }),
      ['INTL_FIXED', 36, 30, 6, 6_000n],
    ],
    [
      'abroad the number says mobile, which has no rate',
      { call_class: 'INTL_FIXED', number: '+351912345678' },
      ALL,
      franquiaOf({}),
      null,
    ],
  ] as const)('%s', (_, more, prices, franquia, expected) => {
    const reRated = createReRate(franquia)(callOf(more), prices);
    const { billed_seconds, bundle_seconds, paid_seconds, total_micros } = reRated?.charge ?? NO_CHARGE;
    const seen = reRated && [reRated.call_class, billed_seconds, bundle_seconds, paid_seconds, total_micros];
    expect(seen).toEqual(expected);
  });

  test('minutes that a call took are gone for the next one, in that cycle', () => {
    const reRate = createReRate(franquiaOf({ FIXED_LOCAL: 40 }));
    const bundle = (cycle_start: string) => reRate(callOf({ cycle_start }), ALL)?.charge.bundle_seconds;
    const cycles = ['2026-10-10', '2026-10-10', '2026-10-10', '2026-11-10'];
    expect(cycles.map(bundle)).toEqual([36, 4, 0, 36]);
  });

  test('a slot that the next cycle lacks is not there for its later calls', () => {
    const includedIn = (cycle: string) => new Map(cycle < '2026-11' ? [['FIXED_LOCAL', 60] as const] : []);
    const reRate = createReRate(franquiaOf({}, { includedIn }));
    expect(reRate(callOf({ turn: straddling }), ALL)?.charge).toMatchObject({
      bundle_seconds: 20,
      paid_seconds: 16,
    });
    expect(reRate(callOf({ cycle_start: '2026-11-10' }), ALL)?.charge).toMatchObject({ bundle_seconds: 0 });
  });
});

describe('the same prices and the same franquia', () => {
  const rates = fc.record({
    price_micros_per_minute: fc.bigInt(0n, MAX_PRICE_MICROS_PER_MINUTE),
    cadence: fc
      .tuple(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }), fc.nat(20))
      .map((parts) => cadenceOf(...parts)),
  });
  const calls = fc.array(
    fc.record({
      talk_ms: fc.nat(400_000),
      second_cycle: fc.boolean(),
      turn_seconds: fc.option(fc.nat(300), { freq: 3 }),
      cut_seconds: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 5 }),
    }),
    { maxLength: 25 },
  );

  /** Second by second, as somebody with a pencil would. */
  function bill(talk_ms: number, rate: Rate, turn_seconds: number, left: [number, number]) {
    const billed_seconds = billedSeconds(talkSeconds(talk_ms), rate.cadence);
    let bundle_seconds = 0;
    for (let second = 0; second < billed_seconds; second += 1) {
      const cycle = second < turn_seconds ? 0 : 1;
      if (left[cycle] === 0) continue;
      left[cycle] -= 1;
      bundle_seconds += 1;
    }
    const paid_seconds = billed_seconds - bundle_seconds;
    const total_micros = priceOfSeconds(rate.price_micros_per_minute, paid_seconds);
    return { billed_seconds, bundle_seconds, paid_seconds, total_micros };
  }

  test('give what was recorded, to the micro', () => {
    fc.assert(
      fc.property(rates, calls, fc.tuple(fc.nat(900), fc.nat(900)), (rate, made, included) => {
        const left: [number, number] = [...included];
        const cycles = ['2026-10-10', '2026-11-10'] as const;
        const includedIn = (cycle: string) =>
          new Map([['FIXED_LOCAL', included[cycle === cycles[0] ? 0 : 1]] as const]);
        const reRate = createReRate(franquiaOf({}, { includedIn }));
        const comparison = createComparison();
        for (const { talk_ms, second_cycle, turn_seconds, cut_seconds } of made) {
          const turns = !second_cycle && turn_seconds !== null;
          const began = second_cycle ? 1 : 0;
          const charge = bill(talk_ms, rate, turns ? turn_seconds : second_cycle ? 0 : Infinity, left);
          // A call that was cut talked on into the grace, after the end of a block that was granted.
          const cut = cut_seconds !== null && charge.billed_seconds > 0;
          const call = callOf({
            ...charge,
            talk_ms: cut ? (charge.billed_seconds + cut_seconds) * 1000 : talk_ms,
            granted_seconds: cut ? charge.billed_seconds : 10_000,
            cycle_start: cycles[began],
            turn: turns ? { turn_seconds, cycle_start: cycles[1] } : null,
          });
          const reRated = reRate(call, byClass({ FIXED_LOCAL: rate }));
          expect(reRated?.charge).toEqual(charge);
          comparison.add(call, reRated);
        }
        const compared = comparison.classes().get('FIXED_LOCAL');
        expect(compared?.re_rated).toEqual(compared?.recorded);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a comparison', () => {
  test('counts each side in its own class, and names some numbers that would have been refused, each once', () => {
    const comparison = createComparison();
    const charge = { billed_seconds: 36, bundle_seconds: 6, paid_seconds: 30, total_micros: 30_000n };
    const call = callOf({ ...charge, call_class: 'INTL_FIXED' });
    comparison.add(call, { call_class: 'INTL_MOBILE', charge: { ...charge, total_micros: 1n } });
    for (let i = 0; i < 60; i += 1)
      comparison.add(callOf({ number: `+55113333${i % 30}`, total_micros: 2n }), null);
    const classes = comparison.classes();
    expect([...classes.keys()]).toEqual(['FIXED_LOCAL', 'INTL_FIXED', 'INTL_MOBILE']);
    expect(classes.get('INTL_FIXED')?.recorded).toEqual({ calls: 1, talk_seconds: 35, ...charge });
    expect(classes.get('INTL_FIXED')?.re_rated.calls).toBe(0);
    expect(classes.get('INTL_MOBILE')?.re_rated).toMatchObject({ calls: 1, total_micros: 1n });
    const { numbers, ...unrated } = classes.get('FIXED_LOCAL')?.unrated ?? { numbers: new Set() };
    expect(unrated).toMatchObject({ calls: 60, talk_seconds: 60 * 35, total_micros: 120n });
    expect(numbers.size).toBe(20);
  });
});
