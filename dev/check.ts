import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

/** Everything that must hold, the quickest first. The first failure ends it. */
const STATIC: readonly (readonly [command: string, ...args: string[]])[] = [
  ['tsc', '-b'],
  ['biome', 'check', '--error-on-warnings', '.'],
  ['knip'],
];
const TESTS = ['vitest', 'run'] as const;

function run([command, ...args]: readonly [string, ...string[]]): Promise<number> {
  process.stderr.write(`check: ${[command, ...args].join(' ')}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

const { values } = parseArgs({ options: { static: { type: 'boolean', default: false } } });
for (const step of values.static ? STATIC : [...STATIC, TESTS]) {
  const code = await run(step);
  if (code !== 0) process.exit(code);
}
