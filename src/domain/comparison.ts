import { talkSeconds } from './cadence.ts';
import { CALL_CLASSES, type CallClass } from './call-class.ts';
import type { Micros } from './money.ts';
import type { ReRated, StoredCall } from './re-rate.ts';

/** Calls, added up. */
export interface Totals {
  calls: number;
  talk_seconds: number;
  billed_seconds: number;
  bundle_seconds: number;
  paid_seconds: number;
  total_micros: Micros;
}

/** Calls that would have been refused, as they were recorded. */
export interface Unrated extends Totals {
  /** Some of the numbers, each once. */
  readonly numbers: Set<string>;
}

/** A class abroad may be another one by other prices: each side counts a call in its own. */
export interface ClassComparison {
  readonly recorded: Totals;
  readonly re_rated: Totals;
  readonly unrated: Unrated;
}

export interface Comparison {
  add(call: StoredCall, reRated: ReRated): void;
  /** Of the classes that calls had, in the order of the list of classes. */
  classes(): Map<CallClass, ClassComparison>;
}

const EXAMPLES = 20;

export function noTotals(): Totals {
  return {
    calls: 0,
    talk_seconds: 0,
    billed_seconds: 0,
    bundle_seconds: 0,
    paid_seconds: 0,
    total_micros: 0n,
  };
}

type Amounts = Omit<Totals, 'calls' | 'talk_seconds'>;

/** Adds one call, or several, to a sum. */
export function addTotals(sum: Totals, amounts: Amounts, talk_seconds: number, calls = 1): void {
  sum.calls += calls;
  sum.talk_seconds += talk_seconds;
  sum.billed_seconds += amounts.billed_seconds;
  sum.bundle_seconds += amounts.bundle_seconds;
  sum.paid_seconds += amounts.paid_seconds;
  sum.total_micros += amounts.total_micros;
}

/** Adds up calls as they were recorded and as they would have been. Its size does not depend on how many they are. */
export function createComparison(): Comparison {
  const byClass = new Map<CallClass, ClassComparison>();
  const classOf = (call_class: CallClass) => {
    const known = byClass.get(call_class) ?? {
      recorded: noTotals(),
      re_rated: noTotals(),
      unrated: { ...noTotals(), numbers: new Set<string>() },
    };
    byClass.set(call_class, known);
    return known;
  };

  return {
    add(call, reRated) {
      const talk = talkSeconds(call.talk_ms);
      const { recorded, unrated } = classOf(call.call_class);
      addTotals(recorded, call, talk);
      if (reRated) return addTotals(classOf(reRated.call_class).re_rated, reRated.charge, talk);
      addTotals(unrated, call, talk);
      if (unrated.numbers.size < EXAMPLES) unrated.numbers.add(call.number);
    },
    classes: () =>
      new Map(
        CALL_CLASSES.flatMap((name) => {
          const known = byClass.get(name);
          return known ? [[name, known] as const] : [];
        }),
      ),
  };
}
