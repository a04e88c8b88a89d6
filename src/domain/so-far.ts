import { billedSeconds, parseCadence, talkSeconds } from './cadence.ts';
import type { PayingSource } from './charge.ts';
import { type Micros, priceOfSeconds } from './money.ts';

/** Which source pays from which second of talk on. */
export interface PaidFrom {
  readonly from_seconds: number;
  readonly source: PayingSource;
}

interface Price {
  readonly price_micros_per_minute: string;
  readonly cadence: string;
}

/** What is told of a call that runs, as far as its bill depends on it. What its viewer may not see is not there. */
export interface RunningCall {
  readonly answered_at: string | null;
  readonly sources: readonly PaidFrom[];
  /** Reserved so far, per source. */
  readonly bundle_seconds: number;
  readonly paid_seconds: number;
  readonly cut_at: string | null;
  readonly cadence: string | null;
  readonly price_micros_per_minute?: string | null | undefined;
  readonly wholesale?: Price | null | undefined;
  readonly carrier?: Price | null | undefined;
}

/** A call's bill at one moment. An amount is null where its viewer may not see what it is made of. */
export interface SoFar {
  readonly talk_seconds: number;
  readonly billed_seconds: number;
  readonly bundle_seconds: number;
  readonly paid_seconds: number;
  readonly total_micros: Micros | null;
  readonly wholesale_micros: Micros | null;
  /** What is left to the reseller. */
  readonly margin_micros: Micros | null;
  readonly carrier_micros: Micros | null;
  /** Until nothing more is paid for; null while that is open: before the answer, and for free calls. */
  readonly seconds_to_cut: number | null;
}

function billedBy(talk_seconds: number, cadence: string | null): number {
  const steps = cadence === null ? null : parseCadence(cadence);
  return steps ? billedSeconds(talk_seconds, steps) : 0;
}

/** Out of so many billed seconds, those that money pays. */
function paidOf(billed_seconds: number, sources: readonly PaidFrom[]): number {
  return sources.reduce((paid, { from_seconds, source }, index) => {
    const until = Math.min(billed_seconds, sources[index + 1]?.from_seconds ?? billed_seconds);
    return source === 'MONEY' ? paid + Math.max(0, until - from_seconds) : paid;
  }, 0);
}

function costOf(talk_seconds: number, price: Price | null | undefined): Micros | null {
  if (price === undefined) return null;
  if (price === null) return 0n;
  return priceOfSeconds(BigInt(price.price_micros_per_minute), billedBy(talk_seconds, price.cadence));
}

/**
 * What a call has cost by `now_ms`, by the same rules as its bill: equal to it for a call that ends now. No more is
 * billed than is reserved, and every reservation is told before it is needed.
 */
export function soFar(call: RunningCall, now_ms: number): SoFar {
  const { answered_at, cut_at, sources, cadence, price_micros_per_minute: price } = call;
  const talk_seconds = answered_at === null ? 0 : talkSeconds(now_ms - Date.parse(answered_at));
  const granted_seconds = call.bundle_seconds + call.paid_seconds;
  const billed_seconds = Math.min(billedBy(talk_seconds, cadence), granted_seconds);
  const paid_seconds = paidOf(billed_seconds, sources);
  const total_micros = price === undefined ? null : priceOfSeconds(BigInt(price ?? 0), paid_seconds);
  const wholesale_micros = costOf(Math.min(talk_seconds, granted_seconds), call.wholesale);
  const isKnown = total_micros !== null && wholesale_micros !== null;
  return {
    talk_seconds,
    billed_seconds,
    bundle_seconds: billed_seconds - paid_seconds,
    paid_seconds,
    total_micros,
    wholesale_micros,
    margin_micros: isKnown ? total_micros - wholesale_micros : null,
    carrier_micros: costOf(talk_seconds, call.carrier),
    seconds_to_cut: cut_at === null ? null : Math.max(0, Math.ceil((Date.parse(cut_at) - now_ms) / 1000)),
  };
}
