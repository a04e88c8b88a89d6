import { type Grant, sourcesOf } from './charge.ts';

/** Seconds of talk at which minutes have ended and money pays from then on, as far as it is granted. */
export function switchesToMoney(grant: Grant): number[] {
  const sources = sourcesOf(grant);
  return sources.flatMap(({ from_seconds, source }, index) =>
    source === 'MONEY' && sources[index - 1]?.source === 'BUNDLE' ? [from_seconds] : [],
  );
}

/**
 * When, in ms of talk, to warn of an end that is `end_ms` of talk away from the answer. `warned_of_ms`: the end that was
 * warned of before; of a later one is warned again once the call goes on beyond that, so that no two warnings are closer
 * to each other than a warning is to the end. null: not at all.
 */
export function warningAt_ms(
  end_ms: number,
  warn_seconds: number,
  warned_of_ms: number | null,
): number | null {
  if (warn_seconds === 0) return null;
  const at_ms = Math.max(0, end_ms - warn_seconds * 1000);
  return warned_of_ms !== null && at_ms < warned_of_ms ? null : at_ms;
}
