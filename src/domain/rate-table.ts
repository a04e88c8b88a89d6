import type { Cadence } from './cadence.ts';
import type { CallClass } from './call-class.ts';
import type { Deck } from './deck.ts';
import type { DialledDestination } from './dialled-result.ts';
import type { Micros } from './money.ts';

/** What a minute costs, and by which steps it is counted. */
export interface Rate {
  readonly price_micros_per_minute: Micros;
  readonly cadence: Cadence;
}

/** Column F/C of a deck: whether the row is of fixed or of mobile numbers. */
export const RATE_KINDS = ['FIXED', 'MOBILE'] as const;
export type RateKind = (typeof RATE_KINDS)[number];

/** A rate with where it was found, which is what a receipt shows. `prefix` is null for the rate of a class. */
export interface FoundRate extends Rate {
  readonly version_id: string;
  readonly prefix: string | null;
  readonly locality: string | null;
  readonly kind: RateKind | null;
}

export const PRICINGS = ['BY_CLASS', 'DECK'] as const;
export type Pricing = (typeof PRICINGS)[number];

/**
 * The prices of a plan from a moment on; never changed once written. A deck prices every number of E.164; what has
 * none (short codes, 0300, 4004) and collect calls are priced by class beside it.
 */
export interface RateTable {
  readonly version_id: string;
  readonly class_rates: ReadonlyMap<CallClass, Rate>;
  /** null: priced by class alone. */
  readonly deck: Deck | null;
}

/** When a version of a plan's prices begins to hold. */
export interface VersionStart {
  readonly version_id: string;
  readonly valid_from_ms: number;
}

/** The version that holds at a moment: the latest that has begun. `versions` are in the order of their beginning. */
export function versionAt(versions: readonly VersionStart[], at_ms: number): string | null {
  return versions.findLast(({ valid_from_ms }) => valid_from_ms <= at_ms)?.version_id ?? null;
}

/** The rate of a number: its longest active prefix in the deck, or its class. null is no rate, never price 0. */
export function findRate(
  table: RateTable,
  { number, class: callClass }: Pick<DialledDestination, 'number' | 'class'>,
): FoundRate | null {
  if (table.deck && number.startsWith('+') && callClass !== 'COLLECT')
    return table.deck.find(number.slice(1));
  const rate = table.class_rates.get(callClass);
  return rate ? { ...rate, version_id: table.version_id, prefix: null, locality: null, kind: null } : null;
}

/** Fixed or mobile abroad: the row of the deck knows better than the type of the number. */
export function classByRate(callClass: CallClass, rate: FoundRate | null): CallClass {
  if (!rate?.kind || (callClass !== 'INTL_FIXED' && callClass !== 'INTL_MOBILE')) return callClass;
  return rate.kind === 'MOBILE' ? 'INTL_MOBILE' : 'INTL_FIXED';
}
