import { parseArgs } from 'node:util';

export interface DrillOptions {
  /** The same seed makes the same plan and the same calls. */
  readonly seed: number;
  readonly minutes: number;
  /** New calls a second. */
  readonly rate: number;
  /** A small fixed list of faults in less than a minute. */
  readonly short: boolean;
}

export const USAGE = `Usage: npm run drill -- [options]
  --seed N      makes the same plan and the same calls again (default: another one each time)
  --minutes N   how long phones call, 1 to 60 (default 5; each fault comes once in 5)
  --rate N      new calls a second, 1 to 50 (default 10)
  --short       a small fixed list of faults in about a minute, whatever the minutes`;

const LARGEST_SEED = 2 ** 32 - 1;

/** null for what is no whole number in these bounds. */
function readNumber(text: string | undefined, standard: number, least: number, most: number): number | null {
  if (text === undefined) return standard;
  const value = Number(text);
  return /^\d+$/.test(text) && value >= least && value <= most ? value : null;
}

/** null when the command line is not understood. `anySeed`: taken when none is given. */
export function parseOptions(args: readonly string[], anySeed: number): DrillOptions | null {
  const text = { type: 'string' } as const;
  const options = { seed: text, minutes: text, rate: text, short: { type: 'boolean' } } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    const seed = readNumber(values.seed, anySeed, 0, LARGEST_SEED);
    const minutes = readNumber(values.minutes, 5, 1, 60);
    const rate = readNumber(values.rate, 10, 1, 50);
    if (seed === null || minutes === null || rate === null) return null;
    return { seed, minutes, rate, short: values.short ?? false };
  } catch {
    return null;
  }
}
