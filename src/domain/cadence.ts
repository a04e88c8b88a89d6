/**
 * Brazilian tariff cadence `initial/increment/free threshold`, for example 30/6/3:
 * at least 30 s are billed, then steps of 6 s; calls shorter than 3 s are free.
 * All three are whole seconds.
 */
export interface Cadence {
  readonly initial_seconds: number;
  readonly increment_seconds: number;
  readonly free_threshold_seconds: number;
}

export function isCadence(cadence: Cadence): boolean {
  const { initial_seconds, increment_seconds, free_threshold_seconds } = cadence;
  const all = [initial_seconds, increment_seconds, free_threshold_seconds];
  return (
    all.every((seconds) => Number.isInteger(seconds) && seconds <= 3600) &&
    initial_seconds >= 1 &&
    increment_seconds >= 1 &&
    free_threshold_seconds >= 0
  );
}

/**
 * Reads `30/6/3`, or `30/6` for no free threshold. null for anything that is no cadence: the first block and the
 * increment are at least a second, and none is longer than an hour.
 */
export function parseCadence(text: string): Cadence | null {
  const match = /^(\d{1,4})\/(\d{1,4})(?:\/(\d{1,4}))?$/.exec(text.trim());
  if (!match) return null;
  const [, initial, increment, threshold = '0'] = match;
  const cadence: Cadence = {
    initial_seconds: Number(initial),
    increment_seconds: Number(increment),
    free_threshold_seconds: Number(threshold),
  };
  return isCadence(cadence) ? cadence : null;
}

/** Whole seconds of a talk time measured in milliseconds: a begun second counts. */
export function talkSeconds(talk_ms: number): number {
  return Math.ceil(Math.max(0, talk_ms) / 1000);
}

/** Billed seconds of a call that was answered for `talk_seconds` whole seconds. */
export function billedSeconds(talk_seconds: number, cadence: Cadence): number {
  if (talk_seconds <= 0 || talk_seconds < cadence.free_threshold_seconds) return 0;
  const beyond = Math.max(0, talk_seconds - cadence.initial_seconds);
  const steps = Math.ceil(beyond / cadence.increment_seconds);
  return cadence.initial_seconds + steps * cadence.increment_seconds;
}

/**
 * The longest talk, in seconds, that `granted_seconds` billed seconds pay for. Grants end on the
 * boundary of a block, where the two are equal; between boundaries the last whole block counts.
 */
export function talkPaidBy(granted_seconds: number, cadence: Cadence): number {
  if (granted_seconds < cadence.initial_seconds) return 0;
  const beyond = granted_seconds - cadence.initial_seconds;
  return granted_seconds - (beyond % cadence.increment_seconds);
}

export function formatCadence(cadence: Cadence): string {
  return `${cadence.initial_seconds}/${cadence.increment_seconds}/${cadence.free_threshold_seconds}`;
}
