import { mkdirSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startApiInstallation } from './bench/api-installation.ts';
import { type ApiOptions, apiSummary, checkSameAnswers, runApiRounds } from './bench/api-run.ts';
import { announce } from './services/announce.ts';
import { MissingServiceError } from './services/errors.ts';

/*
 * The same reads through the service as it is and through a bare route on the same SQL, in turn: what sessions, walls
 * between tenants and checked replies cost. docs/benchmarks.md says how to read it.
 */

const USAGE = `Usage: npm run bench:api -- [options]
  --seconds N      length of a run                       (default 5)
  --rounds N       every read in both ways each          (default 5)
  --connections N  requests under way at any time        (default 16)
  --profile DIR    CPU profiles of both servers go there (default: none)`;

function fail(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}

function optionsOrExit(): ApiOptions & { profile: string | null } {
  const text = { type: 'string' } as const;
  const number = (name: string, value: string | undefined, standard: number, most: number) => {
    if (value === undefined) return standard;
    if (/^[1-9]\d{0,3}$/.test(value) && Number(value) <= most) return Number(value);
    return fail(`--${name} must be a whole number from 1 to ${most}, not '${value}'\n${USAGE}`, 2);
  };
  try {
    const options = { seconds: text, rounds: text, connections: text, profile: text };
    const { values } = parseArgs({ options });
    return {
      seconds: number('seconds', values.seconds, 5, 600),
      rounds: number('rounds', values.rounds, 5, 100),
      connections: number('connections', values.connections, 16, 1_000),
      profile: values.profile === undefined ? null : resolve(values.profile),
    };
  } catch (error) {
    return fail(`${(error as Error).message}\n${USAGE}`, 2);
  }
}

async function bench({ profile, ...options }: ReturnType<typeof optionsOrExit>): Promise<number> {
  const [load = 0] = loadavg();
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
        `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), load average before: ${load.toFixed(2)}`,
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

try {
  process.exitCode = await bench(optionsOrExit());
} catch (error) {
  if (error instanceof MissingServiceError) fail(error.message, 1);
  throw error;
}
