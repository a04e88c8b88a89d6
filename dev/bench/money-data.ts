import type { Cadence } from '../../src/domain/cadence.ts';
import type { CallClass } from '../../src/domain/call-class.ts';
import type { DeckRow } from '../../src/domain/deck.ts';

/** How many prefixes of each length a deck has, as decks of carriers have: most are of exchanges, nested in areas. */
const ROWS_BY_LENGTH: Readonly<Record<number, number>> = {
  2: 60,
  3: 440,
  4: 2_500,
  5: 9_000,
  6: 20_000,
  7: 30_000,
  8: 28_000,
  9: 10_000,
};

export const SHORTEST_PREFIX = 2;
export const LONGEST_PREFIX = 9;

const CADENCES: readonly Cadence[] = [
  { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
  { initial_seconds: 60, increment_seconds: 60, free_threshold_seconds: 0 },
  { initial_seconds: 1, increment_seconds: 1, free_threshold_seconds: 0 },
];

/** Always the same sequence of numbers from 0 to 1, so that every run rates the same calls. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One of these; of an empty list there is none. */
export function pick<T>(next: () => number, values: readonly T[]): T {
  return values[Math.floor(next() * values.length)] as T;
}

/** Digits that make a number of a prefix. */
const digits = (next: () => number, count: number) =>
  Array.from({ length: count }, () => Math.floor(next() * 10)).join('');

/** 100,000 rows: most extend a shorter one, and nothing begins with 9, so that some numbers find none. */
export function makeDeck(): DeckRow[] {
  const next = chance(1);
  const byLength = new Map<number, string[]>();
  const known = new Set<string>();
  for (let length = SHORTEST_PREFIX; length <= LONGEST_PREFIX; length += 1) {
    const shorter = byLength.get(length - 1) ?? [];
    const own: string[] = [];
    while (own.length < (ROWS_BY_LENGTH[length] ?? 0)) {
      const nested = shorter.length > 0 && next() < 0.7;
      const start = nested ? pick(next, shorter) : String(1 + Math.floor(next() * 8));
      const prefix = start + digits(next, length - start.length);
      if (known.has(prefix)) continue;
      known.add(prefix);
      own.push(prefix);
    }
    byLength.set(length, own);
  }
  return [...known].map((prefix) => ({
    prefix,
    locality: `Cidade ${prefix.slice(0, 5)}`,
    kind: pick(next, ['FIXED', 'MOBILE', null] as const),
    price_micros_per_minute: BigInt(20_000 + Math.floor(next() * 900_000)),
    cadence: pick(next, CADENCES),
    active: true,
  }));
}

/** A call to be rated: whom it reaches, how long, and how many minutes are left for it. */
export interface RatedCall {
  readonly number: string;
  readonly class: CallClass;
  readonly talk_ms: number;
  readonly left_seconds: number;
}

/** Numbers that end at prefixes of every length, some at none. */
export function makeCalls(deck: readonly DeckRow[], count: number): RatedCall[] {
  const next = chance(2);
  return Array.from({ length: count }, () => {
    const start = next() < 0.95 ? pick(next, deck).prefix : '9';
    return {
      number: `+${start}${digits(next, 12 - start.length)}`,
      class: pick(next, ['FIXED_LDN', 'MOBILE_LDN', 'INTL_FIXED', 'INTL_MOBILE'] as const),
      talk_ms: Math.floor(next() * 400_000),
      left_seconds: next() < 0.5 ? 0 : Math.floor(next() * 600),
    };
  });
}
