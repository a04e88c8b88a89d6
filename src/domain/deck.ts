import type { Cadence } from './cadence.ts';
import type { Micros } from './money.ts';
import type { FoundRate, RateKind } from './rate-table.ts';

/** One row of a prefix deck. */
export interface DeckRow {
  /** Leading digits of an E.164 number, without `+`. */
  readonly prefix: string;
  readonly locality: string;
  readonly kind: RateKind | null;
  readonly price_micros_per_minute: Micros;
  readonly cadence: Cadence;
  readonly active: boolean;
}

export interface Deck {
  /** Rows of the deck that are active. */
  readonly size: number;
  /** The rate of the longest prefix of these digits; null when none fits. */
  find(digits: string): FoundRate | null;
}

export interface DeckBuilder {
  /** A prefix that is added twice: the later row counts. */
  add(row: DeckRow): void;
  build(): Deck;
}

const DIGITS = 10;
const ZERO = '0'.charCodeAt(0);
const NONE = -1;

/** Doubles the room; what is new holds no row and leads nowhere. */
function grown(old: Int32Array<ArrayBuffer>, fill: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(old.length * 2).fill(fill, old.length);
  next.set(old);
  return next;
}

/**
 * Collects a deck as a tree of digits in two flat arrays: finding the longest of 100,000 prefixes is one walk along the
 * number, and the tree costs the garbage collector nothing. Rows that are not active are left out.
 */
export function createDeckBuilder(version_id: string): DeckBuilder {
  let next: Int32Array<ArrayBuffer> = new Int32Array(1024 * DIGITS);
  let rowOf: Int32Array<ArrayBuffer> = new Int32Array(1024).fill(NONE);
  let nodes = 1;
  let size = 0;
  const rows: FoundRate[] = [];
  /** Rows of a deck repeat a few cadences and localities: each is kept once. */
  const known = new Map<string, Cadence | string>();
  const once = <T extends Cadence | string>(key: string, value: T): T => {
    const kept = known.get(key) as T | undefined;
    if (kept === undefined) known.set(key, value);
    return kept ?? value;
  };

  function nodeOf(prefix: string): number {
    let node = 0;
    for (let i = 0; i < prefix.length; i += 1) {
      const at = node * DIGITS + prefix.charCodeAt(i) - ZERO;
      if (next[at] === 0) {
        if (nodes === rowOf.length) [next, rowOf] = [grown(next, 0), grown(rowOf, NONE)];
        next[at] = nodes;
        nodes += 1;
      }
      node = next[at] as number;
    }
    return node;
  }

  return {
    add({ prefix, locality, kind, price_micros_per_minute, cadence, active }) {
      if (!/^[0-9]+$/.test(prefix)) throw new RangeError(`not a prefix: ${JSON.stringify(prefix)}`);
      if (!active) return;
      const node = nodeOf(prefix);
      if (rowOf[node] === NONE) size += 1;
      rowOf[node] = rows.length;
      const { initial_seconds, increment_seconds, free_threshold_seconds } = cadence;
      rows.push({
        version_id,
        price_micros_per_minute,
        cadence: once(`${initial_seconds}/${increment_seconds}/${free_threshold_seconds}`, cadence),
        prefix,
        locality: once(`=${locality}`, locality),
        kind,
      });
    },
    build() {
      const [tree, ends] = [next.slice(0, nodes * DIGITS), rowOf.slice(0, nodes)];
      // Every node gets the row of its longest prefix: finding asks one node, the last that it reached. Nodes come
      // after those that lead to them.
      for (let at = 0; at < tree.length; at += 1) {
        const child = tree[at] as number;
        if (child > 0 && ends[child] === NONE) ends[child] = ends[Math.floor(at / DIGITS)] as number;
      }
      return {
        size,
        find(digits) {
          let node = 0;
          for (let i = 0; i < digits.length; i += 1) {
            const child = tree[node * DIGITS + digits.charCodeAt(i) - ZERO] ?? 0;
            if (child === 0) break;
            node = child;
          }
          return rows[ends[node] as number] ?? null;
        },
      };
    },
  };
}

/** A deck of rows that are there already. */
export function deckOf(version_id: string, rows: Iterable<DeckRow>): Deck {
  const builder = createDeckBuilder(version_id);
  for (const row of rows) builder.add(row);
  return builder.build();
}
