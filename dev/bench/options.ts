import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** New calls a second. */
  readonly rate: number;
  /** Length of one run: rate × seconds calls are made. */
  readonly seconds: number;
  /** A round is one plain run and one controlled run. */
  readonly rounds: number;
  /** From the answer to the caller's BYE. */
  readonly talk_ms: number;
  /** A folder for CPU profiles of the control plane, one each time that it stops; null: none. */
  readonly profile: string | null;
}

/** The command line asks for something that cannot be done; the message says what can. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

export const USAGE = `Usage: npm run bench:calls -- [options]
  --rate N      new calls a second             (default 50)
  --seconds N   length of a run                (default 20)
  --rounds N    plain and controlled runs each (default 5)
  --talk-ms N   talk of each call              (default 2000)
  --profile DIR CPU profiles of the control plane go there (default none)`;

/** How long the carrier rings: part of how many calls there are at once. */
export const RING_ms = 100;
/** The trunk of the installation takes 1,000 calls at once; some room is left for calls that end late. */
const MOST_CALLS_AT_ONCE = 800;

const LIMITS = {
  rate: { standard: 50, least: 1, most: 500 },
  seconds: { standard: 20, least: 2, most: 600 },
  rounds: { standard: 5, least: 1, most: 50 },
  'talk-ms': { standard: 2_000, least: 100, most: 60_000 },
} as const;

type Name = keyof typeof LIMITS;

function readNumber(name: Name, text: string | undefined): number {
  const { standard, least, most } = LIMITS[name];
  if (text === undefined) return standard;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new OptionError(`--${name} must be a whole number from ${least} to ${most}, not '${text}'`);
}

function parse(args: readonly string[]): Partial<Record<Name | 'profile', string>> {
  const options = { rate: text, seconds: text, rounds: text, 'talk-ms': text, profile: text };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

const text = { type: 'string' } as const;

/** Reads the command line. Throws OptionError. */
export function readOptions(args: readonly string[]): BenchOptions {
  const values = parse(args);
  const read = (name: Name) => readNumber(name, values[name]);
  const options = {
    rate: read('rate'),
    seconds: read('seconds'),
    rounds: read('rounds'),
    talk_ms: read('talk-ms'),
    profile: values.profile === undefined ? null : resolve(values.profile),
  };
  const atOnce = Math.ceil((options.rate * (options.talk_ms + RING_ms)) / 1_000);
  if (atOnce > MOST_CALLS_AT_ONCE) {
    throw new OptionError(
      `--rate ${options.rate} with --talk-ms ${options.talk_ms} makes ${atOnce} calls at once, ` +
        `and ${MOST_CALLS_AT_ONCE} is the most; lower one of the two`,
    );
  }
  return options;
}
