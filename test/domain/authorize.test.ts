import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  authorize,
  type BillingMode,
  type LineFacts,
  type Prices,
  payingSlot,
  STATUSES,
  type SubscriberFacts,
  type TrunkFacts,
} from '../../src/domain/authorize.ts';
import { BUNDLE_SLOTS, CALL_CLASS_FACTS, CALL_CLASSES, type CallClass } from '../../src/domain/call-class.ts';
import type { Rate, RateTable } from '../../src/domain/rate-table.ts';
import { EMERGENCY_NUMBERS } from '../../src/domain/short-codes.ts';
import { lineFactsOf } from './line-facts.ts';

const trunk: TrunkFacts = {
  trunk_id: 't1',
  code: 'carrier',
  max_calls: 30,
  reserved_in: 0,
  cost_versions: null,
};

const rate = (price_micros_per_minute: bigint): Rate => ({
  price_micros_per_minute,
  cadence: { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
});

/** Every class has a price of its own, so that a verdict shows which one it took. */
const RATES = new Map(CALL_CLASSES.map((name, index) => [name, rate(BigInt(index + 1))]));
const priceOf = (name: CallClass) => RATES.get(name)?.price_micros_per_minute;

const byClass = (version_id: string, class_rates: RateTable['class_rates']): RateTable => ({
  version_id,
  class_rates,
  deck: null,
});

/** What differs from a line that may do everything, and from a plan by class that nobody above charges for. */
type Changes = Partial<Omit<LineFacts, 'subscriber'>> & {
  subscriber?: Partial<SubscriberFacts>;
  rates?: RateTable['class_rates'];
  prices?: Partial<Prices>;
};

function pricesOf({ rates = RATES, prices = {} }: Changes): Prices {
  return { sale: byClass('v1', rates), wholesale: null, cost: null, ...prices };
}

function lineFacts({ subscriber, rates: _, prices: __, ...line }: Changes = {}): LineFacts {
  const extensions = new Map([
    ['201', 'anna'],
    ['202', 'bento'],
  ]);
  return lineFactsOf(line, { extensions, groups: new Map([['300', group]]), ...subscriber });
}

const group = {
  group_id: 'g1',
  code: 'grp123456789',
  name: 'Vendas',
  extension: '300',
  members: ['bento'],
  overflow: null,
};

/** A verdict as one line of a table. */
function say(changes: Changes, dialled: string, by: TrunkFacts | null = trunk): string {
  const verdict = authorize(dialled, lineFacts(changes), by, pricesOf(changes));
  if (!verdict.permitted) {
    const { reason, detail = '-' } = verdict.refusal;
    return `${reason} ${detail} of ${verdict.destination?.class ?? 'nothing'}`;
  }
  const { destination, route, slot, claims, rate: found } = verdict.permission;
  const to =
    route.kind === 'TRUNK'
      ? route.trunk.code
      : route.kind === 'GROUP'
        ? route.group.code
        : route.sip_username;
  expect(route.number).toBe(destination.number);
  const price = found === null ? 'free' : `at ${found.price_micros_per_minute}`;
  const levels = claims.map(({ level, id, limit }) => `${level}:${id}:${limit}`).join(' ');
  return `${destination.class} ${route.number} by ${to} ${price}${slot ? ` from ${slot}` : ''} [${levels}]`;
}

const OWN = 'LINE:l1:2 SUBSCRIBER:s1:10 RESELLER:r1:100';
const OUT = `${OWN} TRUNK:t1:30`;
const LOCAL = '1133334444';

const suspended: Changes = { subscriber: { status: 'SUSPENDED' } };
const nothingAllowed: Changes = { allowed_classes: new Set() };
const noRates: Changes = { rates: new Map() };

describe('a call that may be made', () => {
  test.each<[string, Changes, string, string]>([
    ['local', {}, LOCAL, `FIXED_LOCAL +551133334444 by carrier at 1 [${OUT}]`],
    ['local, without area', {}, '33334444', `FIXED_LOCAL +551133334444 by carrier at 1 [${OUT}]`],
    [
      'the line’s area decides',
      { area_code: '21' },
      LOCAL,
      `FIXED_LDN +551133334444 by carrier at 2 [${OUT}]`,
    ],
    ['mobile', {}, '11987654321', `MOBILE_LOCAL +5511987654321 by carrier at 3 [${OUT}]`],
    ['mobile elsewhere', {}, '021987654321', `MOBILE_LDN +5521987654321 by carrier at 4 [${OUT}]`],
    ['abroad', {}, '0012125551234', `INTL_FIXED +12125551234 by carrier at 5 [${OUT}]`],
    ['public utility', {}, '102', `PUBLIC_UTILITY 102 by carrier at 9 [${OUT}]`],
    ['free of charge', noRates, '08001234567', `TOLL_FREE 8001234567 by carrier free [${OUT}]`],
    ['internal', noRates, '202', `INTERNAL 202 by bento free [${OWN}]`],
    ['internal, suspended', suspended, '202', `INTERNAL 202 by bento free [${OWN}]`],
    ['internal, line blocked', { line_status: 'BLOCKED' }, '202', `INTERNAL 202 by bento free [${OWN}]`],
    [
      'by the prices of its class only',
      { rates: new Map([['FIXED_LOCAL', rate(7n)]]) },
      LOCAL,
      `FIXED_LOCAL +551133334444 by carrier at 7 [${OUT}]`,
    ],
    [
      'at price 0, which is a price',
      { rates: new Map([['FIXED_LOCAL', rate(0n)]]) },
      LOCAL,
      `FIXED_LOCAL +551133334444 by carrier at 0 [${OUT}]`,
    ],
    [
      'limit 0 is claimed, not judged',
      { line_max_calls: 0 },
      '202',
      `INTERNAL 202 by bento free [${OWN.replace('l1:2', 'l1:0')}]`,
    ],
  ])('%s', (_, changes, dialled, said) => {
    expect(say(changes, dialled)).toBe(said);
  });

  test('internal calls need no trunk', () => {
    expect(say({}, '202', null)).toBe(`INTERNAL 202 by bento free [${OWN}]`);
  });
});

describe('who is called is shown', () => {
  const own = { caller_id: '+551140041234' };
  test.each<[string, Changes, dialled: string, shown: string]>([
    ['the number of the line', own, LOCAL, 'TRUNK +551140041234'],
    ['what the trunk makes of the extension', {}, LOCAL, 'TRUNK '],
    ['the extension within the house', own, '202', 'LINE 201'],
    ['the number of the line, for who has to come and help', own, '190', 'TRUNK +551140041234'],
  ])('%s', (_, changes, dialled, shown) => {
    const verdict = authorize(dialled, lineFacts(changes), trunk, pricesOf(changes));
    if (!verdict.permitted) throw new Error(verdict.refusal.reason);
    expect(`${verdict.permission.route.kind} ${verdict.permission.caller_id}`).toBe(shown);
  });
});

describe('the number that is shown', () => {
  const limits = { did_id: 'd1', max_calls: 2, max_calls_out: 1, max_calls_in: 0 };
  const shows = { caller_id: '+551140041234', caller_id_limits: limits };
  test.each<[string, dialled: string, claimed: string[]]>([
    ['has the calls out that show it', LOCAL, ['TOTAL 2', 'OUT 1']],
    ['has none within the house, where nobody sees it', '202', []],
    ['has no emergency call', '190', []],
  ])('%s', (_, dialled, claimed) => {
    const verdict = authorize(dialled, lineFacts(shows), trunk, pricesOf(shows));
    if (!verdict.permitted) throw new Error(verdict.refusal.reason);
    const ofNumber = verdict.permission.claims.filter(({ level }) => level === 'NUMBER');
    expect(ofNumber.map(({ direction, limit }) => `${direction} ${limit}`)).toEqual(claimed);
  });
});

describe('a call that is refused', () => {
  test.each<[string, Changes, string, string]>([
    ['no number', {}, '', 'INVALID_NUMBER EMPTY of nothing'],
    ['no area of that code', {}, '2012345678', 'INVALID_NUMBER UNKNOWN_AREA_CODE of nothing'],
    ['a stranger’s extension', {}, '203', 'INVALID_NUMBER UNKNOWN_EXTENSION of nothing'],
    ['a feature code', {}, '*97', 'INVALID_NUMBER UNKNOWN_FEATURE of nothing'],
    ['subscriber suspended', suspended, LOCAL, 'SUBSCRIBER_SUSPENDED SUSPENDED of FIXED_LOCAL'],
    [
      'subscriber blocked',
      { subscriber: { status: 'BLOCKED' } },
      LOCAL,
      'SUBSCRIBER_SUSPENDED BLOCKED of FIXED_LOCAL',
    ],
    [
      'subscriber inactive',
      { subscriber: { status: 'INACTIVE' } },
      LOCAL,
      'SUBSCRIBER_SUSPENDED INACTIVE of FIXED_LOCAL',
    ],
    ['line suspended', { line_status: 'SUSPENDED' }, LOCAL, 'LINE_BLOCKED SUSPENDED of FIXED_LOCAL'],
    ['line blocked', { line_status: 'BLOCKED' }, LOCAL, 'LINE_BLOCKED BLOCKED of FIXED_LOCAL'],
    ['line inactive', { line_status: 'INACTIVE' }, LOCAL, 'LINE_BLOCKED INACTIVE of FIXED_LOCAL'],
    ['suspended, toll-free', suspended, '08001234567', 'SUBSCRIBER_SUSPENDED SUSPENDED of TOLL_FREE'],
    [
      'suspended, and the line too',
      { ...suspended, line_status: 'BLOCKED' },
      LOCAL,
      'SUBSCRIBER_SUSPENDED SUSPENDED of FIXED_LOCAL',
    ],
    ['class not permitted', nothingAllowed, LOCAL, 'CLASS_NOT_PERMITTED FIXED_LOCAL of FIXED_LOCAL'],
    ['internal not permitted', nothingAllowed, '202', 'CLASS_NOT_PERMITTED INTERNAL of INTERNAL'],
    ['toll-free not permitted', nothingAllowed, '08001234567', 'CLASS_NOT_PERMITTED TOLL_FREE of TOLL_FREE'],
    [
      'collect not permitted',
      { allowed_classes: new Set<CallClass>(['MOBILE_LOCAL']) },
      '9090987654321',
      'CLASS_NOT_PERMITTED COLLECT of COLLECT',
    ],
    ['plan without any rate', noRates, LOCAL, 'NO_RATE FIXED_LOCAL of FIXED_LOCAL'],
    [
      'plan without that rate',
      { rates: new Map([['FIXED_LDN', rate(1n)]]) },
      LOCAL,
      'NO_RATE FIXED_LOCAL of FIXED_LOCAL',
    ],
    [
      'a bundle is no rate',
      { ...noRates, subscriber: { billing_mode: 'BUNDLE', slots: new Set(['FIXED_LOCAL']) } },
      LOCAL,
      'NO_RATE FIXED_LOCAL of FIXED_LOCAL',
    ],
    ['public utility without rate', noRates, '102', 'NO_RATE PUBLIC_UTILITY of PUBLIC_UTILITY'],
    [
      'not permitted and without rate',
      { ...noRates, ...nothingAllowed },
      LOCAL,
      'CLASS_NOT_PERMITTED FIXED_LOCAL of FIXED_LOCAL',
    ],
  ])('%s', (_, changes, dialled, said) => {
    expect(say(changes, dialled)).toBe(said);
  });

  test.each([LOCAL, '08001234567', '0012125551234', '190'])('%s without a trunk', (dialled) => {
    expect(say({}, dialled, null)).toMatch(/^NO_ROUTE - of /);
  });
});

describe('emergency numbers pass every rule, claim nothing and cost nothing', () => {
  const hostile: Changes = {
    line_status: 'BLOCKED',
    line_max_calls: 0,
    allowed_classes: new Set(),
    rates: new Map(CALL_CLASSES.map((name) => [name, rate(1_000_000n)])),
    subscriber: {
      status: 'INACTIVE',
      max_calls: 0,
      reseller_max_calls: 0,
      billing_mode: 'PREPAID',
      extensions: new Map(EMERGENCY_NUMBERS.map((number) => [number, 'anna'])),
    },
    prices: { wholesale: 'NO_PRICES' },
  };
  test.each(EMERGENCY_NUMBERS)('%s', (number) => {
    expect(say(hostile, number)).toBe(`EMERGENCY ${number} by carrier free []`);
  });
});

describe('the slot that pays', () => {
  const all = new Set(BUNDLE_SLOTS);
  const sometimes = (mode: BillingMode, flags: Partial<SubscriberFacts>) =>
    lineFacts({ subscriber: { billing_mode: mode, slots: all, ...flags } }).subscriber;
  const fixed = { ldn_fixed_uses_local: true };
  const mobile = { ldn_mobile_uses_local: true };

  test.each<[CallClass, BillingMode, Partial<SubscriberFacts>, string | null]>([
    ['FIXED_LOCAL', 'BUNDLE', {}, 'FIXED_LOCAL'],
    ['FIXED_LDN', 'BUNDLE', {}, 'FIXED_LDN'],
    ['FIXED_LDN', 'BUNDLE', fixed, 'FIXED_LOCAL'],
    ['FIXED_LDN', 'BUNDLE', mobile, 'FIXED_LDN'],
    ['MOBILE_LDN', 'BUNDLE', mobile, 'MOBILE_LOCAL'],
    ['MOBILE_LDN', 'BUNDLE', fixed, 'MOBILE_LDN'],
    ['FIXED_LOCAL', 'BUNDLE', { ...fixed, ...mobile }, 'FIXED_LOCAL'],
    ['MOBILE_LOCAL', 'BUNDLE', { ...fixed, ...mobile }, 'MOBILE_LOCAL'],
    ['INTL_FIXED', 'BUNDLE', { ...fixed, ...mobile }, 'INTL_FIXED'],
    ['INTL_MOBILE', 'BUNDLE', {}, 'INTL_MOBILE'],
    // no slot of its own, or none that holds a bundle
    ['FIXED_LDN', 'BUNDLE', { slots: new Set(['FIXED_LOCAL']) }, null],
    ['FIXED_LDN', 'BUNDLE', { ...fixed, slots: new Set(['FIXED_LOCAL']) }, 'FIXED_LOCAL'],
    ['FIXED_LDN', 'BUNDLE', { ...fixed, slots: new Set(['FIXED_LDN']) }, null],
    ['MOBILE_LDN', 'BUNDLE', { ...mobile, slots: new Set(['FIXED_LOCAL']) }, null],
    ['PREMIUM', 'BUNDLE', {}, null],
    ['SHARED_COST', 'BUNDLE', {}, null],
    ['INTL_SPECIAL', 'BUNDLE', {}, null],
    ['PUBLIC_UTILITY', 'BUNDLE', {}, null],
    ['COLLECT', 'BUNDLE', {}, null],
    // minutes belong to the modality franquia
    ['FIXED_LOCAL', 'PREPAID', {}, null],
    ['FIXED_LOCAL', 'POSTPAID', {}, null],
  ])('of %s, %s, %o: %s', (name, mode, flags, slot) => {
    expect(payingSlot(name, sometimes(mode, flags))).toBe(slot);
  });

  test('is told with the rate of the call itself', () => {
    const changes: Changes = { subscriber: { billing_mode: 'BUNDLE', slots: all, ...fixed } };
    const price = priceOf('FIXED_LDN');
    expect(say(changes, '2133334444')).toBe(
      `FIXED_LDN +552133334444 by carrier at ${price} from FIXED_LOCAL [${OUT}]`,
    );
  });
});

test('whatever the line and the number: permitted means permitted, priced or free, and with every level claimed', () => {
  const subset = <T>(from: readonly T[]) =>
    fc.subarray([...from]).map((some): ReadonlySet<T> => new Set(some));
  const facts = fc
    .record({
      line_status: fc.constantFrom(...STATUSES),
      allowed_classes: subset(CALL_CLASSES),
      priced: subset(CALL_CLASSES),
      status: fc.constantFrom(...STATUSES),
      billing_mode: fc.constantFrom<BillingMode>('PREPAID', 'POSTPAID', 'BUNDLE'),
      slots: subset(BUNDLE_SLOTS),
    })
    .map(({ line_status, allowed_classes, priced, ...subscriber }) => ({
      facts: lineFacts({ line_status, allowed_classes, subscriber }),
      rates: new Map([...RATES].filter(([name]) => priced.has(name))),
    }));
  const dialled = fc.constantFrom(
    ...[LOCAL, '2133334444', '11987654321', '21987654321', '0012125551234', '00351912345678', '202', '190'],
    ...['102', '08001234567', '40041234', '09001234567', '9090987654321', '+80012345678', '999', '*97'],
  );
  fc.assert(
    fc.property(facts, dialled, ({ facts: some, rates }, digits) => {
      const verdict = authorize(digits, some, trunk, pricesOf({ rates }));
      if (!verdict.permitted) return;
      const { destination, rate: found, slot, claims } = verdict.permission;
      if (destination.class === 'EMERGENCY') return;
      const blocked = some.line_status !== 'ACTIVE' || some.subscriber.status !== 'ACTIVE';
      expect(some.allowed_classes.has(destination.class)).toBe(true);
      expect(blocked && destination.class !== 'INTERNAL').toBe(false);
      const priced = rates.get(destination.class)?.price_micros_per_minute;
      expect(found?.price_micros_per_minute).toBe(
        CALL_CLASS_FACTS[destination.class].free ? undefined : priced,
      );
      expect(slot === null || some.subscriber.slots.has(slot)).toBe(true);
      const levels = claims.map((claim) => claim.level);
      expect(levels.slice(0, 3)).toEqual(['LINE', 'SUBSCRIBER', 'RESELLER']);
      expect(levels.includes('TRUNK')).toBe(destination.class !== 'INTERNAL');
    }),
  );
});
