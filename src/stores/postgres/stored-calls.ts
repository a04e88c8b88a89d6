import { type RawBuilder, sql } from 'kysely';
import type { BillingMode } from '../../domain/authorize.ts';
import type { BundleSlot, CallClass } from '../../domain/call-class.ts';
import { cycleStart, nextCycleStart } from '../../domain/cycle.ts';
import type { StoredCall } from '../../domain/re-rate.ts';
import type { Tx } from './ledger.ts';
import { equals } from './page.ts';

/** From the first moment on and before the last. */
export interface Period {
  readonly from: Date;
  readonly to: Date;
}

/** A subscriber as its calls are rated by. */
export interface Caller {
  readonly subscriber_id: string;
  readonly billing_mode: BillingMode;
  readonly cycle_day: number;
  readonly ldn_fixed_uses_local: boolean;
  readonly ldn_mobile_uses_local: boolean;
  readonly created_at: Date;
  /** That it made in the period. */
  readonly calls: number;
}

/** A reseller's subscribers, or one of them. Those of a plan come together. */
export async function listCallers(
  tx: Tx,
  of: { readonly reseller_id: string; readonly subscriber_id: string | null },
  { from, to }: Period,
): Promise<Caller[]> {
  const { rows } = await sql<Caller>`
    select s.id as subscriber_id, s.billing_mode, s.cycle_day, s.ldn_fixed_uses_local, s.ldn_mobile_uses_local,
      s.created_at, (select count(*)::integer from calls c where c.subscriber_id = s.id
        and c.created_at >= ${from} and c.created_at < ${to}) as calls
    from subscribers s where s.reseller_id = ${of.reseller_id} and ${equals('s.id', of.subscriber_id ?? undefined)}
    order by s.sales_plan_id, s.id`.execute(tx);
  return rows;
}

/** The minutes that a slot was given in a cycle, and what they cost. */
export interface Allocation {
  readonly cycle_start: string;
  readonly slot: BundleSlot;
  readonly included_seconds: number;
  readonly monthly_price_micros: bigint;
}

export function listAllocations(tx: Tx, subscriber_id: string): Promise<Allocation[]> {
  return tx
    .selectFrom('bundle_allocations')
    .select(['cycle_start', 'slot', 'included_seconds', 'monthly_price_micros'])
    .where('subscriber_id', '=', subscriber_id)
    .execute();
}

/** A stored call with when and on which plan it was made. */
export interface PlannedCall extends StoredCall {
  readonly created_at_ms: number;
  readonly sales_plan_id: string;
}

interface CallRow {
  id: string;
  /** Whole, as the next page needs it: a Date would lose the microseconds. */
  at: string;
  created_at_ms: number;
  sales_plan_id: string;
  number: string;
  call_class: CallClass;
  billing_mode: BillingMode | null;
  talk_ms: number;
  granted_seconds: number;
  billed_seconds: number;
  bundle_seconds: number;
  paid_seconds: number;
  total_micros: bigint;
  turn_seconds: number | null;
  cycle_start: string | null;
  next_cycle_start: string | null;
}

/** Records of before versions of prices know neither their modality nor their cycle: both are the subscriber's. */
function toCall(row: CallRow, caller: Caller): PlannedCall {
  const { turn_seconds } = row;
  const cycle_start = row.cycle_start ?? cycleStart(caller.cycle_day, new Date(row.created_at_ms));
  return {
    created_at_ms: row.created_at_ms,
    sales_plan_id: row.sales_plan_id,
    number: row.number,
    call_class: row.call_class,
    billing_mode: row.billing_mode ?? caller.billing_mode,
    talk_ms: row.talk_ms,
    granted_seconds: row.granted_seconds,
    billed_seconds: row.billed_seconds,
    bundle_seconds: row.bundle_seconds,
    paid_seconds: row.paid_seconds,
    total_micros: row.total_micros,
    cycle_start,
    turn:
      turn_seconds === null
        ? null
        : {
            turn_seconds,
            cycle_start: row.next_cycle_start ?? nextCycleStart(caller.cycle_day, cycle_start),
          },
  };
}

const PAGE = 5_000;

/** The calls of a subscriber in the order in which they were made, page by page. */
export async function* readStoredCalls(
  tx: Tx,
  caller: Caller,
  { from, to }: Period,
): AsyncGenerator<PlannedCall[]> {
  for (let after: RawBuilder<boolean> = sql`created_at >= ${from}`; ; ) {
    const { rows } = await sql<CallRow>`
      select id, created_at::text as at,
        (extract(epoch from created_at) * 1000)::double precision as created_at_ms, sales_plan_id, number, call_class,
        billing_mode, talk_ms, granted_seconds, billed_seconds, bundle_seconds, paid_seconds, total_micros,
        turn_seconds, parts -> 0 ->> 'cycle_start' as cycle_start, parts -> 1 ->> 'cycle_start' as next_cycle_start
      from calls where subscriber_id = ${caller.subscriber_id} and ${after} and created_at < ${to}
      order by created_at, id limit ${PAGE}`.execute(tx);
    if (rows.length > 0) yield rows.map((row) => toCall(row, caller));
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = sql`(created_at, id) > (${last.at}::timestamptz, ${last.id})`;
  }
}
