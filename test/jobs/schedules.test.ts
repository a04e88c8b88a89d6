import { Queue } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { until, useOffice } from './use-jobs.ts';

const office = useOffice();

async function scheduled() {
  const connection = { url: office().server.url, maxRetriesPerRequest: null };
  const queue = new Queue('office', { connection, prefix: 'pabx-jobs' });
  const schedulers = await queue.getJobSchedulers();
  await queue.close();
  return schedulers.map(({ key, every, pattern, tz }) => ({
    key,
    every: every && Number(every),
    pattern,
    tz,
  }));
}

const is = (expected: number) => (keys: readonly unknown[]) => keys.length === expected;

describe('what comes again by itself', () => {
  test('comes every so often, one process at a time, and goes on after it failed', async () => {
    let runs = 0;
    let now = 0;
    let most = 0;
    const every = [
      {
        name: 'count',
        every_ms: 100,
        async run() {
          now += 1;
          most = Math.max(most, now);
          await new Promise((resolve) => setTimeout(resolve, 10));
          now -= 1;
          runs += 1;
          if (runs === 2) throw new Error('not this time');
        },
      },
    ];
    const processes = [office().start({ every }), office().start({ every })];
    await until(
      async () => runs,
      (count) => count >= 5,
    );
    expect(most).toBe(1);
    expect(office().logged.some(({ message }) => message === 'scheduled work failed')).toBe(true);
    for (const jobs of processes) await jobs.close();
  });

  test('is there once after every start, changed or taken away with the list, and again after a flush', async () => {
    const run = async () => {};
    const first = office().start({
      every: [
        { name: 'prove', every_ms: 60_000, run },
        { name: 'close', daily_at: '03:05', run },
      ],
    });
    expect(await until(scheduled, is(2))).toEqual(
      expect.arrayContaining([
        { key: 'prove', every: 60_000, pattern: undefined, tz: undefined },
        { key: 'close', every: undefined, pattern: '5 3 * * *', tz: 'America/Sao_Paulo' },
      ]),
    );
    await first.close();
    const second = office().start({ every: [{ name: 'prove', every_ms: 30_000, run }] });
    await until(scheduled, ([one, other]) => other === undefined && one?.every === 30_000);
    await office().redis.flushall();
    expect(await until(scheduled, is(1))).toMatchObject([{ key: 'prove', every: 30_000 }]);
    await second.close();
  });

  test.each(['3:05', '24:00', '12:60', '* * * * *'])('is refused at %s', (daily_at) => {
    const every = [{ name: 'never', daily_at, run: async () => {} }];
    expect(() => office().start({ every })).toThrow('no time of day');
  });
});
