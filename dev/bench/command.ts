import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { MissingServiceError } from '../services/errors.ts';

/** How every benchmark is asked for, says what it runs on, and ends. */

export function fail(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}

interface WholeNumber {
  readonly standard: number;
  readonly most: number;
}

/** Whole numbers of the command line, from 1 up; `text` are options that are taken as they stand. Ends the process with 2 on any other. */
export function wholeNumbers<N extends string, T extends string = never>(
  usage: string,
  numbers: Readonly<Record<N, WholeNumber>>,
  texts: readonly T[] = [],
): Record<N, number> & Record<T, string | undefined> {
  const names = Object.keys(numbers) as N[];
  const options = Object.fromEntries([...names, ...texts].map((name) => [name, { type: 'string' } as const]));
  const number = (name: N, value: unknown) => {
    const { standard, most } = numbers[name];
    if (value === undefined) return standard;
    if (/^[1-9]\d{0,7}$/.test(String(value)) && Number(value) <= most) return Number(value);
    return fail(`--${name} must be a whole number from 1 to ${most}, not '${value}'\n${usage}`, 2);
  };
  try {
    const { values } = parseArgs({ options });
    const read = names.map((name) => [name, number(name, values[name])]);
    return Object.fromEntries([...read, ...texts.map((name) => [name, values[name]])]);
  } catch (error) {
    return fail(`${(error as Error).message}\n${usage}`, 2);
  }
}

/** What the machine is, and what it did before. */
export function machineLine(): string {
  const [load = 0] = loadavg();
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), load average before: ${load.toFixed(2)}`;
}

/** Runs a benchmark to its exit code; a service that is missing ends it with its message. */
export async function runBench(bench: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await bench();
  } catch (error) {
    if (error instanceof MissingServiceError) fail(error.message, 1);
    throw error;
  }
}
