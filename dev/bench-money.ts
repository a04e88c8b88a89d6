import { release } from 'node:os';
import { machineLine, runBench, wholeNumbers } from './bench/command.ts';
import { prepareRatings } from './bench/ratings.ts';
import { MEMORY_AT, prepareReRatings } from './bench/re-ratings.ts';
import { allCount, type Measured, measuredTable, runRounds } from './bench/rounds.ts';
import { prepareSettlements } from './bench/settled-calls.ts';
import { announce } from './services/announce.ts';
import { startPostgres } from './services/postgres.ts';
import { createDatabase, prepareTemplate } from './world/database.ts';

/*
 * What money costs: rating a call, settling it into the ledger, and rating stored calls again, each in turn with the
 * least that does something of the kind. docs/benchmarks.md says how to read it.
 */

const USAGE = `Usage: npm run bench:money -- [options]
  --seconds N  length of a run of ratings and settlements (default 3)
  --rounds N   every way once in each                     (default 5)
  --calls N    stored calls that are rated again          (default 1000000)`;

/** Ratings of the whole against a walk over a map, at least. */
const RATING_AIM = 0.5;

const NUMBERS = {
  seconds: { standard: 3, most: 600 },
  rounds: { standard: 5, most: 100 },
  calls: { standard: 1_000_000, most: 20_000_000 },
};
type MoneyOptions = Readonly<Record<keyof typeof NUMBERS, number>>;

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);

/** Memory of every run, and what it grew by while the second half of the calls was rated. */
function memoryLines(runs: readonly (readonly number[])[]): string {
  const shares = MEMORY_AT.map((share) => `${share * 100} %`).join(', ');
  return runs
    .map((run) => {
      const [, middle = 0, end = 0] = run;
      const grown = megabytes(end - middle);
      return `resident ${run.map(megabytes).join(', ')} MB at ${shares} of the calls: ${grown} MB more in the second half`;
    })
    .join('\n');
}

async function benchRatings({ seconds, rounds }: MoneyOptions): Promise<Measured[]> {
  const { ways, about } = prepareRatings(seconds);
  console.log(about);
  const measured = await runRounds('ratings', 'CPU second', ways, rounds);
  console.log(`\n${measuredTable('ratings', 'CPU second', measured, RATING_AIM)}\n`);
  return [measured];
}

async function benchSettlements(postgresUrl: string, { seconds, rounds }: MoneyOptions): Promise<Measured[]> {
  const database = await createDatabase(postgresUrl);
  const settlements = await prepareSettlements(database, seconds);
  const all: Measured[] = [];
  for (const [title, ways] of [
    ['one call a transaction', settlements.single],
    ['100 calls a transaction', settlements.batches],
  ] as const) {
    const measured = await runRounds(title, 'second', ways, rounds);
    console.log(`\n${measuredTable(title, 'second', measured)}\n`);
    all.push(measured);
  }
  await database.close();
  return all;
}

async function benchReRatings(postgresUrl: string, { rounds, calls }: MoneyOptions): Promise<Measured[]> {
  const database = await createDatabase(postgresUrl);
  announce(`${calls} stored calls`);
  const { ways, memory } = await prepareReRatings(database, calls);
  const measured = await runRounds('calls again', 'second', ways, rounds);
  console.log(`\n${measuredTable(`${calls} calls again`, 'second', measured)}\n${memoryLines(memory)}\n`);
  await database.close();
  return [measured];
}

async function bench(): Promise<number> {
  const options = wholeNumbers(USAGE, NUMBERS);
  const machine = machineLine();
  announce('the services of the benchmark');
  const postgres = await startPostgres({ durable: false });
  try {
    await prepareTemplate(postgres.url);
    console.log(
      [
        machine,
        `Node ${process.version.slice(1)}, Postgres without fsync, Linux ${release()}`,
        `${options.seconds} s a run, ${options.rounds} rounds\n`,
      ].join('\n'),
    );
    const measured = [
      ...(await benchRatings(options)),
      ...(await benchSettlements(postgres.url, options)),
      ...(await benchReRatings(postgres.url, options)),
    ];
    if (measured.every(allCount)) return 0;
    console.log('Some runs do not count: this is no measurement.');
    return 1;
  } finally {
    await postgres.stop();
  }
}

await runBench(bench);
