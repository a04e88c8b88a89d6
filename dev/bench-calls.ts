import { type Ceiling, ceilings, findCeiling } from './bench/ceiling.ts';
import { fail, machineLine, runBench } from './bench/command.ts';
import { cutsLine, measureCuts } from './bench/cuts.ts';
import { type Installation, startInstallation } from './bench/installation.ts';
import { type BenchOptions, OptionError, readOptions, USAGE } from './bench/options.ts';
import { runLine, summary } from './bench/report.ts';
import { type Run, run } from './bench/run.ts';
import { type Memory, memoryLine, soak } from './bench/soak.ts';
import { readVersions } from './bench/versions.ts';
import type { Way } from './bench/ways.ts';
import { announce } from './services/announce.ts';
import { ensureAsteriskRoot } from './services/asterisk-root.ts';
import { readSettings } from './world/settings.ts';

/*
 * The same calls through the same Asterisk, plain and controlled in turn: what control costs in time and in CPU.
 * docs/benchmarks.md says how to read it.
 */

function optionsOrExit(): BenchOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    if (error instanceof OptionError) fail(`${error.message}\n${USAGE}`, 2);
    throw error;
  }
}

/** Who goes first changes from round to round. */
function order(ways: readonly Way[], round: number): Way[] {
  const first = (round - 1) % ways.length;
  return [...ways.slice(first), ...ways.slice(0, first)];
}

async function allRounds(installation: Installation, options: BenchOptions): Promise<Run[]> {
  const runs: Run[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const way of order(options.ways, round)) {
      const result = await run(installation, round, way, options);
      console.log(runLine(result));
      runs.push(result);
    }
  }
  return runs;
}

async function allCeilings(installation: Installation, options: BenchOptions): Promise<Ceiling[]> {
  const found: Ceiling[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const way of order(options.ways, round)) {
      const tell = (result: Run) => console.log(runLine(result));
      found.push(await findCeiling(installation, round, way, options, tell));
    }
  }
  return found;
}

async function describe({ world }: Installation, options: BenchOptions, machine: string): Promise<string> {
  const { rate, seconds, rounds, talk_ms } = options;
  return [
    machine,
    await readVersions(world),
    `${rate} calls/s for ${seconds} s a run, ${talk_ms} ms of talk, ${rounds} rounds; signalling only, no sound`,
  ].join('\n');
}

async function bench(): Promise<number> {
  const options = optionsOrExit();
  const { cacheDir, asteriskChroot } = readSettings();
  const machine = machineLine();
  announce('the services of the benchmark');
  const root = await ensureAsteriskRoot(
    asteriskChroot ? { cacheDir, existingChroot: asteriskChroot } : { cacheDir },
  );
  const installation = await startInstallation(root, options.profile);
  try {
    console.log(`${await describe(installation, options, machine)}\n`);
    if (options.ceiling) {
      console.log(`\n${ceilings(await allCeilings(installation, options), options.ways)}`);
      return 0;
    }
    if (options.cuts !== null) {
      const { cuts, rate } = options;
      console.log(cutsLine(await measureCuts(installation, { cuts, rate })));
      return 0;
    }
    if (options.soak !== null) {
      const tell = (memory: Memory) => console.log(memoryLine(memory));
      await soak(installation, { ...options, calls: options.soak }, tell);
      return 0;
    }
    const runs = await allRounds(installation, options);
    console.log(`\n${summary(runs, options.ways)}`);
    const failed = runs.filter((result) => !result.figures).length;
    if (failed > 0) console.log(`\n${failed} of ${runs.length} runs do not count: this is no measurement.`);
    return failed > 0 ? 1 : 0;
  } finally {
    await installation.close();
  }
}

await runBench(bench);
