import { type RawBuilder, sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';
import { joinPrices, PRICE_COLUMNS, type PriceColumns } from './plan-versions.ts';

export interface SalesPlanRow extends PriceColumns {
  id: string;
  reseller_id: string;
  name: string;
  status: 'ACTIVE' | 'INACTIVE';
  prices_include_taxes: boolean;
  version: number;
  created_at: Date;
}

/** Through what plans may be seen: through the subscribers that have them, through lines with a plan of their own. */
export interface PlanSight {
  readonly subscribers: boolean;
  readonly lines: boolean;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  name: ['p.name', 'text'],
  created_at: ['p.created_at', 'timestamptz'],
};

const COLUMNS = sql`
  p.id, p.reseller_id, p.name, p.status, p.prices_include_taxes, p.version, p.created_at, ${PRICE_COLUMNS}`;
const FROM = sql`from sales_plans p ${joinPrices('sales_plan_id')}`;

/** null sees every plan that the transaction's role lets it see. */
function seen(sight: PlanSight | null): RawBuilder<boolean> {
  if (sight === null) return sql<boolean>`true`;
  return sql<boolean>`(
    (${sight.subscribers} and exists (select from subscribers s where s.sales_plan_id = p.id))
    or (${sight.lines} and exists (select from lines l where l.sales_plan_id = p.id)))`;
}

export interface SalesPlanFilter {
  readonly reseller_id?: string | undefined;
  readonly status?: 'ACTIVE' | 'INACTIVE' | undefined;
}

/** One page of the plans that whoever holds the transaction may see. */
export async function listSalesPlans(
  tx: Tx,
  request: PageRequest,
  filter: SalesPlanFilter,
  sight: PlanSight | null,
): Promise<Page<SalesPlanRow>> {
  const page = pageClauses(request, SORTS, ['p.id', 'uuid']);
  const { rows } = await sql<SalesPlanRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor ${FROM}
    where ${page.after} and ${matches(request.q, 'p.name')} and ${seen(sight)}
      and ${equals('p.reseller_id', filter.reseller_id)} and ${equals('p.status', filter.status)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findSalesPlan(
  tx: Tx,
  sales_plan_id: string,
  sight: PlanSight | null,
): Promise<SalesPlanRow | null> {
  const { rows } = await sql<SalesPlanRow>`
    select ${COLUMNS} ${FROM} where p.id = ${sales_plan_id} and ${seen(sight)}`.execute(tx);
  return rows[0] ?? null;
}
