import type { Installation } from './installation.ts';
import type { BenchOptions } from './options.ts';
import { type Run, run } from './run.ts';
import { spreadOf } from './statistics.ts';
import type { Way } from './ways.ts';

/** Fewer than offered, or ringing later than this, and the rate was not sustained. */
const LEAST_SHARE = 0.97;
const LATEST_RINGING_ms = 1_000;
const STEP = 1.1;

/** Calls a second that a way sustained in one round; 0: not even the lowest rate. */
export interface Ceiling {
  readonly round: number;
  readonly way: Way;
  readonly calls_per_second: number;
}

function isSustained({ figures }: Run, rate: number): boolean {
  return (
    figures !== null &&
    figures.calls_per_second >= rate * LEAST_SHARE &&
    figures.delay_p99_ms <= LATEST_RINGING_ms
  );
}

/** Runs at higher and higher rates until one is not sustained. */
export async function findCeiling(
  installation: Installation,
  round: number,
  way: Way,
  options: BenchOptions,
  tell: (result: Run) => void,
): Promise<Ceiling> {
  let calls_per_second = 0;
  for (let { rate } = options; ; rate = Math.round(rate * STEP)) {
    const result = await run(installation, round, way, { ...options, rate });
    tell(result);
    if (!isSustained(result, rate)) return { round, way, calls_per_second };
    calls_per_second = result.figures?.calls_per_second ?? 0;
  }
}

/** What each way sustained, and its share of what plain did in the same round. */
export function ceilings(found: readonly Ceiling[], ways: readonly Way[]): string {
  const plainOf = (round: number) =>
    found.find((one) => one.round === round && one.way === 'PLAIN')?.calls_per_second ?? Number.NaN;
  return ways
    .map((way) => {
      const own = found.filter((one) => one.way === way);
      const rates = spreadOf(own.map((one) => one.calls_per_second));
      const shares = spreadOf(own.map((one) => one.calls_per_second / plainOf(one.round)));
      if (!rates || !shares) return `${way}: not measured`;
      const text = (value: number, digits: number) => value.toFixed(digits);
      return [
        way.toLowerCase().padEnd(12),
        `${text(rates.median, 0)} calls/s (${text(rates.least, 0)} … ${text(rates.most, 0)})`,
        `×${text(shares.median, 2)} of plain (${text(shares.least, 2)} … ${text(shares.most, 2)})`,
      ].join('  ');
    })
    .join('\n');
}
