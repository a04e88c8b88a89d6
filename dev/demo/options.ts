import { parseArgs } from 'node:util';

export interface Options {
  /** null: until somebody ends it. */
  readonly run_seconds: number | null;
}

export const USAGE = `usage: npm run demo [-- --seconds N]
  --seconds N   end by itself N seconds after it is ready, with a closing summary`;

const LONGEST_RUN_seconds = 86_400;

/** null when the command line is not understood. */
export function parseOptions(args: readonly string[]): Options | null {
  try {
    const { values } = parseArgs({ args: [...args], options: { seconds: { type: 'string' } } });
    if (values.seconds === undefined) return { run_seconds: null };
    const run_seconds = Number(values.seconds);
    const usable = /^\d+$/.test(values.seconds) && run_seconds >= 1 && run_seconds <= LONGEST_RUN_seconds;
    return usable ? { run_seconds } : null;
  } catch {
    return null;
  }
}
