import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import { notFound } from './edit.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';
import { joinPrices, PRICE_COLUMNS, type PriceColumns } from './plan-versions.ts';

export interface CostPlanRow extends PriceColumns {
  id: string;
  name: string;
  status: 'ACTIVE' | 'INACTIVE';
  version: number;
  created_at: Date;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  name: ['p.name', 'text'],
  created_at: ['p.created_at', 'timestamptz'],
};

const COLUMNS = sql`p.id, p.name, p.status, p.version, p.created_at, ${PRICE_COLUMNS}`;
const FROM = sql`from cost_plans p ${joinPrices('cost_plan_id')}`;

/** One page of the cost plans that whoever holds the transaction may see: a reseller the one that it buys by. */
export async function listCostPlans(
  tx: Tx,
  request: PageRequest,
  filter: { readonly status?: 'ACTIVE' | 'INACTIVE' | undefined },
): Promise<Page<CostPlanRow>> {
  const page = pageClauses(request, SORTS, ['p.id', 'uuid']);
  const { rows } = await sql<CostPlanRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor ${FROM}
    where ${page.after} and ${matches(request.q, 'p.name')} and ${equals('p.status', filter.status)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findCostPlan(tx: Tx, cost_plan_id: string): Promise<CostPlanRow | null> {
  const { rows } = await sql<CostPlanRow>`
    select ${COLUMNS} ${FROM} where p.id = ${cost_plan_id}`.execute(tx);
  return rows[0] ?? null;
}

/** Throws NOT_FOUND naming `cost_plan_id` unless there is such a plan; null is none, and well. */
export async function requireCostPlan(tx: Tx, cost_plan_id: string | null | undefined): Promise<void> {
  if (cost_plan_id === null || cost_plan_id === undefined) return;
  const row = await tx
    .selectFrom('cost_plans')
    .select('id')
    .where('id', '=', cost_plan_id)
    .executeTakeFirst();
  if (!row) throw notFound('cost_plan_id');
}
