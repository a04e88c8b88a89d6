import { once } from 'node:events';
import { release } from 'node:os';
import { connectRedis } from '../src/stores/redis/connect.ts';
import { createOwnership } from '../src/stores/redis/ownership.ts';
import { bareLeases } from './bench/bare-leases.ts';
import { machineLine, runBench, wholeNumbers } from './bench/command.ts';
import { postgresLeases } from './bench/postgres-leases.ts';
import { allCount, type MeasuredWay, measuredTable, runRounds } from './bench/rounds.ts';
import { wholeSlices } from './bench/whole-slices.ts';
import { announce } from './services/announce.ts';
import { startPostgres } from './services/postgres.ts';
import { startRedis } from './services/redis.ts';
import { createDatabase, prepareTemplate } from './world/database.ts';

/*
 * What it costs to keep a call paid: reserved, extended once and settled in Redis, against three bare scripts on the same
 * Redis and against the same in Postgres alone. docs/benchmarks.md says how to read it.
 */

const USAGE = `Usage: npm run bench:slices -- [options]
  --seconds N  length of a run                (default 5)
  --rounds N   every way once in each         (default 5)
  --at-once N  calls that are under way       (default 32)`;

const PAYERS = Array.from({ length: 50 }, (_, index) => `payer-${index}`);
const OVER_BARE = 0.5;
const OVER_POSTGRES = 3;

const NUMBERS = {
  seconds: { standard: 5, most: 9_999 },
  rounds: { standard: 5, most: 9_999 },
  'at-once': { standard: 32, most: 9_999 },
};

type OneCall = (call: string, payer: string) => Promise<void>;

/** So many calls at any time, for so long; each goes through all its steps. */
function way(
  name: string,
  one: OneCall,
  { seconds, atOnce }: { seconds: number; atOnce: number },
): MeasuredWay {
  let calls = 0;
  return {
    name,
    async run() {
      const [begun_ms, first] = [performance.now(), calls];
      const end_ms = begun_ms + seconds * 1_000;
      const worker = async () => {
        while (performance.now() < end_ms) {
          calls += 1;
          await one(`${name}-${calls}`, PAYERS[calls % PAYERS.length] ?? '');
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      return (calls - first) / ((performance.now() - begun_ms) / 1_000);
    },
  };
}

async function bench(): Promise<number> {
  const { 'at-once': atOnce, ...given } = wholeNumbers(USAGE, NUMBERS);
  const options = { ...given, atOnce };
  const machine = machineLine();
  announce('the services of the benchmark');
  const postgres = await startPostgres({ durable: true });
  const server = await startRedis();
  await prepareTemplate(postgres.url);
  const database = await createDatabase(postgres.url);
  const redis = connectRedis(server.url, () => {});
  try {
    await once(redis, 'ready');
    console.log(
      [
        machine,
        `Node ${process.version.slice(1)}, Postgres with fsync, Linux ${release()}`,
        `${options.seconds} s a run, ${options.rounds} rounds, ${options.atOnce} calls at once\n`,
      ].join('\n'),
    );
    const whole = way(
      'whole',
      await wholeSlices(
        redis,
        createOwnership(redis, () => {}),
        PAYERS,
      ),
      options,
    );
    const bare = way('three bare scripts', await bareLeases(redis, PAYERS), options);
    const alone = way('Postgres alone', await postgresLeases(database.pool, PAYERS), options);
    const measured = await runRounds('calls', 'second', [bare, alone, whole], options.rounds);
    const only = (...names: string[]) => measured.filter(({ name }) => names.includes(name));
    console.log(`\n${measuredTable('calls', 'second', only(bare.name, whole.name), OVER_BARE)}`);
    console.log(`\n${measuredTable('calls', 'second', only(alone.name, whole.name), OVER_POSTGRES)}`);
    return allCount(measured) ? 0 : 1;
  } finally {
    redis.disconnect();
    await server.stop();
    await database.close();
    await postgres.stop();
  }
}

await runBench(bench);
