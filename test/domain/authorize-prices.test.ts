import { describe, expect, test } from 'vitest';
import { authorize, type Prices, type SubscriberFacts, type TrunkFacts } from '../../src/domain/authorize.ts';
import { BUNDLE_SLOTS, CALL_CLASSES, type CallClass } from '../../src/domain/call-class.ts';
import { type DeckRow, deckOf } from '../../src/domain/deck.ts';
import type { Rate, RateKind, RateTable } from '../../src/domain/rate-table.ts';
import { lineFactsOf } from './line-facts.ts';

const trunk: TrunkFacts = {
  trunk_id: 't1',
  code: 'carrier',
  max_calls: 30,
  reserved_in: 0,
  cost_versions: null,
};
const CADENCE = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
const rate = (price: number): Rate => ({ price_micros_per_minute: BigInt(price), cadence: CADENCE });

type Classes = Partial<Record<CallClass, number>>;
const classRates = (prices: Classes) =>
  new Map(Object.entries(prices).map(([name, price]) => [name as CallClass, rate(price)]));
const byClass = (prices: Classes): RateTable => ({
  version_id: 'by class',
  class_rates: classRates(prices),
  deck: null,
});

/** Prefix, price, and perhaps fixed or mobile; a `!` in front is a row that is not active. */
type Row = readonly [prefix: string, price: number, kind?: RateKind];
const toRow = ([prefix, price, kind = undefined]: Row): DeckRow => ({
  prefix: prefix.replace('!', ''),
  locality: `to ${prefix}`,
  kind: kind ?? null,
  ...rate(price),
  active: !prefix.startsWith('!'),
});
const deck = (rows: readonly Row[], beside: Classes = {}): RateTable => ({
  version_id: 'deck',
  class_rates: classRates(beside),
  deck: deckOf('deck', rows.map(toRow)),
});

interface Case {
  readonly prices: Partial<Prices>;
  readonly allowed?: readonly CallClass[];
  readonly subscriber?: Partial<SubscriberFacts>;
}

const facts = ({ allowed = CALL_CLASSES, subscriber = {} }: Case) =>
  lineFactsOf(
    { allowed_classes: new Set(allowed) },
    { billing_mode: 'BUNDLE', slots: new Set(BUNDLE_SLOTS), ...subscriber },
  );

const priceOf = (found: Rate | null) => (found === null ? '-' : found.price_micros_per_minute.toString());

/** A verdict as one line: class, number, prefix that priced it, prices of sale, wholesale and cost, slot, loss. */
function say(one: Case, dialled: string): string {
  const prices: Prices = { sale: null, wholesale: null, cost: null, ...one.prices };
  const verdict = authorize(dialled, facts(one), trunk, prices);
  if (!verdict.permitted)
    return `${verdict.refusal.reason} ${verdict.refusal.detail ?? '-'} of ${verdict.destination?.class ?? 'nothing'}`;
  const { destination, rate: sale, wholesale, cost, slot, loss } = verdict.permission;
  const all = [sale, wholesale, cost].map(priceOf).join('/');
  const by = sale?.prefix ? ` by ${sale.prefix}` : '';
  return `${destination.class} ${destination.number} at ${all}${by} from ${slot ?? 'money'}${loss ? ' at a loss' : ''}`;
}

const LOCAL = '1133334444';
const HERE = 'FIXED_LOCAL +551133334444';
const local = (price: number) => byClass({ FIXED_LOCAL: price });
const allowing = { allow_loss_calls: true };

describe('what the reseller pays and what the carrier asks', () => {
  test.each<[string, Case, string]>([
    [
      'a reseller that is charged nothing',
      { prices: { sale: local(9) } },
      `${HERE} at 9/-/- from FIXED_LOCAL`,
    ],
    [
      'a reseller that is charged, a carrier that is known',
      { prices: { sale: local(9), wholesale: local(8), cost: local(7) } },
      `${HERE} at 9/8/7 from FIXED_LOCAL`,
    ],
    [
      'a reseller whose plan has no prices yet',
      { prices: { sale: local(9), wholesale: 'NO_PRICES' } },
      'NO_RATE WHOLESALE of FIXED_LOCAL',
    ],
    [
      'a reseller whose plan does not price the class',
      { prices: { sale: local(9), wholesale: byClass({ FIXED_LDN: 1 }) } },
      'NO_RATE WHOLESALE of FIXED_LOCAL',
    ],
    [
      'a loss is no way around a missing price',
      { prices: { sale: local(9), wholesale: 'NO_PRICES' }, subscriber: allowing },
      'NO_RATE WHOLESALE of FIXED_LOCAL',
    ],
    ['no plan at all', { prices: { wholesale: local(8) } }, 'NO_RATE FIXED_LOCAL of FIXED_LOCAL'],
    [
      'a carrier whose prices do not know the class',
      { prices: { sale: local(9), cost: byClass({ FIXED_LDN: 99 }) } },
      `${HERE} at 9/-/- from FIXED_LOCAL`,
    ],
    // a loss
    [
      'dearer than it sells',
      { prices: { sale: local(9), wholesale: local(10) } },
      'LOSS_CALL FIXED_LOCAL of FIXED_LOCAL',
    ],
    [
      'dearer than it sells, and allowed',
      { prices: { sale: local(9), wholesale: local(10) }, subscriber: allowing },
      `${HERE} at 9/10/- from FIXED_LOCAL at a loss`,
    ],
    [
      'allowed, and no loss',
      { prices: { sale: local(9), wholesale: local(9) }, subscriber: allowing },
      `${HERE} at 9/9/- from FIXED_LOCAL`,
    ],
    [
      'sold for nothing',
      { prices: { sale: local(0), cost: local(1) } },
      'LOSS_CALL FIXED_LOCAL of FIXED_LOCAL',
    ],
    [
      'what the reseller pays counts, not what the carrier asks',
      { prices: { sale: local(9), wholesale: local(8), cost: local(99) } },
      `${HERE} at 9/8/99 from FIXED_LOCAL`,
    ],
    [
      'the carrier counts where the reseller pays nothing',
      { prices: { sale: local(9), cost: local(10) }, subscriber: allowing },
      `${HERE} at 9/-/10 from FIXED_LOCAL at a loss`,
    ],
    [
      'by its prefix, which support is told',
      { prices: { sale: deck([['5511', 9]]), wholesale: deck([['55113', 10]]) } },
      'LOSS_CALL 5511 of FIXED_LOCAL',
    ],
    [
      'a dear prefix beside does not bite',
      {
        prices: {
          sale: deck([['5511', 9]]),
          wholesale: deck([
            ['5511', 9],
            ['55114', 10],
          ]),
        },
      },
      `${HERE} at 9/9/- by 5511 from FIXED_LOCAL`,
    ],
  ])('%s', (_, one, said) => {
    expect(say(one, LOCAL)).toBe(said);
  });

  test('a loss by rounding alone is let through: it is the business of the plan', () => {
    const minutes: Rate = { ...rate(9), cadence: { ...CADENCE, initial_seconds: 60, increment_seconds: 60 } };
    const wholesale: RateTable = {
      version_id: 'w',
      class_rates: new Map([['FIXED_LOCAL', minutes]]),
      deck: null,
    };
    expect(say({ prices: { sale: local(9), wholesale } }, LOCAL)).toBe(`${HERE} at 9/9/- from FIXED_LOCAL`);
  });

  test('free calls ask for no price, whatever the reseller pays', () => {
    expect(say({ prices: { wholesale: 'NO_PRICES' } }, '08001234567')).toBe(
      'TOLL_FREE 8001234567 at -/-/- from money',
    );
  });
});

const WORLD: readonly Row[] = [
  ['1', 50],
  ['1787', 60, 'MOBILE'],
  ['44', 70, 'FIXED'],
  ['447', 80, 'MOBILE'],
  ['351', 90],
  ['3519', 91, 'FIXED'],
  ['55', 10],
  ['5511', 11],
  ['!551133', 99],
  ['870', 500],
];

describe('a plan with a deck', () => {
  const BESIDE: Classes = { PUBLIC_UTILITY: 1, SHARED_COST: 2, PREMIUM: 3, COLLECT: 4, FIXED_LOCAL: 5 };
  const one: Case = { prices: { sale: deck(WORLD, BESIDE) } };

  test.each([
    ['by the longest prefix that is active', LOCAL, `${HERE} at 11/-/- by 5511 from FIXED_LOCAL`],
    ['by a shorter one elsewhere', '2133334444', 'FIXED_LDN +552133334444 at 10/-/- by 55 from FIXED_LDN'],
    ['mobile', '11987654321', 'MOBILE_LOCAL +5511987654321 at 11/-/- by 5511 from MOBILE_LOCAL'],
    ['abroad', '0012125551234', 'INTL_FIXED +12125551234 at 50/-/- by 1 from INTL_FIXED'],
    [
      'C of a number that may be both',
      '0017872345678',
      'INTL_MOBILE +17872345678 at 60/-/- by 1787 from INTL_MOBILE',
    ],
    ['C of a mobile number', '00447400123456', 'INTL_MOBILE +447400123456 at 80/-/- by 447 from INTL_MOBILE'],
    ['F of a fixed number', '00442079460000', 'INTL_FIXED +442079460000 at 70/-/- by 44 from INTL_FIXED'],
    ['F of a mobile number', '00351912345678', 'INTL_FIXED +351912345678 at 91/-/- by 3519 from INTL_FIXED'],
    [
      'no kind: the number decides',
      '00351212345678',
      'INTL_FIXED +351212345678 at 90/-/- by 351 from INTL_FIXED',
    ],
    ['special stays special', '00870773111632', 'INTL_SPECIAL +870773111632 at 500/-/- by 870 from money'],
    ['special needs a row', '0080012345678', 'NO_RATE INTL_SPECIAL of INTL_SPECIAL'],
    ['no row', '0033123456789', 'NO_RATE INTL_FIXED of INTL_FIXED'],
    ['a short code by class', '102', 'PUBLIC_UTILITY 102 at 1/-/- from money'],
    ['4004 by class', '40041234', 'SHARED_COST 40041234 at 2/-/- from money'],
    ['0300 by class', '03001234567', 'SHARED_COST 3001234567 at 2/-/- from money'],
    ['0900 by class', '09001234567', 'PREMIUM 9001234567 at 3/-/- from money'],
    [
      'collect by class, though its number has a row',
      '9090987654321',
      'COLLECT +5511987654321 at 4/-/- from money',
    ],
  ])('%s', (_, dialled, said) => {
    expect(say(one, dialled)).toBe(said);
  });

  test.each([
    ['102', 'NO_RATE PUBLIC_UTILITY of PUBLIC_UTILITY'],
    ['40041234', 'NO_RATE SHARED_COST of SHARED_COST'],
    ['9090987654321', 'NO_RATE COLLECT of COLLECT'],
    [LOCAL, `${HERE} at 11/-/- by 5511 from FIXED_LOCAL`],
  ])('without prices by class beside it: %s', (dialled, said) => {
    expect(say({ prices: { sale: deck(WORLD) } }, dialled)).toBe(said);
  });

  test('an inactive row is no row, even where nothing else fits', () => {
    expect(say({ prices: { sale: deck([['!5511', 1]]) } }, LOCAL)).toBe('NO_RATE FIXED_LOCAL of FIXED_LOCAL');
  });

  test('F or C of the row decides which permission and which minutes it takes', () => {
    const fixedOnly: Case = {
      ...one,
      allowed: ['INTL_FIXED'],
      subscriber: { slots: new Set(['INTL_FIXED']) },
    };
    expect(say(fixedOnly, '0017872345678')).toBe('CLASS_NOT_PERMITTED INTL_MOBILE of INTL_MOBILE');
    expect(say(fixedOnly, '00351912345678')).toBe(
      'INTL_FIXED +351912345678 at 91/-/- by 3519 from INTL_FIXED',
    );
    const mobileMinutes: Case = { ...one, subscriber: { slots: new Set(['INTL_MOBILE']) } };
    expect(say(mobileMinutes, '00351912345678')).toMatch(/ from money$/);
  });

  test('whoever is above looks the number up by its own prices, by prefix or by class', () => {
    const mixed: Case = {
      prices: {
        sale: deck(WORLD),
        wholesale: byClass({ INTL_MOBILE: 40, INTL_FIXED: 41 }),
        cost: deck([['17', 30]]),
      },
    };
    expect(say(mixed, '0017872345678')).toBe('INTL_MOBILE +17872345678 at 60/40/30 by 1787 from INTL_MOBILE');
    const turned: Case = { prices: { sale: byClass({ INTL_FIXED: 60 }), wholesale: deck(WORLD) } };
    expect(say(turned, '0012125551234')).toBe('INTL_FIXED +12125551234 at 60/50/- from INTL_FIXED');
  });
});

describe('how the subscriber’s phones dial', () => {
  const prices = {
    sale: deck([
      ['55', 10],
      ['1', 50],
    ]),
  };
  const dial = (subscriber: Partial<SubscriberFacts>, dialled: string) =>
    say({ prices, subscriber }, dialled);
  const NEW_YORK = 'INTL_FIXED +12125551234 at 50/-/- by 1 from INTL_FIXED';

  test.each<[SubscriberFacts['intl_dialing'], string, string]>([
    ['NO_CSP', '0012125551234', NEW_YORK],
    ['NO_CSP', '002112125551234', 'INVALID_NUMBER TOO_LONG of nothing'],
    ['CSP', '002112125551234', NEW_YORK],
    ['CSP', '0012125551234', 'INVALID_NUMBER TOO_SHORT of nothing'],
    ['AUTO', '0012125551234', NEW_YORK],
    ['AUTO', '002112125551234', NEW_YORK],
  ])('%s: %s', (intl_dialing, dialled, said) => {
    expect(dial({ intl_dialing }, dialled)).toBe(said);
  });

  test('the ninth digit is added, or is not', () => {
    const added = 'MOBILE_LOCAL +5511987654321 at 10/-/- by 55 from MOBILE_LOCAL';
    expect(dial({ auto_ninth_digit: true }, '1187654321')).toBe(added);
    expect(dial({ auto_ninth_digit: false }, '1187654321')).toBe(
      'INVALID_NUMBER BAD_SUBSCRIBER_NUMBER of nothing',
    );
  });
});
