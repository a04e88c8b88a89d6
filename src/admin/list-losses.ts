import type { LossItem } from '../contract/losses.ts';
import type { Page, PageRequest } from '../contract/paging.ts';
import { formatCadence } from '../domain/cadence.ts';
import {
  type CheckedPrices,
  createClassLosses,
  findLoss,
  findRowLoss,
  type LossFound,
  placedRow,
} from '../domain/loss-check.ts';
import { createLossWalk } from '../domain/loss-walk.ts';
import { requireCostPlan } from '../stores/postgres/cost-plans.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { readCursor, toPage } from '../stores/postgres/page.ts';
import { findVersion, findVersionAt, type HoldingVersion } from '../stores/postgres/plan-versions.ts';
import { readDeck, toClassRates } from '../stores/postgres/rate-versions.ts';
import { readSideBySide } from '../stores/postgres/side-by-side.ts';

/** What sells and what it is bought by. */
interface Compared {
  readonly sale: Side;
  readonly cost: Side;
}
interface Side extends CheckedPrices {
  /** null: there is no version, and so no price. */
  readonly version_id: string | null;
}

const toSide = (version: HoldingVersion): Side => ({
  version_id: version.id,
  pricing: version.pricing,
  class_rates: toClassRates(version.class_rates),
});

/** Where it bites: the longer prefix of the two, or the class. Each comes once, prefixes first. */
const placeOf = ({ sale, cost }: LossFound): string => {
  const [sold, bought] = [sale.prefix ?? '', cost?.prefix ?? ''];
  if (sale.prefix === null) return sale.call_class ?? '';
  return bought.length > sold.length ? bought : sold;
};

async function* prefixLosses(tx: Tx, { sale, cost }: Compared, after: string): AsyncGenerator<LossFound[]> {
  let found: (LossFound | null)[] = [];
  const walk = createLossWalk((met) => {
    found.push(findLoss(placedRow(met.sale), met.cost && placedRow(met.cost)));
  });
  for await (const rows of readSideBySide(tx, { SALE: sale.version_id, COST: cost.version_id }, after)) {
    for (const one of rows) {
      if (cost.pricing === 'DECK') walk.add(one);
      else found.push(findRowLoss(one.row, cost));
    }
    yield found.filter((one) => one !== null);
    found = [];
  }
  walk.end();
  yield found.filter((one) => one !== null);
}

async function classLosses(tx: Tx, { sale, cost }: Compared): Promise<LossFound[]> {
  const losses = createClassLosses(sale, cost);
  if (sale.pricing === 'BY_CLASS' && cost.pricing === 'DECK' && cost.version_id !== null)
    for await (const rows of readDeck(tx, cost.version_id)) for (const row of rows) losses.add(row);
  return losses.found();
}

async function* lossesBehind(tx: Tx, compared: Compared, after: string): AsyncGenerator<LossFound[]> {
  const isPrefix = /^\d*$/.test(after);
  if (isPrefix && compared.sale.pricing === 'DECK') yield* prefixLosses(tx, compared, after);
  yield await classLosses(tx, compared);
}

function toItem({ sale, cost, loss }: LossFound): LossItem {
  const bitesAtCost = cost?.prefix && cost.prefix.length > (sale.prefix?.length ?? 0);
  return {
    prefix: sale.prefix,
    call_class: sale.call_class,
    cost_prefix: cost?.prefix ?? null,
    cost_class: cost?.call_class ?? null,
    locality: (bitesAtCost ? cost.locality : sale.locality) ?? null,
    price_micros_per_minute: sale.price_micros_per_minute.toString(),
    cadence: formatCadence(sale.cadence),
    cost_micros_per_minute: cost?.price_micros_per_minute.toString() ?? null,
    cost_cadence: cost && formatCadence(cost.cadence),
    kind: loss === 'NO_COST' ? 'NO_COST' : loss.kind,
    loss_micros_per_minute:
      loss !== 'NO_COST' && loss.kind === 'PRICE' ? loss.micros_per_minute.toString() : null,
    loss_up_to_seconds: loss !== 'NO_COST' && loss.kind === 'CADENCE' ? loss.up_to_seconds : null,
  };
}

export interface LossQuery extends PageRequest {
  readonly version_id?: string | undefined;
  readonly cost_plan_id?: string | undefined;
}

/** null: there is nothing to compare, for there are no prices yet, or the reseller is charged nothing. */
async function findCompared(tx: Tx, sales_plan_id: string, query: LossQuery): Promise<Compared | null> {
  const { version_id } = query;
  const sale = version_id
    ? await findVersion(tx, { sales_plan_id }, version_id)
    : await findVersionAt(tx, { sales_plan_id }, null);
  if (!sale && version_id) throw notFound('version_id');
  const { cost_plan_id: bought_by } = await tx
    .selectFrom('sales_plans as p')
    .innerJoin('resellers as r', 'r.id', 'p.reseller_id')
    .select('r.cost_plan_id')
    .where('p.id', '=', sales_plan_id)
    .executeTakeFirstOrThrow(() => notFound());
  await requireCostPlan(tx, query.cost_plan_id);
  const cost_plan_id = query.cost_plan_id ?? bought_by;
  if (!sale || cost_plan_id === null) return null;
  const at = sale.valid_from.getTime() > Date.now() ? sale.valid_from : null;
  const cost = await findVersionAt(tx, { cost_plan_id }, at);
  const nothing: Side = { version_id: null, pricing: 'BY_CLASS', class_rates: new Map() };
  return { sale: toSide(sale), cost: cost ? toSide(cost) : nothing };
}

/**
 * One page of the rates of a sales plan that earn less than they cost. Decks are walked along from where the page
 * before ended, no further than the page is long. Throws NOT_FOUND.
 */
export async function listLosses(tx: Tx, sales_plan_id: string, query: LossQuery): Promise<Page<LossItem>> {
  const after = query.cursor === undefined ? '' : readCursor(query.cursor, query.sort)[1];
  const compared = await findCompared(tx, sales_plan_id, query);
  const rows: (LossItem & { page_cursor: string })[] = [];
  if (!compared) return { items: [], next_cursor: null };
  for await (const batch of lossesBehind(tx, compared, after)) {
    for (const found of batch) {
      const place = placeOf(found);
      // Digits come before letters: prefixes in the order of their digits, and then classes by name.
      if (place > after) rows.push({ ...toItem(found), page_cursor: JSON.stringify([place, place]) });
    }
    if (rows.length > query.limit) break;
  }
  return toPage(rows, query);
}
