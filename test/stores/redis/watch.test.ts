import { beforeAll, describe, expect, test } from 'vitest';
import { NO_COUNTERS } from '../../../src/domain/brake.ts';
import {
  BUCKET_ms,
  createWatchStore,
  NO_PAST,
  type Past,
  type Watched,
  type WatchStore,
} from '../../../src/stores/redis/watch-store.ts';
import { newId, useStore } from './use-store.ts';

const bench = useStore();
let store: WatchStore;

beforeAll(() => {
  store = createWatchStore(bench().redis);
});

const watchedLine = (more: Partial<Watched> = {}): Watched => ({
  line_id: newId('line'),
  subscriber_id: newId('subscriber'),
  group: 'ABROAD',
  ...more,
});

const seen = (spent_micros: bigint, short_calls = 0, numbers: readonly string[] = []) => ({
  spent_micros,
  short_calls,
  numbers,
});

const bucketBefore = (minutes: number) => Math.floor((Date.now() - minutes * 60_000) / BUCKET_ms);

describe('windows of calls', () => {
  test('that are not here are not begun without a past', async () => {
    const line = watchedLine();
    expect(await store.watch(line, seen(7n), null)).toBeNull();
    expect(await store.watch(line, seen(7n), NO_PAST)).toMatchObject({ LINE: { spent_60m_micros: 7n } });
    expect(await store.watch(line, seen(1n), null)).toMatchObject({ LINE: { spent_60m_micros: 8n } });
  });

  test('add up for the line and for its subscriber, apart for each group', async () => {
    const one = watchedLine();
    const other = watchedLine({ subscriber_id: one.subscriber_id });
    const premium = { ...one, group: 'PREMIUM' } as const;
    await store.watch(one, seen(10n, 1, ['+1', '+2']), NO_PAST);
    await store.watch(premium, seen(1_000n, 9, ['+9']), NO_PAST);
    await store.watch(other, seen(5n, 0, ['+2', '+3']), NO_PAST);
    expect(await store.watch(other, seen(0n), null)).toEqual({
      LINE: { spent_10m_micros: 5n, spent_60m_micros: 5n, short_calls: 0, destinations: 2 },
      SUBSCRIBER: { spent_10m_micros: 15n, spent_60m_micros: 15n, short_calls: 1, destinations: 3 },
    });
  });

  test('begin with the past, each part of it in its own time', async () => {
    const line = watchedLine();
    const past: Past = {
      LINE: {
        buckets: [
          { bucket: bucketBefore(0), spent: 1n, short: 1 },
          { bucket: bucketBefore(30), spent: 20n, short: 1 },
          { bucket: bucketBefore(90), spent: 300n, short: 1 },
        ],
        numbers: [
          { number: '+1', at: Date.now() - 30 * 60_000 },
          { number: '+2', at: Date.now() - 61 * 60_000 },
        ],
      },
      SUBSCRIBER: { buckets: [], numbers: [] },
    };
    expect(await store.watch(line, seen(0n), past)).toEqual({
      LINE: { spent_10m_micros: 1n, spent_60m_micros: 21n, short_calls: 1, destinations: 1 },
      SUBSCRIBER: NO_COUNTERS,
    });
    // A second process that did not know them either must not add it once more.
    expect(await store.watch(line, seen(0n), past)).toMatchObject({ LINE: { spent_60m_micros: 21n } });
  });

  test('give back what was counted and not needed, and never go below nothing', async () => {
    const line = watchedLine();
    await store.watch(line, seen(100n), NO_PAST);
    expect(await store.watch(line, seen(-40n), null)).toMatchObject({ LINE: { spent_10m_micros: 60n } });
    expect(await store.watch(line, seen(-90n), null)).toMatchObject({ LINE: { spent_10m_micros: 0n } });
  });

  test('count exactly whatever comes at once, over several connections', async () => {
    const line = watchedLine();
    const links = [bench(), await bench().connect(), await bench().connect()];
    const stores = links.map(({ redis }) => createWatchStore(redis));
    await store.watch(line, seen(0n), NO_PAST);
    await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        stores[index % 3]?.watch(line, seen(3n, index % 2, [`+${index % 50}`]), null),
      ),
    );
    expect(await store.watch(line, seen(0n), null)).toMatchObject({
      LINE: { spent_10m_micros: 900n, short_calls: 150, destinations: 50 },
      SUBSCRIBER: { spent_10m_micros: 900n, short_calls: 150, destinations: 50 },
    });
  });

  test('take bounded memory and go by themselves', async () => {
    const line = watchedLine();
    const numbers = Array.from({ length: 2_500 }, (_, index) => `+${index}`);
    const counted = await store.watch(line, seen(1n, 0, numbers), NO_PAST);
    expect(counted?.LINE.destinations).toBe(2_000);
    const keys = await bench().redis.keys(`pabx:watch:*${line.line_id}*`);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(await bench().redis.pttl(key)).toBeGreaterThan(3_600_000);
  });

  test('are forgotten where people said that it was good, and of a line with its subscriber', async () => {
    const line = watchedLine();
    await store.watch(line, seen(5n), NO_PAST);
    await store.forget(line);
    expect(await store.watch(line, seen(5n), null)).toBeNull();
    await store.watch(line, seen(5n), NO_PAST);
    await store.forget({ ...line, line_id: null });
    expect(await store.watch(line, seen(1n), NO_PAST)).toMatchObject({
      LINE: { spent_60m_micros: 6n },
      SUBSCRIBER: { spent_60m_micros: 1n },
    });
  });
});
