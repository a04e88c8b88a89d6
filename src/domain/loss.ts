import { billedSeconds } from './cadence.ts';
import { type Micros, priceOfSeconds } from './money.ts';
import type { Rate } from './rate-table.ts';

/** PRICE: each minute loses. CADENCE: the price is enough, but calls up to `up_to_seconds` lose by their rounding. */
export type Loss =
  | { readonly kind: 'PRICE'; readonly micros_per_minute: Micros }
  | { readonly kind: 'CADENCE'; readonly up_to_seconds: number };

/** Talk times that a comparison of cadences looks at. */
const LOOKED_AT_seconds = 600;

/** Whether every minute earns less than it costs, whatever the cadences. */
export function losesEachMinute(sale: Rate, cost: Rate): boolean {
  return sale.price_micros_per_minute < cost.price_micros_per_minute;
}

/** Whether a sale rate earns less than it costs; null when it never does. */
export function lossOf(sale: Rate, cost: Rate): Loss | null {
  if (losesEachMinute(sale, cost))
    return {
      kind: 'PRICE',
      micros_per_minute: cost.price_micros_per_minute - sale.price_micros_per_minute,
    };
  if (isSameCadence(sale, cost)) return null;
  // Prices have at most ten digits and billed seconds four: their products are exact, and quick to compare.
  const [earns, asks] = [Number(sale.price_micros_per_minute), Number(cost.price_micros_per_minute)];
  for (let talk = LOOKED_AT_seconds; talk > 0; talk -= 1) {
    const [sold, bought] = [billedSeconds(talk, sale.cadence), billedSeconds(talk, cost.cadence)];
    if (earns * sold >= asks * bought) continue;
    const charged = priceOfSeconds(sale.price_micros_per_minute, sold);
    if (charged < priceOfSeconds(cost.price_micros_per_minute, bought))
      return { kind: 'CADENCE', up_to_seconds: talk };
  }
  return null;
}

function isSameCadence({ cadence: one }: Rate, { cadence: other }: Rate): boolean {
  return (
    one.initial_seconds === other.initial_seconds &&
    one.increment_seconds === other.increment_seconds &&
    one.free_threshold_seconds === other.free_threshold_seconds
  );
}

/** The greater the worse: a loss of each minute before one of rounding alone. */
export function severityOf(loss: Loss | null): number {
  if (loss === null) return 0;
  return loss.kind === 'PRICE' ? LOOKED_AT_seconds + Number(loss.micros_per_minute) : loss.up_to_seconds;
}
