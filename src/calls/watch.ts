import {
  type ClassGroup,
  type Counters,
  groupOf,
  isNight,
  type Judgement,
  judge,
  NEW_COUNTRY_ms,
  type NightHours,
  NO_COUNTERS,
  WATCHED_LEVELS,
  type WatchedLevel,
} from '../domain/brake.ts';
import { countryOf } from '../domain/country.ts';
import type { localTime } from '../domain/cycle.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { type Habits, readHabits, readRecentCalls } from '../stores/postgres/spending.ts';
import {
  BUCKET_ms,
  NO_PAST,
  type Observation,
  type Past,
  type Watched,
  type WatchStore,
} from '../stores/redis/watch-store.ts';
import type { CallFacts } from './live-call.ts';
import type { Log } from './log.ts';
import { createShelf } from './shelf.ts';

export type Judgements = Readonly<Record<WatchedLevel, Judgement>>;

/** Knows what calls of a line and of its subscriber did of late, and judges by it. */
export interface Watch {
  /** Learns what is usual for the subscriber, so that a call of a group is judged by it. */
  learn(facts: CallFacts): Promise<void>;
  /** By what is known in memory, at this moment. */
  judge(facts: CallFacts, group: ClassGroup, percent: number): Judgements;
  /** Adds what a call did; `onCounted` is called when it counts. */
  see(facts: CallFacts, group: ClassGroup, seen: Observation): void;
  /** Forgets what a group of a subscriber did: people said that it was good. */
  forget(subscriber_id: string, line_id: string | null, group: ClassGroup): Promise<void>;
  idle(): Promise<void>;
}

export interface WatchDependencies {
  readonly db: Db;
  readonly store: WatchStore;
  readonly log: Log;
  readonly night: NightHours;
  /** The hour and the day of the week by which night and weekend are told. */
  localTime(): ReturnType<typeof localTime>;
  onCounted(facts: CallFacts, group: ClassGroup): void;
}

/** What is usual is looked up anew after so long. */
const HABITS_ms = 6 * 3_600_000;
/** Counters that nothing was added to for so long tell nothing any more. */
const COUNTERS_ms = 3_600_000;
/** When countries were first called that are new no longer. */
const LONG_AGO = 0;

const idOf = (level: WatchedLevel, of: Pick<CallFacts, 'line_id' | 'subscriber_id'>) =>
  level === 'LINE' ? of.line_id : of.subscriber_id;

interface Waiting {
  facts: CallFacts;
  spent_micros: bigint;
  short_calls: number;
  numbers: Set<string>;
}

export function createWatch({ db, store, log, night, onCounted, ...deps }: WatchDependencies): Watch {
  const counted = createShelf<{ counters: Counters; at_ms: number }>();
  const known = createShelf<{ habits: Habits; countries: Map<string, number>; at_ms: number }>();
  /** Numbers are read over and over while their calls run. */
  const places = createShelf<string>();
  const learning = new Map<string, Promise<void>>();
  /** What was seen and not sent yet, by line and group. While one is under way, the others gather for the next. */
  const waiting = new Map<string, Waiting>();
  const underway = new Map<string, Promise<void>>();

  function placeOf({ number }: CallFacts): string {
    const place = places.get(number) ?? countryOf(number);
    places.set(number, place);
    return place;
  }

  async function learn({ subscriber_id }: CallFacts): Promise<void> {
    const kept = known.get(subscriber_id);
    if (kept && Date.now() - kept.at_ms < HABITS_ms) return;
    const read = async () => {
      const habits = await readHabits(db, subscriber_id);
      known.set(subscriber_id, { habits, countries: new Map(habits.countries), at_ms: Date.now() });
    };
    const reading =
      learning.get(subscriber_id) ??
      read()
        .catch((error: Error) => log.warn({ err: error, subscriber_id }, 'what is usual is not known'))
        .finally(() => learning.delete(subscriber_id));
    learning.set(subscriber_id, reading);
    // What is known may be old, but it is there.
    if (!kept) await reading;
  }

  function isNewCountry(facts: CallFacts, group: ClassGroup): boolean {
    const habits = known.get(facts.subscriber_id);
    if (group !== 'ABROAD' || !habits) return false;
    const first_ms = habits.countries.get(placeOf(facts));
    return first_ms === undefined || first_ms > Date.now() - NEW_COUNTRY_ms;
  }

  function countersOf(level: WatchedLevel, facts: CallFacts, group: ClassGroup): Counters {
    const kept = counted.get(`${idOf(level, facts)} ${group}`);
    return kept && Date.now() - kept.at_ms < COUNTERS_ms ? kept.counters : NO_COUNTERS;
  }

  async function readPast(of: Watched): Promise<Past> {
    try {
      const { buckets, numbers } = await readRecentCalls(db, of, BUCKET_ms);
      const own = <T extends { own: boolean }>(all: readonly T[]) => all.filter((one) => one.own);
      return { LINE: { buckets: own(buckets), numbers: own(numbers) }, SUBSCRIBER: { buckets, numbers } };
    } catch (error) {
      log.warn({ err: error, line: of.line_id }, 'the last hour of calls is not known; it begins anew');
      return NO_PAST;
    }
  }

  async function send(key: string, group: ClassGroup, { facts, ...seen }: Waiting): Promise<void> {
    const of = { line_id: facts.line_id, subscriber_id: facts.subscriber_id, group };
    const observation = { ...seen, numbers: [...seen.numbers] };
    try {
      await learn(facts);
      const counters =
        (await store.watch(of, observation, null)) ??
        (await store.watch(of, observation, await readPast(of)));
      if (!counters) throw new Error('windows were not begun');
      for (const level of WATCHED_LEVELS)
        counted.set(`${idOf(level, facts)} ${group}`, { counters: counters[level], at_ms: Date.now() });
      onCounted(facts, group);
    } catch (error) {
      log.warn({ err: error, call: facts.call_id }, 'a call was not counted');
    }
    const next = waiting.get(key);
    waiting.delete(key);
    if (next) underway.set(key, send(key, group, next));
    else underway.delete(key);
  }

  function see(facts: CallFacts, group: ClassGroup, seen: Observation): void {
    const key = `${facts.line_id} ${group}`;
    const { spent_micros, short_calls, numbers } = seen;
    if (!underway.has(key)) {
      underway.set(key, send(key, group, { facts, spent_micros, short_calls, numbers: new Set(numbers) }));
      return;
    }
    const gathered = waiting.get(key) ?? { facts, spent_micros: 0n, short_calls: 0, numbers: new Set() };
    gathered.spent_micros += spent_micros;
    gathered.short_calls += short_calls;
    for (const number of numbers) gathered.numbers.add(number);
    if (isNewCountry(facts, group)) gathered.facts = facts;
    waiting.set(key, gathered);
  }

  return {
    learn,
    judge(facts, group, percent) {
      const { hour, weekend } = deps.localTime();
      const common = {
        group,
        usual_day_micros: known.get(facts.subscriber_id)?.habits.usual_day_micros[group] ?? 0n,
        new_country: isNewCountry(facts, group),
        night: isNight(hour, night),
        weekend,
      };
      const of = (level: WatchedLevel) =>
        judge({ ...common, level, ...countersOf(level, facts, group) }, percent);
      return { LINE: of('LINE'), SUBSCRIBER: of('SUBSCRIBER') };
    },
    see(facts, group, seen) {
      see(facts, group, seen);
      const countries = known.get(facts.subscriber_id)?.countries;
      const country = group === 'ABROAD' && seen.numbers.length > 0 ? placeOf(facts) : null;
      if (countries && country !== null && !countries.has(country)) countries.set(country, Date.now());
    },
    async forget(subscriber_id, line_id, group) {
      const countries = known.get(subscriber_id)?.countries ?? new Map<string, number>();
      for (const country of countries.keys()) if (group === 'ABROAD') countries.set(country, LONG_AGO);
      for (const id of [subscriber_id, line_id]) if (id) counted.delete(`${id} ${group}`);
      await store.forget({ subscriber_id, line_id, group });
    },
    async idle() {
      while (underway.size > 0) await Promise.all(underway.values());
    },
  };
}

/** null: nobody watches it. */
export function watchedGroup(facts: CallFacts): ClassGroup | null {
  return facts.direction === 'OUT' && facts.rate ? groupOf(facts.call_class) : null;
}
