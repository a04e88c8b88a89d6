import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import { notFound } from './edit.ts';
import type { Tx } from './ledger.ts';
import { matches, pageClauses, type SortColumn, toPage } from './page.ts';
import type { DeckRateRow, PlanRef } from './rate-versions.ts';

/** Whose a plan is; null for a cost plan. Throws NOT_FOUND for one that the transaction's role does not see. */
export async function requirePlan(tx: Tx, plan: PlanRef): Promise<string | null> {
  const { rows } =
    plan.sales_plan_id === undefined
      ? await sql<{ reseller_id: null }>`
          select null as reseller_id from cost_plans where id = ${plan.cost_plan_id}`.execute(tx)
      : await sql<{ reseller_id: string }>`
          select reseller_id from sales_plans where id = ${plan.sales_plan_id}`.execute(tx);
  const [row] = rows;
  if (!row) throw notFound();
  return row.reseller_id;
}

/**
 * Counts new prices as an edit of their plan: who read it before must read it again. Keeps the plan from being deleted
 * meanwhile; false when it is gone.
 */
export async function countEdit(tx: Tx, plan: PlanRef): Promise<boolean> {
  const [table, id] =
    plan.sales_plan_id === undefined
      ? ['cost_plans', plan.cost_plan_id]
      : ['sales_plans', plan.sales_plan_id];
  const { numAffectedRows } = await sql`
    update ${sql.table(table)} set version = version + 1 where id = ${id}`.execute(tx);
  return numAffectedRows === 1n;
}

const PREFIX: SortColumn = ['d.prefix', 'text'];

/** One page of a deck. `q` is the beginning of a prefix, or a part of a locality. */
export async function listDeckRows(
  tx: Tx,
  version_id: string,
  request: PageRequest,
): Promise<Page<DeckRateRow>> {
  const page = pageClauses(request, { prefix: PREFIX }, PREFIX);
  const { rows } = await sql<DeckRateRow & { page_cursor: string }>`
    select d.prefix, d.locality, d.kind, d.price_micros_per_minute, d.initial_seconds, d.increment_seconds,
      d.free_threshold_seconds, d.active, ${page.cursor} as page_cursor
    from deck_rates d
    where d.rate_version_id = ${version_id} and ${page.after}
      and (starts_with(d.prefix, ${request.q ?? ''}) or ${matches(request.q, 'd.locality')})
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}
