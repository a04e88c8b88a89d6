import { billedSeconds, talkSeconds } from './cadence.ts';
import { type Micros, priceOfSeconds } from './money.ts';
import type { Rate } from './rate-table.ts';

/** Billed seconds reserved for a call in one cycle, per source. Minutes come first and money after them. */
export interface CycleGrant {
  readonly bundle_seconds: number;
  readonly paid_seconds: number;
}

/** Billed seconds reserved for a call so far, in the cycle that it began in and in the one that began meanwhile. */
export interface Grant extends CycleGrant {
  readonly after_turn?: AfterTurn | undefined;
}

/** What was granted out of the next cycle. Before it lie exactly `turn_seconds` granted seconds. */
export interface AfterTurn extends CycleGrant {
  /** Seconds of talk at which the subscriber's cycle turns. */
  readonly turn_seconds: number;
}

export const NO_GRANT: Grant = { bundle_seconds: 0, paid_seconds: 0 };

const sum = ({ bundle_seconds, paid_seconds }: CycleGrant) => bundle_seconds + paid_seconds;

export function grantedSeconds(grant: Grant): number {
  return sum(grant) + (grant.after_turn ? sum(grant.after_turn) : 0);
}

/** Who pays a call. */
export type PayingSource = 'BUNDLE' | 'MONEY';

/** What pays from which second of talk on, as far as it is granted, in the order of time. */
export function sourcesOf(grant: Grant): { readonly from_seconds: number; readonly source: PayingSource }[] {
  let from_seconds = 0;
  const pieces = [grant, grant.after_turn ?? NO_GRANT].flatMap(({ bundle_seconds, paid_seconds }) => [
    { source: 'BUNDLE' as const, seconds: bundle_seconds },
    { source: 'MONEY' as const, seconds: paid_seconds },
  ]);
  return pieces.flatMap(({ source, seconds }) => {
    const piece = { from_seconds, source };
    from_seconds += seconds;
    return seconds > 0 ? [piece] : [];
  });
}

/** The bill of one call, or of its part in one cycle. `bundle_seconds + paid_seconds = billed_seconds`. */
export interface Charge {
  readonly billed_seconds: number;
  readonly bundle_seconds: number;
  readonly paid_seconds: number;
  readonly total_micros: Micros;
}

export const NO_CHARGE: Charge = { billed_seconds: 0, bundle_seconds: 0, paid_seconds: 0, total_micros: 0n };

/** One part of a bill. What it costs is a difference of cumulative totals, so that parts always add up to the whole. */
function chargePart(billed_seconds: number, grant: CycleGrant, rate: Rate, paid_before: number): Charge {
  const bundle_seconds = Math.min(billed_seconds, grant.bundle_seconds);
  const paid_seconds = billed_seconds - bundle_seconds;
  const price = rate.price_micros_per_minute;
  const total_micros = priceOfSeconds(price, paid_before + paid_seconds) - priceOfSeconds(price, paid_before);
  return { billed_seconds, bundle_seconds, paid_seconds, total_micros };
}

/**
 * The bill of a call answered for `talk_ms`, by cycle: one part, or two when it was granted seconds beyond the turn of
 * its cycle. It is paid out of what was granted and never beyond: the seconds of grace in which a switch ends an
 * abandoned call are not the payer's.
 */
export function chargeByCycle(talk_ms: number, rate: Rate, grant: Grant): readonly [Charge, ...Charge[]] {
  const billed = Math.min(billedSeconds(talkSeconds(talk_ms), rate.cadence), grantedSeconds(grant));
  const before = chargePart(Math.min(billed, sum(grant)), grant, rate, 0);
  if (!grant.after_turn) return [before];
  return [before, chargePart(billed - before.billed_seconds, grant.after_turn, rate, before.paid_seconds)];
}

/** The whole bill of a call. */
export function chargeCall(talk_ms: number, rate: Rate, grant: Grant): Charge {
  return chargeByCycle(talk_ms, rate, grant).reduce((all, part) => ({
    billed_seconds: all.billed_seconds + part.billed_seconds,
    bundle_seconds: all.bundle_seconds + part.bundle_seconds,
    paid_seconds: all.paid_seconds + part.paid_seconds,
    total_micros: all.total_micros + part.total_micros,
  }));
}

/** What the one above pays for the same talk: the reseller to the platform, the platform to its carrier. */
export interface Cost {
  readonly billed_seconds: number;
  readonly total_micros: Micros;
}

/** Cost of a call by a rate of its own. `most_seconds`: talk that counts, at most. */
export function costOf(talk_ms: number, rate: Rate, most_seconds = Number.POSITIVE_INFINITY): Cost {
  const billed_seconds = billedSeconds(Math.min(talkSeconds(talk_ms), most_seconds), rate.cadence);
  return { billed_seconds, total_micros: priceOfSeconds(rate.price_micros_per_minute, billed_seconds) };
}

function sharedOut(billed_seconds: number, left_seconds: number): CycleGrant {
  const bundle_seconds = Math.max(0, Math.min(billed_seconds, left_seconds));
  return { bundle_seconds, paid_seconds: billed_seconds - bundle_seconds };
}

/**
 * What a talk time would be granted out of so many minutes left, money being no question: for what is not reserved
 * slice by slice, which is the simulator and rating again. `turn`: where its cycle turned, and what the next one has left.
 */
export function grantFor(
  talk_ms: number,
  rate: Rate,
  left_seconds: number,
  turn: { readonly turn_seconds: number; readonly left_seconds: number } | null = null,
): Grant {
  const billed = billedSeconds(talkSeconds(talk_ms), rate.cadence);
  if (!turn || billed <= turn.turn_seconds) return sharedOut(billed, left_seconds);
  const { turn_seconds } = turn;
  const after = sharedOut(billed - turn_seconds, turn.left_seconds);
  return { ...sharedOut(turn_seconds, left_seconds), after_turn: { turn_seconds, ...after } };
}
