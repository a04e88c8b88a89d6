import type { Redis } from 'ioredis';
import { type ClassGroup, type Counters, WATCHED_LEVELS, type WatchedLevel } from '../../domain/brake.ts';
import { exact } from './arguments.ts';
import { loadScripts } from './scripts.ts';

/** Windows count by buckets of so many ms. */
export const BUCKET_ms = 300_000;

/** What calls of a line and group did since it was told last. */
export interface Observation {
  readonly spent_micros: bigint;
  readonly short_calls: number;
  readonly numbers: readonly string[];
}

/** What calls did that ended before the windows began. */
export interface PastWindow {
  readonly buckets: readonly { readonly bucket: number; readonly spent: bigint; readonly short: number }[];
  readonly numbers: readonly { readonly number: string; readonly at: number }[];
}

export type Past = Readonly<Record<WatchedLevel, PastWindow>>;

export const NO_PAST: Past = { LINE: { buckets: [], numbers: [] }, SUBSCRIBER: { buckets: [], numbers: [] } };

/** Whose windows. */
export interface Watched {
  readonly line_id: string;
  readonly subscriber_id: string;
  readonly group: ClassGroup;
}

export interface WatchStore {
  /** Adds to the windows and reads them. null: they are not known here; ask again with their past. */
  watch(
    of: Watched,
    seen: Observation,
    past: Past | null,
  ): Promise<Readonly<Record<WatchedLevel, Counters>> | null>;
  /** Forgets the windows of a subscriber's group and, if one is named, of a line's. */
  forget(of: { subscriber_id: string; line_id: string | null; group: ClassGroup }): Promise<void>;
}

const windowKeys = (level: WatchedLevel, id: string, group: ClassGroup) => [
  `pabx:watch:${level}:${id}:${group}`,
  `pabx:watch:${level}:${id}:${group}:numbers`,
];

interface RawCounters {
  readonly spent_10m: string;
  readonly spent_60m: string;
  readonly short_10m: number;
  readonly numbers: number;
}

const toCounters = (raw: RawCounters): Counters => ({
  spent_10m_micros: BigInt(raw.spent_10m),
  spent_60m_micros: BigInt(raw.spent_60m),
  short_calls: raw.short_10m,
  destinations: raw.numbers,
});

const pastArgument = ({ buckets, numbers }: PastWindow) => ({
  buckets: buckets.map(({ bucket, spent, short }) => ({ bucket, spent: exact(spent), short })),
  numbers,
});

/** What calls of lines and subscribers did in the last hour, in Redis. */
export function createWatchStore(redis: Redis): WatchStore {
  const run = loadScripts(redis);
  return {
    async watch({ line_id, subscriber_id, group }, seen, past) {
      const windows = [
        ...windowKeys('LINE', line_id, group),
        ...windowKeys('SUBSCRIBER', subscriber_id, group),
      ];
      const argument = {
        spent: exact(seen.spent_micros),
        short: seen.short_calls,
        numbers: seen.numbers,
        past: past && WATCHED_LEVELS.map((level) => pastArgument(past[level])),
      };
      const read = await run('watchCalls', windows, [JSON.stringify(argument)]);
      if (read === null) return null;
      const [line, subscriber] = JSON.parse(read as string) as [RawCounters, RawCounters];
      return { LINE: toCounters(line), SUBSCRIBER: toCounters(subscriber) };
    },
    async forget({ subscriber_id, line_id, group }) {
      const ofLine = line_id === null ? [] : windowKeys('LINE', line_id, group);
      await redis.unlink(...windowKeys('SUBSCRIBER', subscriber_id, group), ...ofLine);
    },
  };
}
