import { mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { resolve } from 'node:path';
import { startApiInstallation } from './bench/api-installation.ts';
import { apiSummary, checkSameAnswers, runApiRounds } from './bench/api-run.ts';
import { machineLine, runBench, wholeNumbers } from './bench/command.ts';
import { announce } from './services/announce.ts';

/*
 * The same reads through the service as it is and through a bare route on the same SQL, in turn: what sessions, walls
 * between tenants and checked replies cost. docs/benchmarks.md says how to read it.
 */

const USAGE = `Usage: npm run bench:api -- [options]
  --seconds N      length of a run                       (default 5)
  --rounds N       every read in both ways each          (default 5)
  --connections N  requests under way at any time        (default 16)
  --profile DIR    CPU profiles of both servers go there (default: none)`;

const NUMBERS = {
  seconds: { standard: 5, most: 600 },
  rounds: { standard: 5, most: 100 },
  connections: { standard: 16, most: 1_000 },
};

async function bench(): Promise<number> {
  const { profile: folder, ...options } = wholeNumbers(USAGE, NUMBERS, ['profile']);
  const profile = folder === undefined ? null : resolve(folder);
  const machine = machineLine();
  if (profile !== null) mkdirSync(profile, { recursive: true });
  announce('the services of the benchmark');
  const installation = await startApiInstallation(profile);
  try {
    const { rows } = await installation.database.pool.query<{ server_version: string }>(
      'show server_version',
    );
    const { seconds, rounds, connections } = options;
    console.log(
      [
        machine,
        `Node ${process.version.slice(1)}, Postgres ${rows[0]?.server_version}, Linux ${release()}`,
        `${connections} requests at a time, ${seconds} s a run, ${rounds} rounds; the load comes from the same cores\n`,
      ].join('\n'),
    );
    await checkSameAnswers(installation);
    const runs = await runApiRounds(installation, options);
    console.log(`\n${apiSummary(runs)}`);
    const failed = runs.filter(({ figures }) => !figures).length;
    if (failed > 0) console.log(`${failed} of ${runs.length} runs do not count: this is no measurement.`);
    return failed > 0 ? 1 : 0;
  } finally {
    await installation.close();
  }
}

await runBench(bench);
