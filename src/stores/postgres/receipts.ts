import { type Selectable, sql } from 'kysely';
import type { CallRates } from '../../domain/bill.ts';
import { parseCadence } from '../../domain/cadence.ts';
import type { Grant } from '../../domain/charge.ts';
import { nextCycleStart } from '../../domain/cycle.ts';
import type { FoundRate } from '../../domain/rate-table.ts';
import type { ReceiptFacts } from '../../domain/receipt.ts';
import type { Role } from '../../domain/tenant.ts';
import type { Tx } from './ledger.ts';
import type { RecordedRate } from './recorded.ts';
import type { Database } from './tables.ts';

/** Columns of a record that only some may read: the database itself keeps them from the others. */
const ALSO: Readonly<Record<Role, readonly string[]>> = {
  SUBSCRIBER: [],
  RESELLER: ['loss', 'wholesale', 'wholesale_micros'],
  MASTER: ['loss', 'wholesale', 'wholesale_micros', 'cost', 'cost_micros'],
};

type Costs = 'loss' | 'wholesale' | 'wholesale_micros' | 'cost' | 'cost_micros';
type Row = Selectable<Database['calls']>;

export type ReceiptRow = Omit<Row, Costs> &
  Partial<Pick<Row, Costs>> & { readonly sales_plan_name: string | null; readonly cycle_day: number };

/** The columns of call records that a role may read beyond those that everybody may, for a select on the alias `c`. */
export function costColumns(role: Role): string {
  return ALSO[role].map((column) => `, c.${column}`).join('');
}

/** A call's record with what its receipt needs; null when there is none that the transaction's role sees. */
export async function findReceipt(tx: Tx, call_id: string, role: Role): Promise<ReceiptRow | null> {
  const { rows } = await sql<ReceiptRow>`
    select c.id, c.dialled, c.number, c.call_class, c.csp, c.area_code, c.billing_mode, c.claims, c.sales_plan_id,
      c.created_at, c.answered_at, c.ended_at, c.talk_ms, c.billed_seconds, c.bundle_slot, c.bundle_seconds,
      c.paid_seconds, c.total_micros, c.price_micros_per_minute, c.cadence, c.granted_seconds, c.turn_seconds,
      c.parts, c.sale ${sql.raw(costColumns(role))},
      (select name from sales_plans p where p.id = c.sales_plan_id) as sales_plan_name,
      (select cycle_day from subscribers s where s.id = c.subscriber_id) as cycle_day
    from calls c where c.id = ${call_id}`.execute(tx);
  return rows[0] ?? null;
}

/** A rate as it was recorded. */
function toRate(recorded: RecordedRate | null | undefined): FoundRate | null {
  const cadence = recorded && parseCadence(recorded.cadence);
  if (!recorded || !cadence) return null;
  const { version_id, prefix, locality, price_micros_per_minute } = recorded;
  return {
    version_id,
    prefix,
    locality,
    kind: null,
    cadence,
    price_micros_per_minute: BigInt(price_micros_per_minute),
  };
}

/** Records of before there were versions of prices name the price alone. */
function saleOf({ sale, price_micros_per_minute, cadence }: ReceiptRow): FoundRate | null {
  if (sale) return toRate(sale);
  const known = cadence === null ? null : parseCadence(cadence);
  if (price_micros_per_minute === null || !known) return null;
  return {
    version_id: '',
    prefix: null,
    locality: null,
    kind: null,
    price_micros_per_minute,
    cadence: known,
  };
}

function grantOf({ parts, turn_seconds, granted_seconds, bundle_seconds }: ReceiptRow): Grant {
  const [began, next] = parts;
  if (!began) return { bundle_seconds, paid_seconds: granted_seconds - bundle_seconds };
  const grant = { bundle_seconds: began.granted_bundle_seconds, paid_seconds: began.granted_paid_seconds };
  if (!next || turn_seconds === null) return grant;
  const after_turn = {
    turn_seconds,
    bundle_seconds: next.granted_bundle_seconds,
    paid_seconds: next.granted_paid_seconds,
  };
  return { ...grant, after_turn };
}

/** What decided the bill of a recorded call. */
export function receiptFacts(row: ReceiptRow): ReceiptFacts & CallRates {
  const began = row.parts[0]?.cycle_start ?? '';
  return {
    rate: saleOf(row),
    wholesale: toRate(row.wholesale),
    cost: toRate(row.cost),
    talk_ms: row.talk_ms,
    slot: row.bundle_slot,
    grant: grantOf(row),
    cycles: [began, row.parts[1]?.cycle_start ?? (began && nextCycleStart(row.cycle_day, began))],
  };
}
