import { type RawBuilder, sql } from 'kysely';
import type { BillingMode } from '../../domain/authorize.ts';
import type { BundleSlot, CallClass } from '../../domain/call-class.ts';
import { accounts, feeEntries, type Payer } from '../../domain/ledger.ts';
import type { Micros } from '../../domain/money.ts';
import type { Due } from '../../domain/statement.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import type { MovementKind } from './tables.ts';
import { moveMoney } from './wallets.ts';

/** A subscriber whose cycles are closed, and where its last statement ended. */
export interface Billed extends Payer {
  readonly billing_mode: BillingMode;
  readonly cycle_day: number;
  readonly due_day: number;
  readonly block_after_days: number;
  /** null: it has no statement yet. */
  readonly closed_until: string | null;
  /** The day of the first thing that it was given or charged; null: there was nothing yet. */
  readonly began_on: string | null;
}

/**
 * Everybody who may have a cycle to close. The first movement or the first minutes begin it, in their own cycle.
 */
export async function listBilled(db: Db): Promise<Billed[]> {
  const { rows } = await sql<Billed>`
    select s.id as subscriber_id, s.reseller_id, s.billing_mode, s.cycle_day, s.due_day, s.block_after_days,
      (select max(t.cycle_end) from statements t where t.subscriber_id = s.id) as closed_until,
      least(
        (select min(a.cycle_start) from bundle_allocations a where a.subscriber_id = s.id),
        (select coalesce(m.cycle_start, (m.created_at at time zone 'America/Sao_Paulo')::date)
         from ledger_movements m where m.subscriber_id = s.id order by m.id limit 1)) as began_on
    from subscribers s order by s.id`.execute(db);
  return rows;
}

/** The statement before the one that is made: where coverage and balance go on from. */
export interface Previous {
  readonly cycle_end: string | null;
  readonly last_movement_id: bigint;
  readonly closing_balance_micros: Micros;
}

const NONE: Previous = { cycle_end: null, last_movement_id: 0n, closing_balance_micros: 0n };

export async function lastStatement(tx: Tx, subscriber_id: string): Promise<Previous> {
  const row = await tx
    .selectFrom('statements')
    .select(['cycle_end', 'last_movement_id', 'closing_balance_micros'])
    .where('subscriber_id', '=', subscriber_id)
    .orderBy('cycle_start', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? NONE;
}

export interface Period {
  readonly start: string;
  /** The first day that is no longer in it. */
  readonly end: string;
}

/**
 * Charges what the franquias of a period cost, in arrears, and of earlier ones where it was not charged yet. The
 * wallet is locked. True when anything was charged.
 */
export async function chargeFees(tx: Tx, payer: Payer, { end }: Period): Promise<boolean> {
  const { subscriber_id } = payer;
  const { rows } = await sql<{ slot: BundleSlot; cycle_start: string; bundle_name: string; price: bigint }>`
    select a.slot, a.cycle_start, a.bundle_name, a.monthly_price_micros as price from bundle_allocations a
    where a.subscriber_id = ${subscriber_id} and a.cycle_start < ${end} and a.monthly_price_micros > 0
      and not exists (select from ledger_movements m
        where m.reference = ${feeReference(subscriber_id, '')} || a.cycle_start and m.leg = a.slot)
    order by a.cycle_start, a.slot`.execute(tx);
  for (const { slot, cycle_start, bundle_name, price } of rows)
    await moveMoney(tx, {
      holder: { subscriber_id, reseller_id: payer.reseller_id },
      kind: 'MONTHLY_FEE',
      amount: -price,
      reference: feeReference(subscriber_id, cycle_start),
      leg: slot,
      author: 'cycle',
      reason: bundle_name,
      entries: feeEntries(payer, price),
      cycle_start,
    });
  return rows.length > 0;
}

function feeReference(subscriber_id: string, cycle_start: string): string {
  return `fee ${subscriber_id} ${cycle_start}`;
}

/** Amounts are texts: JSON would round what is large. */
export interface StatementLines {
  /** Charged calls, by class; a call that ran in two cycles counts in both. */
  readonly usage: readonly {
    readonly call_class: CallClass;
    readonly calls: number;
    readonly billed_seconds: number;
    readonly bundle_seconds: number;
    readonly paid_seconds: number;
    readonly amount_micros: string;
  }[];
  /** Minutes of the cycle. What was left expired. */
  readonly bundles: readonly {
    readonly slot: BundleSlot;
    readonly bundle_name: string;
    readonly included_seconds: number;
    readonly used_seconds: number;
    readonly expired_seconds: number;
    readonly price_micros: string;
  }[];
  /** What moved the balance, by kind: together the difference of the two balances. */
  readonly totals: readonly {
    readonly kind: MovementKind;
    readonly movements: number;
    readonly amount_micros: string;
  }[];
}

/**
 * The movements that a statement covers, with what each took out of the subscriber's money and minutes: those of its
 * cycle and of earlier ones, up to the last that was there when it was closed, less those of the statement before.
 * Each movement is on exactly one statement, also when a call is settled late.
 */
function covered(
  payer: Payer,
  period: Period,
  previous: Previous,
  last_movement_id: bigint,
): RawBuilder<unknown> {
  const { subscriber_id } = payer;
  const fresh =
    previous.cycle_end === null
      ? sql`true`
      : sql`(m.id > ${previous.last_movement_id} or m.cycle_start >= ${previous.cycle_end})`;
  return sql`
    select m.kind, m.reference, m.cycle_start,
      coalesce(sum(e.amount) filter (where e.account = ${accounts.subscriberMoney(subscriber_id)}), 0) as micros,
      coalesce(-sum(e.amount) filter (where e.account like ${`subscriber:${subscriber_id}:seconds:%`}), 0) as seconds
    from ledger_movements m join ledger_entries e on e.movement_id = m.id
    where m.subscriber_id = ${subscriber_id} and m.id <= ${last_movement_id}
      and (m.cycle_start is null or m.cycle_start < ${period.end}) and ${fresh}
    group by m.id`;
}

/** What stands on a statement, and its sum. */
async function linesOf(
  tx: Tx,
  payer: Payer,
  period: Period,
  movements: RawBuilder<unknown>,
): Promise<StatementLines> {
  const { rows: totals } = await sql<StatementLines['totals'][number]>`
    select kind, count(*)::integer as movements, sum(micros)::text as amount_micros
    from (${movements}) v where micros <> 0 group by kind order by kind`.execute(tx);
  const { rows: usage } = await sql<StatementLines['usage'][number]>`
    select c.call_class, count(distinct c.id)::integer as calls,
      sum(v.seconds + p.paid)::integer as billed_seconds, sum(v.seconds)::integer as bundle_seconds,
      sum(p.paid)::integer as paid_seconds, (-sum(v.micros))::text as amount_micros
    from (${movements}) v join calls c on c.id = v.reference
    cross join lateral (select coalesce(
      (select (part ->> 'paid_seconds')::integer from jsonb_array_elements(c.parts) part
       where part ->> 'cycle_start' = v.cycle_start::text), c.paid_seconds) as paid) p
    where v.kind = 'CALL' group by c.call_class order by c.call_class`.execute(tx);
  const { rows: bundles } = await sql<StatementLines['bundles'][number]>`
    select slot, bundle_name, included_seconds, included_seconds - left_seconds as used_seconds,
      greatest(left_seconds, 0) as expired_seconds, monthly_price_micros::text as price_micros
    from bundle_allocations
    where subscriber_id = ${payer.subscriber_id} and cycle_start >= ${period.start} and cycle_start < ${period.end}
    order by slot, cycle_start`.execute(tx);
  return { usage, bundles, totals };
}

export interface Covered {
  readonly lines: StatementLines;
  readonly last_movement_id: bigint;
  readonly closing_balance_micros: Micros;
}

/** Everything that the next statement covers. The wallet is locked: nothing of this subscriber moves meanwhile. */
export async function coverPeriod(
  tx: Tx,
  payer: Payer,
  period: Period,
  previous: Previous,
): Promise<Covered> {
  const { rows } = await sql<{ id: bigint | null }>`
    select max(id) as id from ledger_movements where subscriber_id = ${payer.subscriber_id}`.execute(tx);
  const last_movement_id = rows[0]?.id ?? 0n;
  const lines = await linesOf(tx, payer, period, covered(payer, period, previous, last_movement_id));
  const sum = lines.totals.reduce((total, { amount_micros }) => total + BigInt(amount_micros), 0n);
  return { lines, last_movement_id, closing_balance_micros: previous.closing_balance_micros + sum };
}

export async function insertStatement(
  tx: Tx,
  payer: Payer,
  period: Period,
  previous: Previous,
  closing: Covered & Due & { readonly closed_at: Date },
): Promise<void> {
  const { lines, ...rest } = closing;
  await tx
    .insertInto('statements')
    .values({
      subscriber_id: payer.subscriber_id,
      reseller_id: payer.reseller_id,
      cycle_start: period.start,
      cycle_end: period.end,
      opening_balance_micros: previous.closing_balance_micros,
      lines: JSON.stringify(lines),
      ...rest,
    })
    .execute();
}
