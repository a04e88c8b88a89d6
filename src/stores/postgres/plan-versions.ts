import { type RawBuilder, sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Pricing } from '../../domain/rate-table.ts';
import type { Tx } from './ledger.ts';
import { pageClauses, type SortColumn, toPage } from './page.ts';
import { insertVersion, type NewVersion, ofPlan, type PlanRef } from './rate-versions.ts';
import type { ClassRate } from './recorded.ts';

/** The prices of a plan as they hold now; a plan without any is one by class that prices nothing. */
export interface PriceColumns {
  rates: ClassRate[];
  pricing: Pricing;
  deck_rows: number;
  version_id: string | null;
  valid_from: Date | null;
  next_valid_from: Date | null;
}

type PlanColumn = 'sales_plan_id' | 'cost_plan_id';

/** Columns of `PriceColumns`, of the join below. */
export const PRICE_COLUMNS = sql.raw(`
  coalesce(v.class_rates, '[]') as rates, coalesce(v.pricing, 'BY_CLASS') as pricing,
  coalesce(v.deck_rows, 0) as deck_rows, v.id as version_id, v.valid_from, n.valid_from as next_valid_from
`);

/** Joins the version that holds now (`v`) and the beginning of the next one (`n`) to plans called `p`. */
export function joinPrices(column: PlanColumn): RawBuilder<unknown> {
  return sql.raw(`
    left join lateral (select * from rate_versions
      where ${column} = p.id and valid_from <= statement_timestamp()
      order by valid_from desc, sequence desc limit 1) v on true
    left join lateral (select valid_from from rate_versions
      where ${column} = p.id and valid_from > statement_timestamp()
      order by valid_from limit 1) n on true`);
}

export interface HoldingVersion {
  readonly id: string;
  readonly valid_from: Date;
  readonly pricing: Pricing;
  readonly class_rates: readonly ClassRate[];
  readonly deck_rows: number;
}

const HOLDING = sql.raw('id, valid_from, pricing, class_rates, deck_rows');

/** The version of a plan that holds at a moment, or now; null: none has begun by then. */
export async function findVersionAt(tx: Tx, plan: PlanRef, at: Date | null): Promise<HoldingVersion | null> {
  const { rows } = await sql<HoldingVersion>`
    select ${HOLDING} from rate_versions
    where ${ofPlan(plan)} and valid_from <= coalesce(${at}::timestamptz, statement_timestamp())
    order by valid_from desc, sequence desc limit 1`.execute(tx);
  return rows[0] ?? null;
}

/** One version of a plan; null when the plan has no such. */
export async function findVersion(tx: Tx, plan: PlanRef, version_id: string): Promise<HoldingVersion | null> {
  const { rows } = await sql<HoldingVersion>`
    select ${HOLDING} from rate_versions where ${ofPlan(plan)} and id = ${version_id}`.execute(tx);
  return rows[0] ?? null;
}

export interface VersionRow {
  id: string;
  valid_from: Date;
  holds_now: boolean;
  pricing: Pricing;
  rates: ClassRate[];
  deck_rows: number;
  author: string;
  created_at: Date;
}

// By the moment they begin, and of those that begin together the later written last.
const SORTS: Readonly<Record<string, SortColumn>> = { valid_from: ['valid_from', 'timestamptz'] };
const KEY: SortColumn = ['sequence', 'bigint'];

/** One page of the versions of a plan. */
export async function listVersions(tx: Tx, plan: PlanRef, request: PageRequest): Promise<Page<VersionRow>> {
  const page = pageClauses(request, SORTS, KEY);
  const { rows } = await sql<VersionRow & { page_cursor: string }>`
    select id, valid_from, pricing, class_rates as rates, deck_rows, author, created_at,
      id = (select id from rate_versions where ${ofPlan(plan)} and valid_from <= statement_timestamp()
        order by valid_from desc, sequence desc limit 1) as holds_now, ${page.cursor} as page_cursor
    from rate_versions where ${ofPlan(plan)} and ${page.after}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

/** Adds a version with the deck of another one, and class rates of its own. Gives its id. */
export async function addVersionOfDeck(
  tx: Tx,
  version: NewVersion,
  deck: Pick<HoldingVersion, 'id' | 'deck_rows'>,
): Promise<string> {
  const id = await insertVersion(tx, version, 'DECK', deck.deck_rows);
  await sql`
    insert into deck_rates (rate_version_id, prefix, locality, kind, price_micros_per_minute, initial_seconds,
      increment_seconds, free_threshold_seconds, active)
    select ${id}, prefix, locality, kind, price_micros_per_minute, initial_seconds, increment_seconds,
      free_threshold_seconds, active
    from deck_rates where rate_version_id = ${deck.id}`.execute(tx);
  return id;
}

/** Takes a version back that has not begun. Gives whether there was one. */
export async function deletePlannedVersion(tx: Tx, plan: PlanRef, version_id: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    delete from rate_versions
    where ${ofPlan(plan)} and id = ${version_id} and valid_from > statement_timestamp()`.execute(tx);
  return numAffectedRows > 0n;
}

/** Whether a call was rated by any version of a cost plan. */
export async function isCostPlanInRecords(tx: Tx, cost_plan_id: string): Promise<boolean> {
  const { rows } = await sql`
    with versions as (select id::text from rate_versions where cost_plan_id = ${cost_plan_id})
    select from calls
    where wholesale ->> 'version_id' in (select id from versions) or cost ->> 'version_id' in (select id from versions)
    limit 1`.execute(tx);
  return rows.length > 0;
}
