import { type BillingMode, payingSlot } from './authorize.ts';
import { billCall } from './bill.ts';
import { type BundleSlot, CALL_CLASS_FACTS, type CallClass } from './call-class.ts';
import { type Charge, grantFor, NO_CHARGE } from './charge.ts';
import { foreignNumber } from './dialled-international.ts';
import { classByRate, findRate, type RateTable } from './rate-table.ts';

/** What rating a stored call again reads of it, and what it was billed. */
export interface StoredCall extends Charge {
  readonly number: string;
  /** As it was rated: abroad, a row of a deck may have decided it. */
  readonly call_class: CallClass;
  readonly billing_mode: BillingMode;
  readonly talk_ms: number;
  /** Talk beyond it was the grace in which a switch ends a call, and nobody's to pay. */
  readonly granted_seconds: number;
  /** First day of the cycle that it began in. */
  readonly cycle_start: string;
  /** Where its talk reached the next cycle; null: it did not. */
  readonly turn: { readonly turn_seconds: number; readonly cycle_start: string } | null;
}

/** The franquia that pays before money. */
export interface Franquia {
  /** null: as each call was billed. */
  readonly billing_mode: BillingMode | null;
  readonly ldn_fixed_uses_local: boolean;
  readonly ldn_mobile_uses_local: boolean;
  /** Seconds that each slot holds at the start of a cycle; a slot that is not there holds no bundle. */
  includedIn(cycle_start: string): ReadonlyMap<BundleSlot, number>;
}

/** How a call would have been rated; null: it would have been refused, for want of a rate. */
export type ReRated = { readonly call_class: CallClass; readonly charge: Charge } | null;

/** Rates the calls of one subscriber again, in the order in which they were made. */
export type ReRate = (call: StoredCall, prices: RateTable | null) => ReRated;

/** The class that a number has by itself: abroad, the deck that rated it may have said otherwise. */
function ownClass({ call_class, number }: StoredCall): CallClass {
  if (call_class !== 'INTL_FIXED' && call_class !== 'INTL_MOBILE') return call_class;
  const dialled = foreignNumber(number);
  return dialled.kind === 'NUMBER' ? dialled.class : call_class;
}

/** The rate of a call and the class that it has by it. */
function ratedBy(call: StoredCall, prices: RateTable | null) {
  const find = (of: CallClass) => prices && findRate(prices, { number: call.number, class: of });
  const rate = find(call.call_class);
  // A deck finds by the number alone, and where it says fixed or mobile, the slow question what the number is falls away.
  const own = rate?.kind ? call.call_class : ownClass(call);
  return {
    call_class: classByRate(own, rate),
    rate: own === call.call_class ? rate : find(own),
  };
}

/**
 * Begins with whole franquias. Every step is the one that the live call takes; only that minutes are taken at the end of
 * a call and not slice by slice, so of calls at the same time the one that was made first has them. A call counts in two
 * cycles if its talk did; what only the rounding of other prices carries beyond the turn stays in the first.
 */
export function createReRate(franquia: Franquia): ReRate {
  const { ldn_fixed_uses_local, ldn_mobile_uses_local } = franquia;
  /** Per cycle: a subscriber has few. */
  const left = new Map<string, Map<BundleSlot, number>>();
  const leftIn = (cycle_start: string) => {
    const known = left.get(cycle_start) ?? new Map(franquia.includedIn(cycle_start));
    left.set(cycle_start, known);
    return known;
  };

  return (call, prices) => {
    const recorded = call.call_class;
    if (CALL_CLASS_FACTS[recorded].free) return { call_class: recorded, charge: NO_CHARGE };
    const { call_class, rate } = ratedBy(call, prices);
    if (!rate) return null;
    const { turn } = call;
    const minutes = leftIn(call.cycle_start);
    const slot = payingSlot(call_class, {
      billing_mode: franquia.billing_mode ?? call.billing_mode,
      ldn_fixed_uses_local,
      ldn_mobile_uses_local,
      slots: minutes,
    });
    const secondsOf = (cycle: ReadonlyMap<BundleSlot, number>) => (slot && cycle.get(slot)) ?? 0;
    const talk_ms = Math.min(call.talk_ms, call.granted_seconds * 1000);
    const after = turn && {
      turn_seconds: turn.turn_seconds,
      left_seconds: secondsOf(leftIn(turn.cycle_start)),
    };
    const grant = grantFor(talk_ms, rate, secondsOf(minutes), after);
    const cycles = [call.cycle_start, turn?.cycle_start ?? call.cycle_start] as const;
    const { charge, parts } = billCall(talk_ms, { rate, wholesale: null, cost: null }, grant, cycles);
    for (const { cycle_start, bundle_seconds } of parts) {
      if (!slot || bundle_seconds === 0) continue;
      const cycle = leftIn(cycle_start);
      cycle.set(slot, secondsOf(cycle) - bundle_seconds);
    }
    return { call_class, charge };
  };
}
