import { randomInt } from 'node:crypto';
import { keepTraces } from './drill/keep.ts';
import { type DrillOptions, parseOptions, USAGE } from './drill/options.ts';
import { longPlan, SHORT_PLAN } from './drill/plan.ts';
import { createRandom } from './drill/random.ts';
import { reportLines } from './drill/report.ts';
import { runDrill } from './drill/run.ts';
import { buildStage } from './drill/stage.ts';
import { passed } from './drill/verdict.ts';
import { announce } from './services/announce.ts';
import { ensureAsteriskRoot } from './services/asterisk-root.ts';
import { type Closers, createClosers } from './services/closers.ts';
import { listenForEnding } from './services/ending.ts';
import { messageOf } from './services/errors.ts';
import { readSettings } from './world/settings.ts';

/*
 * Calls at a set rate while everything that can break is broken in turn. docs/drill.md says how to read it.
 */

const USAGE_FAULT = 2;
const INTERRUPTED = 130;
const SEEDS = 1_000_000;

async function drill(options: DrillOptions, closers: Closers): Promise<number> {
  const { cacheDir, asteriskChroot } = readSettings();
  announce('the services of the drill');
  const root = await ensureAsteriskRoot(
    asteriskChroot ? { cacheDir, existingChroot: asteriskChroot } : { cacheDir },
  );
  const random = createRandom(options.seed);
  // Another one, so that what chance does to events leaves plan and calls as they are.
  const stage = await buildStage(closers, root, createRandom(options.seed + 1));
  const plan = options.short ? SHORT_PLAN : longPlan(random, options.minutes);
  const { rate, seed } = options;
  console.log(`seed ${seed}: ${plan.faults.length} faults in ${plan.seconds} s, ${rate} calls a second`);
  const result = await runDrill(stage, { plan, rate, random, tell: (line) => console.log(line) });
  console.log(`\n${reportLines(result).join('\n')}`);
  if (passed(result.verdict)) return 0;
  console.log(`logs and records are kept in ${keepTraces(stage, result.evidence)}`);
  return 1;
}

/** Gives the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, randomInt(SEEDS));
  if (!options) {
    process.stderr.write(`${USAGE}\n`);
    return USAGE_FAULT;
  }
  const ending = listenForEnding();
  const closers = createClosers();
  try {
    const drilled = drill(options, closers);
    // After an end nobody waits for it any more, and what it fails of is our closing.
    drilled.catch(() => {});
    return await Promise.race([drilled, ending.asked.then(() => INTERRUPTED)]);
  } catch (error) {
    process.stderr.write(`the drill failed: ${messageOf(error)}\n`);
    return 1;
  } finally {
    await closers.closeAll();
  }
}

process.exit(await main(process.argv.slice(2)));
