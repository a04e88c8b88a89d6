import { type Fault, JobFaultsError } from '../contract/jobs.ts';
import { say } from '../contract/language.ts';
import type { ReRateParams, ReRating } from '../contract/re-ratings.ts';
import type { BundleSlot } from '../domain/call-class.ts';
import { addTotals, type Comparison, createComparison, noTotals, type Totals } from '../domain/comparison.ts';
import { cycleStart, dayStart_ms, nextCycleStart } from '../domain/cycle.ts';
import type { Micros } from '../domain/money.ts';
import { type RateTable, type VersionStart, versionAt } from '../domain/rate-table.ts';
import { createReRate, type Franquia } from '../domain/re-rate.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { TakenJob } from '../stores/postgres/jobs.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { findMinuteBundle } from '../stores/postgres/minute-bundles.ts';
import { createRateShelf } from '../stores/postgres/rate-shelf.ts';
import { listVersionStarts } from '../stores/postgres/rate-versions.ts';
import {
  type Allocation,
  type Caller,
  listAllocations,
  listCallers,
  type Period,
  readStoredCalls,
} from '../stores/postgres/stored-calls.ts';
import { readAs } from '../stores/postgres/tenancy.ts';

/** A call is over a day after it began: which of them reach into a cycle is known from there. */
const LONGEST_CALL_ms = 24 * 3_600_000;

/** What a slot holds instead of what it held. */
interface OtherBundle {
  readonly slot: BundleSlot;
  readonly included_seconds: number;
  readonly monthly_price_micros: Micros;
}

const IS_GONE: Fault = {
  line: null,
  column: null,
  value: null,
  reason: say(
    'the plan or a franquia was deleted meanwhile',
    'o plano ou uma franquia foi excluído nesse meio-tempo',
  ),
};

const isGone = () => new JobFaultsError({ count: 1, first: [IS_GONE] });

async function requirePlan(tx: Tx, sales_plan_id: string): Promise<void> {
  const rows = await tx.selectFrom('sales_plans').select('id').where('id', '=', sales_plan_id).execute();
  if (rows.length === 0) throw isGone();
}

/** null: as they have it. */
async function readBundles(tx: Tx, { bundles }: ReRateParams): Promise<OtherBundle[] | null> {
  if (!bundles) return null;
  const others: OtherBundle[] = [];
  for (const { slot, bundle_id } of bundles) {
    const bundle = await findMinuteBundle(tx, bundle_id);
    if (!bundle) throw isGone();
    others.push({ ...bundle, slot });
  }
  return others;
}

/** Prices of a plan as they held at a moment. */
function createPrices(tx: Tx) {
  const shelf = createRateShelf(tx);
  const plans = new Map<string, Promise<VersionStart[]>>();
  return async (sales_plan_id: string, at_ms: number): Promise<RateTable | null> => {
    const versions = plans.get(sales_plan_id) ?? listVersionStarts(tx, { sales_plan_id });
    plans.set(sales_plan_id, versions);
    const version_id = versionAt(await versions, at_ms);
    return version_id === null ? null : shelf(version_id);
  };
}

function franquiaOf(
  params: ReRateParams,
  caller: Caller,
  allocations: readonly Allocation[],
  bundles: readonly OtherBundle[] | null,
): Franquia {
  const included = (of: readonly { slot: BundleSlot; included_seconds: number }[]) =>
    new Map(of.map(({ slot, included_seconds }) => [slot, included_seconds]));
  const others = bundles && included(bundles);
  return {
    billing_mode: others ? 'BUNDLE' : null,
    ldn_fixed_uses_local: params.ldn_fixed_uses_local ?? caller.ldn_fixed_uses_local,
    ldn_mobile_uses_local: params.ldn_mobile_uses_local ?? caller.ldn_mobile_uses_local,
    includedIn: (cycle) => others ?? included(allocations.filter(({ cycle_start }) => cycle_start === cycle)),
  };
}

/** Cycles that begin in the period; of a subscriber that is new in it, the one that it began in too. */
function cyclesIn({ cycle_day, created_at }: Caller, { from, to }: Period): string[] {
  const isNew = created_at > from;
  const cycles: string[] = [];
  let cycle = cycleStart(cycle_day, isNew ? created_at : from);
  if (!isNew && dayStart_ms(cycle) < from.getTime()) cycle = nextCycleStart(cycle_day, cycle);
  for (; dayStart_ms(cycle) < to.getTime(); cycle = nextCycleStart(cycle_day, cycle)) cycles.push(cycle);
  return cycles;
}

const priceOf = (of: readonly { monthly_price_micros: Micros }[]) =>
  of.reduce((sum, { monthly_price_micros }) => sum + monthly_price_micros, 0n);

interface Fees {
  recorded: Micros;
  re_rated: Micros;
}

function addFees(
  fees: Fees,
  cycles: string[],
  allocations: readonly Allocation[],
  bundles: readonly OtherBundle[] | null,
) {
  const recorded = priceOf(allocations.filter(({ cycle_start }) => cycles.includes(cycle_start)));
  fees.recorded += recorded;
  fees.re_rated += bundles ? priceOf(bundles) * BigInt(cycles.length) : recorded;
}

const told = ({ total_micros, ...totals }: Totals) => ({ ...totals, total_micros: total_micros.toString() });

function present(comparison: Comparison, fees: Fees): ReRating {
  const [recorded, re_rated, unrated] = [noTotals(), noTotals(), noTotals()];
  const classes = [...comparison.classes()].map(([call_class, sides]) => {
    addTotals(recorded, sides.recorded, sides.recorded.talk_seconds, sides.recorded.calls);
    addTotals(re_rated, sides.re_rated, sides.re_rated.talk_seconds, sides.re_rated.calls);
    addTotals(unrated, sides.unrated, sides.unrated.talk_seconds, sides.unrated.calls);
    const { numbers, ...refused } = sides.unrated;
    return {
      call_class,
      recorded: told(sides.recorded),
      re_rated: told(sides.re_rated),
      unrated: { ...told(refused), numbers: [...numbers] },
    };
  });
  const before = recorded.total_micros - unrated.total_micros + fees.recorded;
  return {
    classes,
    recorded: told(recorded),
    re_rated: told(re_rated),
    unrated: told(unrated),
    recorded_fees_micros: fees.recorded.toString(),
    re_rated_fees_micros: fees.re_rated.toString(),
    difference_micros: (re_rated.total_micros + fees.re_rated - before).toString(),
  };
}

/**
 * Compares what calls cost with what they would have cost on another plan or with other franquias. Reads as the
 * reseller, in a transaction that can change nothing. `tell` hears how many calls of how many are done.
 */
export function reRate(
  db: Db,
  params: ReRateParams,
  tell: (done: number, total: number) => void,
): Promise<ReRating> {
  const period = { from: new Date(params.from), to: new Date(params.to) };
  const { reseller_id } = params;
  return readAs(db, { role: 'RESELLER', reseller_id }, async (tx) => {
    const [bundles, callers] = [await readBundles(tx, params), await listCallers(tx, params, period)];
    if (params.sales_plan_id !== null) await requirePlan(tx, params.sales_plan_id);
    const prices = createPrices(tx);
    const comparison = createComparison();
    const fees: Fees = { recorded: 0n, re_rated: 0n };
    const total = callers.reduce((sum, { calls }) => sum + calls, 0);
    let done = 0;
    for (const caller of callers) {
      const allocations = await listAllocations(tx, caller.subscriber_id);
      addFees(fees, cyclesIn(caller, period), allocations, bundles);
      if (caller.calls === 0) continue;
      const reRateCall = createReRate(franquiaOf(params, caller, allocations, bundles));
      // Calls of the same cycle that were made before the period take their minutes, and are not counted.
      const since_ms = dayStart_ms(cycleStart(caller.cycle_day, period.from)) - LONGEST_CALL_ms;
      for await (const page of readStoredCalls(tx, caller, { from: new Date(since_ms), to: period.to })) {
        for (const call of page) {
          const table = await prices(params.sales_plan_id ?? call.sales_plan_id, call.created_at_ms);
          const reRated = reRateCall(call, table);
          if (call.created_at_ms < period.from.getTime()) continue;
          comparison.add(call, reRated);
          done += 1;
        }
        tell(Math.min(done, total), total);
      }
    }
    return present(comparison, fees);
  });
}

/** The same as a job: its result is the comparison, and there is nothing to write. */
export const reRateWork =
  (db: Db) =>
  async ({ params }: TakenJob<'RE_RATE'>, tell: (done: number, total: number) => void) => {
    const compared = await reRate(db, params, tell);
    return async () => compared;
  };
