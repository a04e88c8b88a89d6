import { type Installation, setUp } from './demo/installation.ts';
import { parseOptions, USAGE } from './demo/options.ts';
import { runDemo } from './demo/run.ts';
import { announce } from './services/announce.ts';
import { createClosers } from './services/closers.ts';
import { type Ending, listenForEnding } from './services/ending.ts';
import { messageOf } from './services/errors.ts';

const USAGE_FAULT = 2;
const INTERRUPTED = 130;

/** null: somebody ended it before it was ready. */
async function setUpUnlessEnded(ending: Ending, installing: Promise<Installation>) {
  // After an end nobody waits for it any more, and what it fails of is our closing.
  installing.catch(() => {});
  return Promise.race([installing, ending.asked.then(() => null)]);
}

/** Gives the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (!options) {
    process.stderr.write(`${USAGE}\n`);
    return USAGE_FAULT;
  }
  const from_ms = performance.now();
  const ending = listenForEnding();
  const closers = createClosers();
  try {
    const installation = await setUpUnlessEnded(ending, setUp(closers));
    if (!installation) return INTERRUPTED;
    announce(`ready after ${((performance.now() - from_ms) / 1000).toFixed(1)} s`);
    if (options.run_seconds !== null) ending.askAfter(options.run_seconds * 1000);
    return (await runDemo(installation, ending.asked)) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`the demo failed: ${messageOf(error)}\n`);
    return 1;
  } finally {
    await closers.closeAll();
  }
}

process.exit(await main(process.argv.slice(2)));
