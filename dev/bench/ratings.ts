import { chargeCall, grantFor } from '../../src/domain/charge.ts';
import { type DeckRow, deckOf } from '../../src/domain/deck.ts';
import { classByRate, type FoundRate, findRate, type RateTable } from '../../src/domain/rate-table.ts';
import { LONGEST_PREFIX, makeCalls, makeDeck, type RatedCall, SHORTEST_PREFIX } from './money-data.ts';
import type { MeasuredWay } from './rounds.ts';

const CALLS = 200_000;
const VERSION = 'bench';

/** What everybody writes first: a map of prefixes, asked for every length of the number, the longest first. */
function walk(map: ReadonlyMap<string, FoundRate>, { number }: RatedCall): FoundRate | null {
  for (let length = LONGEST_PREFIX; length >= SHORTEST_PREFIX; length -= 1) {
    const found = map.get(number.slice(1, 1 + length));
    if (found) return found;
  }
  return null;
}

function mapOf(rows: readonly DeckRow[]): Map<string, FoundRate> {
  return new Map(rows.map(({ active: _, ...rate }) => [rate.prefix, { ...rate, version_id: VERSION }]));
}

const bill = (call: RatedCall, rate: FoundRate) =>
  chargeCall(call.talk_ms, rate, grantFor(call.talk_ms, rate, call.left_seconds));

/** Both find the same row of every number, or there is nothing to compare. Numbers that hit, by length of the prefix. */
function checkSameRows(table: RateTable, map: ReadonlyMap<string, FoundRate>, calls: readonly RatedCall[]) {
  const hits = new Map<number, number>();
  for (const call of calls) {
    const [one, other] = [walk(map, call), findRate(table, call)];
    const same = (key: keyof FoundRate) => one?.[key] === other?.[key];
    if (!same('prefix') || !same('price_micros_per_minute') || !same('kind'))
      throw new Error(`the map and the deck differ in ${call.number}: ${one?.prefix} and ${other?.prefix}`);
    const length = one?.prefix?.length ?? 0;
    hits.set(length, (hits.get(length) ?? 0) + 1);
  }
  return [...hits].sort(([a], [b]) => a - b);
}

/** CPU time of this process so far: others on the same cores do not count. */
function cpu_seconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Between two looks at the clock. */
const STRETCH = 10_000;

/**
 * Runs over the calls again and again for so many seconds of CPU. What comes out is added up, so that nothing is left
 * out.
 */
function ratesPerSecond(seconds: number, calls: readonly RatedCall[], rate: (call: RatedCall) => number) {
  const start = cpu_seconds();
  let [done, sum] = [0, 0];
  while (cpu_seconds() - start < seconds) {
    const from = done % calls.length;
    for (let i = from; i < from + STRETCH; i += 1) sum += rate(calls[i] as RatedCall);
    done += STRETCH;
  }
  if (sum === 0) throw new Error('nothing was rated');
  return done / (cpu_seconds() - start);
}

export interface Ratings {
  readonly ways: readonly MeasuredWay[];
  readonly about: string;
}

/** Rating a call against finding its prefix alone. */
export function prepareRatings(seconds: number): Ratings {
  const rows = makeDeck();
  const table: RateTable = { version_id: VERSION, class_rates: new Map(), deck: deckOf(VERSION, rows) };
  const map = mapOf(rows);
  const calls = makeCalls(rows, CALLS);
  const hits = checkSameRows(table, map, calls);
  const ways: readonly (readonly [name: string, rate: (call: RatedCall) => number])[] = [
    ['map walk', (call) => (walk(map, call) ? 1 : 0)],
    [
      'map walk and bill',
      (call) => {
        const rate = walk(map, call);
        return rate ? bill(call, rate).billed_seconds : 0;
      },
    ],
    ['deck', (call) => (findRate(table, call) ? 1 : 0)],
    [
      'rating',
      (call) => {
        const rate = findRate(table, call);
        if (!rate) return 0;
        return bill(call, rate).billed_seconds + classByRate(call.class, rate).length;
      },
    ],
  ];
  for (const [, rate] of ways) ratesPerSecond(0.3, calls, rate);
  return {
    about: `${rows.length} prefixes, ${CALLS} numbers; hits by length: ${hits.map((pair) => pair.join(': ')).join(', ')}`,
    ways: ways.map(([name, rate]) => ({ name, run: async () => ratesPerSecond(seconds, calls, rate) })),
  };
}
