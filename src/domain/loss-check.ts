import type { CallClass } from './call-class.ts';
import type { DeckRow } from './deck.ts';
import { type Loss, lossOf, severityOf } from './loss.ts';
import { CLASSES_BESIDE_DECK, classesOfPrefix } from './loss-classes.ts';
import type { Pricing, Rate } from './rate-table.ts';

/** A rate and where it stands: at a prefix of a deck, or at a class. */
export interface PlacedRate extends Rate {
  readonly prefix: string | null;
  readonly call_class: CallClass | null;
  readonly locality: string | null;
}

/** A rate that earns less than it costs; without any cost the call is refused, which is no better. */
export interface LossFound {
  readonly sale: PlacedRate;
  readonly cost: PlacedRate | null;
  readonly loss: Loss | 'NO_COST';
}

/** Prices as the check reads them; the rows of a deck come to it one by one. */
export interface CheckedPrices {
  readonly pricing: Pricing;
  readonly class_rates: ReadonlyMap<CallClass, Rate>;
}

export function placedRow({ prefix, locality, price_micros_per_minute, cadence }: DeckRow): PlacedRate {
  return { prefix, call_class: null, locality, price_micros_per_minute, cadence };
}

const placedClass = (call_class: CallClass, { price_micros_per_minute, cadence }: Rate): PlacedRate => ({
  prefix: null,
  call_class,
  locality: null,
  price_micros_per_minute,
  cadence,
});

/** Judges a rate by what it costs; null when it never loses. */
export function findLoss(sale: PlacedRate, cost: PlacedRate | null): LossFound | null {
  if (!cost) return { sale, cost, loss: 'NO_COST' };
  const loss = lossOf(sale, cost);
  return loss && { sale, cost, loss };
}

const severity = (found: LossFound | null) =>
  severityOf(found === null || found.loss === 'NO_COST' ? null : found.loss);

/** Judges a row of a sale deck by costs of classes: by the one that loses most, of those that its numbers are of. */
export function findRowLoss(row: DeckRow, costs: CheckedPrices): LossFound | null {
  const sale = placedRow(row);
  let known = false;
  let worst: LossFound | null = null;
  for (const name of classesOfPrefix(row.prefix, row.kind)) {
    const rate = costs.class_rates.get(name);
    if (!rate) continue;
    known = true;
    const found = findLoss(sale, placedClass(name, rate));
    if (severity(found) > severity(worst)) worst = found;
  }
  return known ? worst : findLoss(sale, null);
}

export interface ClassLosses {
  /** A row of the cost deck. */
  add(row: DeckRow): void;
  /** What was found, by name of class. */
  found(): LossFound[];
}

const byDeck = (prices: CheckedPrices, name: CallClass) =>
  prices.pricing === 'DECK' && !(CLASSES_BESIDE_DECK as readonly CallClass[]).includes(name);

/**
 * Judges what a plan prices by class. A class that is bought by a deck meets the rows that its numbers may begin with,
 * and is judged by the row at which it loses most: a line may be in any area, and call anywhere. Any other is judged by
 * the cost of the same class.
 */
export function createClassLosses(sale: CheckedPrices, costs: CheckedPrices): ClassLosses {
  const sold = [...sale.class_rates]
    .filter(([name]) => !byDeck(sale, name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const worst = new Map<CallClass, LossFound | null>();
  for (const [name, rate] of sold) {
    if (byDeck(costs, name)) continue;
    const cost = costs.class_rates.get(name);
    worst.set(name, findLoss(placedClass(name, rate), cost ? placedClass(name, cost) : null));
  }
  return {
    add(row) {
      if (!row.active) return;
      for (const name of classesOfPrefix(row.prefix, row.kind)) {
        const rate = sale.class_rates.get(name);
        if (!rate || !byDeck(costs, name) || byDeck(sale, name)) continue;
        const found = findLoss(placedClass(name, rate), placedRow(row));
        if (!worst.has(name) || severity(found) > severity(worst.get(name) ?? null)) worst.set(name, found);
      }
    },
    found: () =>
      sold.flatMap(([name, rate]) => {
        const found = worst.has(name) ? worst.get(name) : findLoss(placedClass(name, rate), null);
        return found ? [found] : [];
      }),
  };
}
