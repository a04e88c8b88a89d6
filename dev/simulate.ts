import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';

/*
 * Runs random histories of call control against fake servers and a clock that moves by hand:
 *   npm run simulate -- --histories 20000           from a new seed
 *   npm run simulate -- --seed 42 --histories 1     one history again
 * Ends with 1 when a rule was broken, and says by which history.
 */

const { values } = parseArgs({
  options: { seed: { type: 'string' }, histories: { type: 'string', default: '10000' } },
});
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const histories = Number(values.histories);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(histories) || histories < 1) {
  console.error('usage: npm run simulate -- [--seed NUMBER] [--histories NUMBER]');
  process.exit(2);
}

const vitest = await startVitest('test', ['test/simulation/simulation.test.ts'], {
  watch: false,
  provide: { simulate: { seed, histories } },
});
await vitest.close();
