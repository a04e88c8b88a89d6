import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { WAYS, type Way } from './ways.ts';

export interface BenchOptions {
  /** New calls a second. */
  readonly rate: number;
  /** Length of one run: rate × seconds calls are made. */
  readonly seconds: number;
  /** A round is one run of each way. */
  readonly rounds: number;
  /** From the answer to the caller's BYE. */
  readonly talk_ms: number;
  /** A folder for CPU profiles of the control plane, one each time that it stops; null: none. */
  readonly profile: string | null;
  readonly ways: readonly Way[];
  /** Instead: the highest rate that each way sustains, from `rate` upwards. */
  readonly ceiling: boolean;
  /** Instead: how late so many prepaid calls are cut; null: not asked for. */
  readonly cuts: number | null;
  /** Instead: memory of the control plane over so many calls. */
  readonly soak: number | null;
}

/** The command line asks for something that cannot be done; the message says what can. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

export const USAGE = `Usage: npm run bench:calls -- [options]
  --rate N      new calls a second             (default 50)
  --seconds N   length of a run                (default 20)
  --rounds N    runs of each way               (default 5)
  --talk-ms N   talk of each call              (default 2000)
  --profile DIR CPU profiles of the control plane go there (default none)
  --compare     also GROUP_COUNT, a FastAGI and a CURL() decision
  --ceiling     the highest rate that each way sustains, from --rate up in steps of a tenth
  --cuts N      how late N prepaid calls are cut
  --soak N      memory of the control plane over N calls`;

/** How long the carrier rings: part of how many calls there are at once. */
export const RING_ms = 100;
/** The trunk of the installation takes 1,000 calls at once; some room is left for calls that end late. */
const MOST_CALLS_AT_ONCE = 800;

const LIMITS = {
  rate: { standard: 50, least: 1, most: 500 },
  seconds: { standard: 20, least: 2, most: 600 },
  rounds: { standard: 5, least: 1, most: 50 },
  'talk-ms': { standard: 2_000, least: 100, most: 60_000 },
  cuts: { standard: null, least: 1, most: 2_000 },
  soak: { standard: null, least: 100, most: 1_000_000 },
} as const;

type Name = keyof typeof LIMITS;

function readNumber<N extends Name>(
  name: N,
  text: string | undefined,
): (typeof LIMITS)[N]['standard'] | number {
  const { standard, least, most } = LIMITS[name];
  if (text === undefined) return standard;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new OptionError(`--${name} must be a whole number from ${least} to ${most}, not '${text}'`);
}

function parse(args: readonly string[]) {
  const numbers = { rate: text, seconds: text, rounds: text, 'talk-ms': text, cuts: text, soak: text };
  const options = { ...numbers, profile: text, compare: flag, ceiling: flag };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

/** Reads the command line. Throws OptionError. */
export function readOptions(args: readonly string[]): BenchOptions {
  const values = parse(args);
  const read = <N extends Name>(name: N) => readNumber(name, values[name]);
  const options = {
    rate: read('rate'),
    seconds: read('seconds'),
    rounds: read('rounds'),
    talk_ms: read('talk-ms'),
    profile: values.profile === undefined ? null : resolve(values.profile),
    ways: values.compare ? WAYS : (['PLAIN', 'CONTROLLED'] as const),
    ceiling: values.ceiling,
    cuts: read('cuts'),
    soak: read('soak'),
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
