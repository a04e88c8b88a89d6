import { type RawBuilder, sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { CallClass } from '../../domain/call-class.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface SalesPlanRow {
  id: string;
  reseller_id: string;
  name: string;
  status: 'ACTIVE' | 'INACTIVE';
  rates: {
    call_class: CallClass;
    price_micros_per_minute: string;
    initial_seconds: number;
    increment_seconds: number;
    free_threshold_seconds: number;
  }[];
  version: number;
  created_at: Date;
}

export interface NewRate {
  readonly call_class: CallClass;
  readonly price_micros_per_minute: bigint;
  readonly initial_seconds: number;
  readonly increment_seconds: number;
  readonly free_threshold_seconds: number;
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

const COLUMNS = sql.raw(`
  p.id, p.reseller_id, p.name, p.status, p.version, p.created_at,
  (select coalesce(json_agg(json_build_object('call_class', r.call_class,
     'price_micros_per_minute', r.price_micros_per_minute::text, 'initial_seconds', r.initial_seconds,
     'increment_seconds', r.increment_seconds, 'free_threshold_seconds', r.free_threshold_seconds)
     order by r.call_class), '[]')
   from sales_plan_rates r where r.sales_plan_id = p.id) as rates
`);

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
    select ${COLUMNS}, ${page.cursor} as page_cursor from sales_plans p
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
    select ${COLUMNS} from sales_plans p where p.id = ${sales_plan_id} and ${seen(sight)}`.execute(tx);
  return rows[0] ?? null;
}

/**
 * Makes these the rates of a plan. A rate that stays as it is is not touched, so that the audit log shows what
 * changed and nothing else. Gives whether anything did.
 */
export async function replaceRates(
  tx: Tx,
  sales_plan_id: string,
  rates: readonly NewRate[],
): Promise<boolean> {
  const kept = rates.map(({ call_class }) => call_class);
  const { numAffectedRows: gone = 0n } = await sql`
    delete from sales_plan_rates
    where sales_plan_id = ${sales_plan_id} and call_class <> all(${kept}::text[])`.execute(tx);
  let changed = gone > 0n;
  for (const rate of rates) {
    const { numAffectedRows = 0n } = await sql`
      insert into sales_plan_rates as r (sales_plan_id, call_class, price_micros_per_minute, initial_seconds,
        increment_seconds, free_threshold_seconds)
      values (${sales_plan_id}, ${rate.call_class}, ${rate.price_micros_per_minute}, ${rate.initial_seconds},
        ${rate.increment_seconds}, ${rate.free_threshold_seconds})
      on conflict (sales_plan_id, call_class) do update set
        price_micros_per_minute = excluded.price_micros_per_minute, initial_seconds = excluded.initial_seconds,
        increment_seconds = excluded.increment_seconds, free_threshold_seconds = excluded.free_threshold_seconds
      where r is distinct from excluded`.execute(tx);
    if (numAffectedRows > 0n) changed = true;
  }
  return changed;
}
