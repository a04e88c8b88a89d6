import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { release as kernel } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { addServer } from '../src/admin/add-server.ts';
import { addApiKey, newToken } from '../src/stores/postgres/api-keys.ts';
import { machineLine, runBench, wholeNumbers } from './bench/command.ts';
import { processCpu_ms, watchOthers } from './bench/cpu.ts';
import type { LiveOrder, LiveRequest } from './bench/live-process.ts';
import { stall, watch } from './bench/live-watchers.ts';
import { percentile } from './bench/statistics.ts';
import { announce } from './services/announce.ts';
import { freePort } from './services/ports.ts';
import { startPostgres } from './services/postgres.ts';
import { MINIMAL_ENV } from './services/process.ts';
import { startRedis } from './services/redis.ts';
import { createDatabase, type Database, prepareTemplate } from './world/database.ts';
import { addReseller, addSubscriber } from './world/tenants.ts';

/*
 * What watching costs: the whole service, rows that change at a set rate, and watchers over real sockets, without any,
 * with all, and with some that read nothing. docs/benchmarks.md says how to read it.
 */

const USAGE = `Usage: npm run bench:live -- [options]
  --seconds N   length of a run                  (default 20)
  --watchers N                                   (default 200)
  --changes N   rows that change a second        (default 500)
  --rows N      calls on the board               (default 500)
  --stalled N   watchers that read nothing       (default 20)`;

const LATEST_ms = 250;
const MOST_CORES = 0.25;
const MOST_STALLED_bytes = 1e6;
const WARM_UP_ms = 3_000;

const NUMBERS = {
  seconds: { standard: 20, most: 99_999 },
  watchers: { standard: 200, most: 99_999 },
  changes: { standard: 500, most: 99_999 },
  rows: { standard: 500, most: 99_999 },
  stalled: { standard: 20, most: 99_999 },
};
type Options = Readonly<Record<keyof typeof NUMBERS, number>>;

async function addData({ db }: Database): Promise<LiveOrder & { token: string }> {
  const server = { name: 'bench', ari_url: 'http://127.0.0.1:1', ami_host: '127.0.0.1', ami_port: 1 };
  const { id: server_id } = await addServer(db, server);
  const reseller_id = await addReseller(db);
  const subscriber = await addSubscriber(db, { reseller_id, server_id }, { billing_mode: 'POSTPAID' });
  const token = newToken();
  await addApiKey(db, { name: 'bench' }, token, { role: 'RESELLER', reseller_id });
  return { reseller_id, subscriber_id: subscriber.id, rows: 0, changes_per_second: 0, token };
}

async function answerTo<T>(child: ChildProcess, request?: LiveRequest): Promise<T> {
  const answer = once(child, 'message');
  if (request) child.send(request);
  const [message] = await Promise.race([answer, once(child, 'exit')]);
  if (typeof message !== 'object' || message === null) throw new Error('the service ended');
  return message as T;
}

const resident = async (child: ChildProcess) =>
  (await answerTo<{ resident_bytes: number }>(child, 'MEMORY')).resident_bytes;

/** Share of a core that the service took while this waited. */
async function coresDuring(child: ChildProcess, seconds: number): Promise<number> {
  const [begun_ms, cpu_ms] = [performance.now(), processCpu_ms(child.pid ?? 0)];
  await sleep(seconds * 1_000);
  return (processCpu_ms(child.pid ?? 0) - cpu_ms) / (performance.now() - begun_ms);
}

const verdict = (holds: boolean) => (holds ? 'within' : 'BEYOND');

async function measure(child: ChildProcess, url: string, token: string, options: Options): Promise<void> {
  const alone = await coresDuring(child, options.seconds);
  console.log(`no watcher: ${alone.toFixed(3)} cores`);
  const watchers = await watch(url, token, options.watchers);
  await sleep(WARM_UP_ms);
  watchers.ages_ms();
  const watched = await coresDuring(child, options.seconds);
  const ages = watchers.ages_ms();
  const p99 = percentile(ages, 99);
  console.log(
    `${options.watchers} watchers: ${ages.length} messages, oldest change p50 ${percentile(ages, 50)} p99 ${p99} ms ` +
      `(${verdict(p99 <= LATEST_ms)} ${LATEST_ms}), ${watched.toFixed(3)} cores (${verdict(watched <= MOST_CORES)} ${MOST_CORES})`,
  );
  const before = await resident(child);
  const release = await stall(url, token, options.stalled);
  await coresDuring(child, options.seconds);
  const each = Math.max(0, (await resident(child)) - before) / options.stalled;
  const beside = percentile(watchers.ages_ms(), 99);
  console.log(
    `${options.stalled} stalled beside them: ${(each / 1e6).toFixed(2)} MB each (${verdict(each <= MOST_STALLED_bytes)} 1), ` +
      `the others' p99 ${beside} ms (${verdict(beside <= LATEST_ms)} ${LATEST_ms})`,
  );
  release();
  watchers.close();
}

async function bench(): Promise<number> {
  const options = wholeNumbers(USAGE, NUMBERS);
  const machine = machineLine();
  announce('the services of the benchmark');
  const postgres = await startPostgres({ durable: false });
  const redis = await startRedis();
  await prepareTemplate(postgres.url);
  const database = await createDatabase(postgres.url);
  const { token, ...ids } = await addData(database);
  const child = fork(fileURLToPath(new URL('bench/live-process.ts', import.meta.url)), {
    env: {
      ...MINIMAL_ENV,
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      PABX_SECRET: randomBytes(32).toString('base64'),
      PORT: String(await freePort()),
      LOG_LEVEL: 'silent',
    },
  });
  try {
    const { url } = await answerTo<{ url: string }>(child);
    console.log(
      [
        machine,
        `Node ${process.version.slice(1)}, Linux ${kernel()}`,
        `${options.rows} rows, ${options.changes} changes a second, ${options.seconds} s a run\n`,
      ].join('\n'),
    );
    child.send({ ...ids, rows: options.rows, changes_per_second: options.changes } satisfies LiveRequest);
    await sleep(WARM_UP_ms);
    const others = watchOthers();
    await measure(child, url, token, options);
    console.log(`\nothers took ${(others() * 100).toFixed(0)} % of the cores meanwhile`);
    return 0;
  } finally {
    if (child.connected) child.disconnect();
    if (child.exitCode === null) await once(child, 'exit');
    await redis.stop();
    await database.close();
    await postgres.stop();
  }
}

await runBench(bench);
