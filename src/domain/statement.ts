import type { BillingMode } from './authorize.ts';
import { cycleStart, nextCycleStart } from './cycle.ts';
import type { Micros } from './money.ts';

/** No call is longer than four hours: so long after a cycle's end all of it is settled, or about to be. */
export const CLOSING_DELAY_ms = 6 * 3_600_000;

/**
 * The first day (`YYYY-MM-DD`) after `day` that has this number in its month, 1–31; in a short month its last day
 * stands for those that it lacks. The end of a cycle that began on `day`, whatever its day of the month was then.
 */
export function nextDayOfMonth(day_of_month: number, day: string): string {
  // Noon in London is morning of the same day in São Paulo.
  return nextCycleStart(day_of_month, cycleStart(day_of_month, new Date(`${day}T12:00:00Z`)));
}

export function addDays(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

export interface PaymentTerms {
  readonly billing_mode: BillingMode;
  readonly due_day: number;
  readonly block_after_days: number;
}

export interface Due {
  readonly due_micros: Micros;
  readonly due_on: string;
  /** The last day on which an unpaid statement blocks nobody. */
  readonly block_on: string;
}

/** What a statement that is closed on `closed_on` asks for. Who pays before the call owes nothing after it. */
export function dueOf(terms: PaymentTerms, closing_balance_micros: Micros, closed_on: string): Due {
  const owes = terms.billing_mode !== 'PREPAID' && closing_balance_micros < 0n;
  const due_on = nextDayOfMonth(terms.due_day, closed_on);
  return {
    due_micros: owes ? -closing_balance_micros : 0n,
    due_on,
    block_on: addDays(due_on, terms.block_after_days),
  };
}

export interface Pace {
  readonly start_ms: number;
  readonly now_ms: number;
  readonly end_ms: number;
  readonly used_seconds: number;
  readonly left_seconds: number;
}

/** When minutes end at the pace so far, in ms since 1970; null where they last out the cycle, or are gone already. */
export function minutesEnd_ms(pace: Pace): number | null {
  const { start_ms, now_ms, end_ms, used_seconds, left_seconds } = pace;
  if (used_seconds <= 0 || left_seconds <= 0 || now_ms <= start_ms) return null;
  const end = now_ms + Math.ceil((left_seconds * (now_ms - start_ms)) / used_seconds);
  return end < end_ms ? end : null;
}
