import { billedSeconds } from './cadence.ts';
import { type Micros, priceOfSeconds } from './money.ts';
import type { Rate } from './rate-table.ts';

/** PRICE: each minute loses. CADENCE: the price is enough, but calls up to `up_to_seconds` lose by their rounding. */
export type Loss =
  | { readonly kind: 'PRICE'; readonly micros_per_minute: Micros }
  | { readonly kind: 'CADENCE'; readonly up_to_seconds: number };

/** Talk times that a comparison of cadences looks at. */
const LOOKED_AT_seconds = 600;

/** Whether a sale rate earns less than it costs; null when it never does. */
export function lossOf(sale: Rate, cost: Rate): Loss | null {
  const below = cost.price_micros_per_minute - sale.price_micros_per_minute;
  if (below > 0n) return { kind: 'PRICE', micros_per_minute: below };
  for (let talk = LOOKED_AT_seconds; talk > 0; talk -= 1) {
    const charged = priceOfSeconds(sale.price_micros_per_minute, billedSeconds(talk, sale.cadence));
    const costs = priceOfSeconds(cost.price_micros_per_minute, billedSeconds(talk, cost.cadence));
    if (charged < costs) return { kind: 'CADENCE', up_to_seconds: talk };
  }
  return null;
}
