import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { Cadence } from '../../domain/cadence.ts';
import type { CallClass } from '../../domain/call-class.ts';
import { createDeckBuilder, type DeckRow } from '../../domain/deck.ts';
import type { Pricing, Rate, RateTable, VersionStart } from '../../domain/rate-table.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import type { ClassRate } from './recorded.ts';
import type { Database } from './tables.ts';

/** The plan that a version belongs to: of a reseller, or of what things cost. */
export type PlanRef =
  | { readonly sales_plan_id: string; readonly cost_plan_id?: undefined }
  | { readonly cost_plan_id: string; readonly sales_plan_id?: undefined };

export interface NewVersion {
  readonly plan: PlanRef;
  /** null: from now on. */
  readonly valid_from: Date | null;
  readonly author: string;
  /** Of a deck: the prices of what has no number of E.164, and of collect calls. */
  readonly class_rates: readonly ClassRate[];
}

/** A version without the rows of its deck, which its caller adds. Gives its id. */
export async function insertVersion(
  tx: Tx,
  version: NewVersion,
  pricing: Pricing,
  deck_rows: number,
): Promise<string> {
  const { sales_plan_id = null, cost_plan_id = null } = version.plan;
  const { rows } = await sql<{ id: string }>`
    insert into rate_versions (sales_plan_id, cost_plan_id, valid_from, pricing, class_rates, deck_rows, author)
    values (${sales_plan_id}, ${cost_plan_id}, coalesce(${version.valid_from}::timestamptz, clock_timestamp()),
      ${pricing}, ${JSON.stringify(version.class_rates)}::jsonb, ${deck_rows}, ${version.author})
    returning id`.execute(tx);
  return (rows[0] as { id: string }).id;
}

/** Adds prices by class. Gives the id of the version. */
export function addClassVersion(tx: Tx, version: NewVersion): Promise<string> {
  return insertVersion(tx, version, 'BY_CLASS', 0);
}

const ROWS_AT_ONCE = 5_000;

/**
 * Adds the prices of a deck, in the transaction of the caller: all rows or none. Prefixes are unique within `rows`.
 * `told` hears how many rows are there after each batch. Gives the id of the version.
 */
export async function addDeckVersion(
  tx: Tx,
  version: NewVersion,
  rows: readonly DeckRow[],
  told: (done: number) => void = () => {},
): Promise<string> {
  const id = await insertVersion(tx, version, 'DECK', rows.length);
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const batch = rows.slice(from, from + ROWS_AT_ONCE);
    const column = <T>(value: (row: DeckRow) => T) => batch.map(value);
    await sql`
      insert into deck_rates (rate_version_id, prefix, locality, kind, price_micros_per_minute, initial_seconds,
        increment_seconds, free_threshold_seconds, active)
      select ${id}, * from unnest(${column((row) => row.prefix)}::text[], ${column((row) => row.locality)}::text[],
        ${column((row) => row.kind)}::text[], ${column((row) => String(row.price_micros_per_minute))}::bigint[],
        ${column((row) => row.cadence.initial_seconds)}::smallint[],
        ${column((row) => row.cadence.increment_seconds)}::smallint[],
        ${column((row) => row.cadence.free_threshold_seconds)}::smallint[],
        ${column((row) => row.active)}::boolean[])`.execute(tx);
    told(from + batch.length);
  }
  // From when all of it is there: calls of meanwhile were rated by what held before.
  if (version.valid_from === null)
    await sql`update rate_versions set valid_from = clock_timestamp() where id = ${id}`.execute(tx);
  return id;
}

/** Whether a version is of this plan, as a condition on `rate_versions`. */
export function ofPlan(plan: PlanRef): RawBuilder<boolean> {
  return plan.sales_plan_id === undefined
    ? sql<boolean>`cost_plan_id = ${plan.cost_plan_id}`
    : sql<boolean>`sales_plan_id = ${plan.sales_plan_id}`;
}

/** The versions of a plan in the order of their beginning: of those that begin together the later written counts. */
export async function listVersionStarts(db: Db | Tx, plan: PlanRef): Promise<VersionStart[]> {
  const { rows } = await sql<VersionStart>`
    select id as version_id, (extract(epoch from valid_from) * 1000)::double precision as valid_from_ms
    from rate_versions where ${ofPlan(plan)} order by valid_from, sequence`.execute(db);
  return rows;
}

function toCadence(row: Omit<ClassRate, 'call_class' | 'price_micros_per_minute'>): Cadence {
  const { initial_seconds, increment_seconds, free_threshold_seconds } = row;
  return { initial_seconds, increment_seconds, free_threshold_seconds };
}

export function toClassRates(rates: readonly ClassRate[]): Map<CallClass, Rate> {
  return new Map(
    rates.map((rate) => [
      rate.call_class,
      { price_micros_per_minute: BigInt(rate.price_micros_per_minute), cadence: toCadence(rate) },
    ]),
  );
}

export type DeckRateRow = Omit<Selectable<Database['deck_rates']>, 'rate_version_id'>;

/** Rows of a deck in the order of their prefixes, page by page, so that none of it holds the process up for long. */
export async function* readDeck(db: Db | Tx, version_id: string): AsyncGenerator<DeckRow[]> {
  for (let after = ''; ; ) {
    const { rows } = await sql<DeckRateRow>`
      select prefix, locality, kind, price_micros_per_minute, initial_seconds, increment_seconds,
        free_threshold_seconds, active
      from deck_rates where rate_version_id = ${version_id} and prefix > ${after}
      order by prefix limit ${ROWS_AT_ONCE}`.execute(db);
    if (rows.length > 0)
      yield rows.map(({ initial_seconds, increment_seconds, free_threshold_seconds, ...row }) => ({
        ...row,
        cadence: toCadence({ initial_seconds, increment_seconds, free_threshold_seconds }),
      }));
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_AT_ONCE) return;
    after = last.prefix;
  }
}

/** The prices of a version, ready to be asked; null when there is no such version. */
export async function readRateTable(db: Db | Tx, version_id: string): Promise<RateTable | null> {
  const { rows } = await sql<{ pricing: Pricing; class_rates: ClassRate[] }>`
    select pricing, class_rates from rate_versions where id = ${version_id}`.execute(db);
  const [version] = rows;
  if (!version) return null;
  const class_rates = toClassRates(version.class_rates);
  if (version.pricing === 'BY_CLASS') return { version_id, class_rates, deck: null };
  const builder = createDeckBuilder(version_id);
  for await (const page of readDeck(db, version_id)) for (const row of page) builder.add(row);
  return { version_id, class_rates, deck: builder.build() };
}
