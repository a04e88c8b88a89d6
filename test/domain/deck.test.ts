import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDeckBuilder, type DeckRow, deckOf } from '../../src/domain/deck.ts';

const row = (prefix: string, price: number, active = true): DeckRow => ({
  prefix,
  locality: `to ${prefix}`,
  kind: null,
  price_micros_per_minute: BigInt(price),
  cadence: { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
  active,
});

/** What the tree must find: the longest active prefix, of equal ones the later row. */
function longest(rows: readonly DeckRow[], digits: string): DeckRow | null {
  let best: DeckRow | null = null;
  for (const one of rows)
    if (one.active && digits.startsWith(one.prefix) && one.prefix.length >= (best?.prefix.length ?? 0))
      best = one;
  return best;
}

describe('a deck', () => {
  // Few digits and short prefixes, so that prefixes often stand inside each other.
  const digits = (min: number, max: number) =>
    fc.array(fc.constantFrom('1', '5', '9'), { minLength: min, maxLength: max }).map((some) => some.join(''));
  const rows = fc
    .array(fc.tuple(digits(1, 5), fc.nat(1_000), fc.boolean()), { maxLength: 60 })
    .map((some) => some.map((parts) => row(...parts)));

  test('finds the longest active prefix, as looking at every row does', () => {
    fc.assert(
      fc.property(rows, fc.array(digits(0, 8), { minLength: 1, maxLength: 20 }), (some, numbers) => {
        const deck = deckOf('v1', some);
        for (const number of numbers) {
          const found = deck.find(number);
          const wanted = longest(some, number);
          expect(found && [found.prefix, found.price_micros_per_minute]).toEqual(
            wanted && [wanted.prefix, wanted.price_micros_per_minute],
          );
        }
        expect(deck.size).toBe(new Set(some.filter(({ active }) => active).map(({ prefix }) => prefix)).size);
      }),
      { numRuns: 500 },
    );
  });

  test('says where a rate was found', () => {
    const { active: _, ...rate } = { ...row('5511', 7), locality: 'São Paulo', kind: 'FIXED' as const };
    expect(deckOf('v1', [{ ...rate, active: true }]).find('551133334444')).toEqual({
      version_id: 'v1',
      ...rate,
    });
  });

  test.each([
    ['nothing in it', [], '5511', null],
    ['a number that is the prefix itself', [row('5511', 1)], '5511', '5511'],
    ['a number shorter than the prefix', [row('5511', 1)], '551', null],
    ['no digits', [row('5', 1)], '', null],
    ['an inactive row inside an active one', [row('55', 1), row('5511', 2, false)], '5511', '55'],
    ['an active row inside an inactive one', [row('55', 1, false), row('5511', 2)], '5511', '5511'],
    ['the longest prefix there can be', [row('551133334444555', 1)], '551133334444555', '551133334444555'],
    ['what is no digit', [row('5', 1), row('55', 1)], '5*5', '5'],
  ])('%s', (_, some, number, prefix) => {
    expect(deckOf('v1', some).find(number)?.prefix ?? null).toBe(prefix);
  });

  test.each(['', '+55', '5 5', 'x', '5x'])('refuses the prefix %j', (prefix) => {
    expect(() => createDeckBuilder('v1').add(row(prefix, 1))).toThrow(RangeError);
  });

  test('keeps what was built when its builder goes on', () => {
    const builder = createDeckBuilder('v1');
    builder.add(row('55', 1));
    const deck = builder.build();
    builder.add(row('5511', 2));
    expect(deck.find('5511')?.prefix).toBe('55');
    expect(builder.build().find('5511')?.prefix).toBe('5511');
  });

  test('keeps what was built also where its builder prices a prefix of what was there', () => {
    const builder = createDeckBuilder('v1');
    builder.add(row('5511', 1));
    const deck = builder.build();
    builder.add(row('55', 2));
    expect(deck.find('5521')).toBeNull();
    expect(builder.build().find('5521')?.prefix).toBe('55');
  });

  test('keeps each row’s own cadence and locality, and equal cadences once', () => {
    const cadences = ['30/6/3', '60/6/3', '30/60/3', '30/6/0', '30/6/3', '30/6/3'];
    const some = cadences.map((text, index): DeckRow => {
      const [initial_seconds = 0, increment_seconds = 0, free_threshold_seconds = 0] = text
        .split('/')
        .map(Number);
      return {
        ...row(`5${index}`, 1),
        cadence: { initial_seconds, increment_seconds, free_threshold_seconds },
      };
    });
    const deck = deckOf('v1', some);
    const found = some.map(({ prefix }) => deck.find(prefix));
    expect(found.map((rate) => rate?.locality)).toEqual(some.map(({ locality }) => locality));
    expect(found.map((rate) => rate?.cadence)).toEqual(some.map(({ cadence }) => cadence));
    expect(new Set(found.map((rate) => rate?.cadence)).size).toBe(4);
  });

  test('grows to a hundred thousand rows and finds each of them', () => {
    const some = Array.from({ length: 100_000 }, (_, n) => row(`55${String(n).padStart(5, '0')}`, n));
    const deck = deckOf('v1', some);
    expect(deck.size).toBe(100_000);
    expect(some.every(({ prefix }) => deck.find(`${prefix}99`)?.prefix === prefix)).toBe(true);
  });
});
