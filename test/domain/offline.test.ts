import { describe, expect, test } from 'vitest';
import { AREA_CODES } from '../../src/domain/area-codes.ts';
import { authorize, type Prices, type TrunkFacts } from '../../src/domain/authorize.ts';
import { CALL_CLASSES, type CallClass } from '../../src/domain/call-class.ts';
import { coveredClasses, OFFLINE_CLASSES } from '../../src/domain/offline.ts';
import { permitPast } from '../../src/domain/permit-past.ts';
import type { RateTable } from '../../src/domain/rate-table.ts';
import { lineFactsOf } from './line-facts.ts';

const everyArea = (tails: readonly string[]) =>
  [...AREA_CODES].flatMap((area) => tails.map((tail) => `55${area}${tail}`));
const FIXED_TAILS = ['2', '3', '4', '5'];

describe('classes of which every number has a price', () => {
  test.each<[string, readonly CallClass[], readonly string[] | null, readonly string[]]>([
    ['none', [], null, []],
    ['by class', ['MOBILE_LDN', 'INTL_FIXED', 'FIXED_LOCAL'], null, ['FIXED_LOCAL', 'MOBILE_LDN']],
    ['a deck with the country', [], ['55'], OFFLINE_CLASSES],
    ['a deck with nothing longer than a digit', [], ['5'], OFFLINE_CLASSES],
    ['a deck with its area', [], ['5511'], ['FIXED_LOCAL', 'MOBILE_LOCAL']],
    ['a deck with another area', [], ['5521'], []],
    [
      'a deck with all fixed numbers of its area',
      [],
      FIXED_TAILS.map((tail) => `5511${tail}`),
      ['FIXED_LOCAL'],
    ],
    ['a deck without one row of them', [], ['55112', '55113', '55115'], []],
    ['a deck with mobile numbers, but not the old ones', [], ['55119'], []],
    ['a deck with every mobile number', [], everyArea(['7', '9']), ['MOBILE_LOCAL', 'MOBILE_LDN']],
    ['a deck with every area', [], everyArea(['']), OFFLINE_CLASSES],
    [
      'a deck without one far area',
      [],
      everyArea(['']).filter((prefix) => prefix !== '5599'),
      ['FIXED_LOCAL', 'MOBILE_LOCAL'],
    ],
    ['classes beside a deck price no number', ['FIXED_LOCAL'], [], []],
  ])('%s', (_, classes, prefixes, covered) => {
    expect(coveredClasses({ classes, prefixes }, '11')).toEqual(covered);
  });
});

const trunk: TrunkFacts = {
  trunk_id: 't1',
  code: 'carrier',
  max_calls: 1,
  reserved_in: 0,
  cost_versions: null,
};
const CADENCE = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };

function table(price: bigint, ...classes: CallClass[]): RateTable {
  const rate = { price_micros_per_minute: price, cadence: CADENCE };
  return { version_id: 'v1', class_rates: new Map(classes.map((name) => [name, rate])), deck: null };
}

/** A line that may do nothing any more, of a subscriber that is suspended. */
const STOPPED = lineFactsOf(
  { line_status: 'BLOCKED', allowed_classes: new Set() },
  { billing_mode: 'BUNDLE', status: 'SUSPENDED', slots: new Set(['MOBILE_LOCAL']), warn_seconds: 0 },
);

const past = (dialled: string, prices: Partial<Prices> = {}, at: TrunkFacts | null = trunk) =>
  permitPast(dialled, STOPPED, at, { sale: null, wholesale: null, cost: null, ...prices });

describe('a call that was let go before', () => {
  const sale = table(100n, 'MOBILE_LOCAL');

  test('is charged whatever became of its line and subscriber', () => {
    const prices = { sale, wholesale: null, cost: null };
    expect(authorize('11987654321', STOPPED, trunk, prices)).toMatchObject({ permitted: false });
    expect(past('11987654321', prices)).toMatchObject({
      destination: { class: 'MOBILE_LOCAL', number: '+5511987654321' },
      rate: { price_micros_per_minute: 100n },
      slot: 'MOBILE_LOCAL',
      loss: false,
    });
  });

  test.each<[string, Partial<Prices>, object]>([
    ['at a loss, and marked so', { sale, cost: table(200n, 'MOBILE_LOCAL') }, { loss: true }],
    [
      'without what the reseller pays',
      { sale, wholesale: table(1n) },
      { wholesale: null, rate: { prefix: null } },
    ],
    [
      'with it',
      { sale, wholesale: table(1n, 'MOBILE_LOCAL') },
      { wholesale: { price_micros_per_minute: 1n } },
    ],
    ['nothing without a price, and no minutes either', {}, { rate: null, slot: null }],
  ])('is charged %s', (_, prices, permission) => {
    expect(past('11987654321', prices)).toMatchObject(permission);
  });

  test.each<[string, string, TrunkFacts | null, object | null]>([
    ['emergency', '190', trunk, { rate: null, claims: [] }],
    ['internal', '201', trunk, { route: { kind: 'LINE', sip_username: 'anna' }, rate: null }],
    ['to nowhere', '11987654321', null, null],
    ['no number', '12', trunk, null],
    ['a code', '*97', trunk, null],
  ])('%s', (_, dialled, at, permission) => {
    if (permission) expect(past(dialled, {}, at)).toMatchObject(permission);
    else expect(past(dialled, {}, at)).toBeNull();
  });

  test('no class is left out', () => {
    expect(OFFLINE_CLASSES.every((name) => CALL_CLASSES.includes(name))).toBe(true);
  });
});
