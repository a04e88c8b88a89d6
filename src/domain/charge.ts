import { billedSeconds, type Cadence, talkSeconds } from './cadence.ts';
import { type Micros, priceOfSeconds } from './money.ts';

/** What a call may cost: the rate found for it when it was admitted. */
export interface Rate {
  readonly price_micros_per_minute: Micros;
  readonly cadence: Cadence;
}

/** Billed seconds reserved for a call so far, per source. Minutes come first and money after them. */
export interface Grant {
  readonly bundle_seconds: number;
  readonly paid_seconds: number;
}

export const NO_GRANT: Grant = { bundle_seconds: 0, paid_seconds: 0 };

export function grantedSeconds(grant: Grant): number {
  return grant.bundle_seconds + grant.paid_seconds;
}

/** The bill of one call. `bundle_seconds + paid_seconds = billed_seconds`. */
export interface Charge {
  readonly billed_seconds: number;
  readonly bundle_seconds: number;
  readonly paid_seconds: number;
  readonly total_micros: Micros;
}

export const NO_CHARGE: Charge = { billed_seconds: 0, bundle_seconds: 0, paid_seconds: 0, total_micros: 0n };

/**
 * Bill of a call answered for `talk_ms`, paid out of what was granted to it and never beyond:
 * the seconds of grace in which a switch ends an abandoned call are not the payer's.
 */
export function chargeCall(talk_ms: number, rate: Rate, grant: Grant): Charge {
  const billed_seconds = Math.min(billedSeconds(talkSeconds(talk_ms), rate.cadence), grantedSeconds(grant));
  const bundle_seconds = Math.min(billed_seconds, grant.bundle_seconds);
  const paid_seconds = billed_seconds - bundle_seconds;
  const total_micros = priceOfSeconds(rate.price_micros_per_minute, paid_seconds);
  return { billed_seconds, bundle_seconds, paid_seconds, total_micros };
}
