import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { billedSeconds, parseCadence } from '../../src/domain/cadence.ts';
import type { CallClass } from '../../src/domain/call-class.ts';
import { type DeckRow, deckOf } from '../../src/domain/deck.ts';
import { classifyDialled } from '../../src/domain/dialled-number.ts';
import { lossOf, severityOf } from '../../src/domain/loss.ts';
import { classesOfPrefix } from '../../src/domain/loss-classes.ts';
import { createLossWalk, type Meeting, type SidedRow } from '../../src/domain/loss-walk.ts';
import { priceOfSeconds } from '../../src/domain/money.ts';
import type { Rate, RateKind } from '../../src/domain/rate-table.ts';

function rate(price: bigint | number, cadence = '30/6/3'): Rate {
  const parsed = parseCadence(cadence);
  if (!parsed) throw new Error(`no cadence: ${cadence}`);
  return { price_micros_per_minute: BigInt(price), cadence: parsed };
}

describe('a loss', () => {
  test.each([
    ['sold above cost', rate(100_000), rate(80_000), null],
    ['sold at cost', rate(100_000), rate(100_000), null],
    ['sold below cost', rate(100_000), rate(100_001), { kind: 'PRICE', micros_per_minute: 1n }],
    ['sold for nothing', rate(0), rate(5), { kind: 'PRICE', micros_per_minute: 5n }],
    ['both for nothing, by different steps', rate(0, '1/1/0'), rate(0, '60/60/0'), null],
    [
      'dearer, though the steps of the sale are longer',
      rate(9, '60/60'),
      rate(10, '1/1'),
      { kind: 'PRICE', micros_per_minute: 1n },
    ],
    // one real a minute by the second, bought by the minute: no call but whole minutes earns
    [
      'by the second over by the minute',
      rate(1_000_000, '1/1/0'),
      rate(1_000_000, '60/60/0'),
      { kind: 'CADENCE', up_to_seconds: 599 },
    ],
    ['by the minute over by the second', rate(1_000_000, '60/60/0'), rate(1_000_000, '1/1/0'), null],
    // 30 s sold for 0.10, bought for 0.12 in the first minute: a minute's margin makes up for it from 37 s on
    [
      'short calls alone',
      rate(200_000, '30/6/0'),
      rate(120_000, '60/60/0'),
      { kind: 'CADENCE', up_to_seconds: 66 },
    ],
    [
      'within the free seconds of the sale',
      rate(200_000, '30/6/10'),
      rate(100_000, '30/6/3'),
      { kind: 'CADENCE', up_to_seconds: 9 },
    ],
    [
      'a difference below a micro is none',
      rate(1, '1/1/0'),
      rate(1, '30/1/0'),
      { kind: 'CADENCE', up_to_seconds: 29 },
    ],
  ] as const)('%s', (_, sale, cost, loss) => {
    expect(lossOf(sale, cost)).toEqual(loss);
  });

  const cadences = fc
    .tuple(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }), fc.nat(30))
    .map((parts) => parts.join('/'));
  const rates = fc
    .tuple(fc.oneof(fc.nat(50), fc.nat(1_000_000_000)), cadences)
    .map((parts) => rate(...parts));

  test('is what the bills of calls of up to ten minutes say', () => {
    const bill = ({ price_micros_per_minute, cadence }: Rate, talk: number) =>
      priceOfSeconds(price_micros_per_minute, billedSeconds(talk, cadence));
    fc.assert(
      fc.property(rates, rates, (sale, cost) => {
        const loss = lossOf(sale, cost);
        if (sale.price_micros_per_minute < cost.price_micros_per_minute) {
          expect(loss?.kind).toBe('PRICE');
          return;
        }
        const losing = Array.from({ length: 600 }, (_, n) => n + 1).filter(
          (talk) => bill(sale, talk) < bill(cost, talk),
        );
        const last = losing.at(-1);
        expect(loss).toEqual(last === undefined ? null : { kind: 'CADENCE', up_to_seconds: last });
      }),
      { numRuns: 300 },
    );
  });

  test('of the price is worse than one of rounding, and none is none', () => {
    const worse = [
      null,
      lossOf(rate(9, '1/1'), rate(9, '60/60')),
      lossOf(rate(1), rate(2)),
      lossOf(rate(1), rate(3)),
    ];
    const weights = worse.map(severityOf);
    expect(weights).toEqual([...weights].sort((a, b) => a - b));
    expect(new Set(weights).size).toBe(worse.length);
  });
});

const row = (prefix: string): DeckRow => ({ prefix, locality: prefix, kind: null, ...rate(1), active: true });

/** Both decks in the order of a walk. */
function sided(sale: readonly string[], cost: readonly string[]): SidedRow[] {
  const all = [...new Set([...sale, ...cost])].sort();
  return all.flatMap((prefix) => [
    ...(sale.includes(prefix) ? [{ side: 'SALE' as const, row: row(prefix) }] : []),
    ...(cost.includes(prefix) ? [{ side: 'COST' as const, row: row(prefix) }] : []),
  ]);
}

function walk(sale: readonly string[], cost: readonly string[]): string[] {
  const found: Meeting[] = [];
  const steps = createLossWalk((meeting) => found.push(meeting));
  for (const one of sided(sale, cost)) steps.add(one);
  steps.end();
  return found.map((meeting) => `${meeting.sale.prefix}~${meeting.cost?.prefix ?? '-'}`);
}

describe('rows that meet', () => {
  test.each([
    ['the same prefix', ['55'], ['55'], ['55~55']],
    ['a cost above', ['5592'], ['5', '55'], ['5592~55']],
    ['a cost below', ['55'], ['55', '5592'], ['55~55', '55~5592']],
    ['a cost below alone: the rest has none', ['55'], ['5592'], ['55~-', '55~5592']],
    ['a cost below a longer sale', ['55', '5592'], ['5', '55921'], ['55~5', '5592~5', '5592~55921']],
    ['a cost that a longer sale takes over', ['55', '5592'], ['55', '5592'], ['55~55', '5592~5592']],
    ['side by side', ['1', '33', '44'], ['1', '34', '44'], ['1~1', '33~-', '44~44']],
    ['costs alone', [], ['1', '55'], []],
    ['sales alone', ['1', '55'], [], ['1~-', '55~-']],
    ['after coming out of a deep one', ['5', '6'], ['55111', '6'], ['5~-', '5~55111', '6~6']],
  ])('%s', (_, sale, cost, met) => {
    expect(walk(sale, cost)).toEqual(met);
  });

  const prefixes = fc.uniqueArray(
    fc.array(fc.constantFrom('1', '5', '9'), { minLength: 1, maxLength: 5 }).map((digits) => digits.join('')),
    { maxLength: 30 },
  );

  test('are those of the definition: the longest cost above, and what lies below with no longer sale between', () => {
    const within = (one: string, other: string) => one.startsWith(other);
    const longestOf = (all: readonly string[], of: string) =>
      all.filter((one) => within(of, one)).sort((a, b) => b.length - a.length)[0];
    fc.assert(
      fc.property(prefixes, prefixes, (sale, cost) => {
        const wanted = sale.flatMap((one) => [
          `${one}~${longestOf(cost, one) ?? '-'}`,
          ...cost
            .filter((below) => below !== one && within(below, one) && longestOf(sale, below) === one)
            .map((below) => `${one}~${below}`),
        ]);
        expect([...walk(sale, cost)].sort()).toEqual(wanted.sort());
      }),
      { numRuns: 500 },
    );
  });

  test('are told in the order of the longer prefix, each of which comes once', () => {
    fc.assert(
      fc.property(prefixes, prefixes, (sale, cost) => {
        const at = walk(sale, cost).map((pair) => {
          const [one = '', other = ''] = pair.split('~');
          return other !== '-' && other.length > one.length ? other : one;
        });
        expect(at).toEqual([...new Set(at)].sort());
      }),
    );
  });

  test('are all that any number is priced by', () => {
    const numbers = fc
      .array(fc.constantFrom('1', '5', '9'), { minLength: 6, maxLength: 8 })
      .map((digits) => digits.join(''));
    fc.assert(
      fc.property(prefixes, prefixes, numbers, (sale, cost, number) => {
        const sold = deckOf('s', sale.map(row)).find(number)?.prefix;
        if (sold === undefined) return;
        const bought = deckOf('c', cost.map(row)).find(number)?.prefix ?? '-';
        expect(walk(sale, cost)).toContain(`${sold}~${bought}`);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the classes of a prefix', () => {
  const fixed = ['FIXED_LOCAL', 'FIXED_LDN'];
  const mobile = ['MOBILE_LOCAL', 'MOBILE_LDN'];
  const world = ['INTL_FIXED', 'INTL_MOBILE', 'INTL_SPECIAL'];
  test.each<[string, RateKind | null, string[]]>([
    ['55', null, [...fixed, ...mobile]],
    ['55', 'MOBILE', [...fixed, ...mobile]],
    ['5511', null, [...fixed, ...mobile]],
    ['551', null, [...fixed, ...mobile]],
    ['55113', null, fixed],
    ['55119', null, mobile],
    ['551190', null, []],
    ['551198', null, mobile],
    ['55117', null, mobile],
    ['55116', null, []],
    ['551163', null, []],
    ['551139', null, fixed],
    ['5520', null, []],
    ['5', null, [...fixed, ...mobile, ...world]],
    ['5', 'FIXED', [...fixed, ...mobile, 'INTL_FIXED']],
    ['51', null, world],
    ['1', 'FIXED', ['INTL_FIXED']],
    ['447', 'MOBILE', ['INTL_MOBILE']],
    ['870', 'MOBILE', ['INTL_SPECIAL']],
    ['8816', null, ['INTL_SPECIAL']],
    ['8', 'MOBILE', ['INTL_MOBILE']],
  ])('%s %s', (prefix, kind, classes) => {
    expect(classesOfPrefix(prefix, kind)).toEqual(classes);
  });

  test('hold the class of every Brazilian number that begins so', () => {
    const area = fc.constantFrom('11', '21', '92');
    const digits = fc.oneof(
      fc.stringMatching(/^[2-5]\d{7}$/),
      fc.stringMatching(/^9[1-9]\d{7}$/),
      fc.stringMatching(/^7\d{7}$/),
    );
    const context = {
      areaCode: '11',
      extensions: new Set<string>(),
      intlDialing: 'NO_CSP',
      autoNinthDigit: false,
    } as const;
    fc.assert(
      fc.property(area, digits, fc.integer({ min: 1, max: 12 }), (code, rest, length) => {
        const result = classifyDialled(`+55${code}${rest}`, context);
        if (result.kind !== 'NUMBER') throw new Error('a number of Brazil that is none');
        const classes: CallClass[] = classesOfPrefix(result.number.slice(1, 1 + length), null);
        expect(classes).toContain(result.class);
      }),
    );
  });
});
