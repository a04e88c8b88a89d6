import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { BundleSlot } from '../../domain/call-class.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface CycleFacts {
  readonly subscriber_id: string;
  readonly cycle_day: number;
  /** Of the wallet; null: no cycle was ever opened. */
  readonly opened_cycle: string | null;
}

export async function readCycleFacts(tx: Tx, subscriber_id: string): Promise<CycleFacts | null> {
  const { rows } = await sql<CycleFacts>`
    select s.id as subscriber_id, s.cycle_day, w.cycle_start as opened_cycle
    from subscribers s left join wallets w on w.subscriber_id = s.id where s.id = ${subscriber_id}`.execute(
    tx,
  );
  return rows[0] ?? null;
}

export interface SlotUsage {
  readonly slot: BundleSlot;
  readonly bundle_name: string;
  readonly included_seconds: number;
  readonly left_seconds: number;
}

/** Minutes by slot in a cycle. In the one that runs, a bundle that nobody used yet is whole. */
export async function readSlotUsage(
  tx: Tx,
  subscriber_id: string,
  cycle_start: string,
  isRunning: boolean,
): Promise<SlotUsage[]> {
  const { rows } = await sql<SlotUsage>`
    select slot, bundle_name, included_seconds, left_seconds from bundle_allocations
    where subscriber_id = ${subscriber_id} and cycle_start = ${cycle_start}
    union all
    select b.slot, m.name, m.included_seconds, m.included_seconds
    from bundle_slots b join minute_bundles m on m.id = b.bundle_id
    where ${isRunning} and b.subscriber_id = ${subscriber_id} and not exists (
      select from bundle_allocations a
      where a.subscriber_id = b.subscriber_id and a.slot = b.slot and a.cycle_start = ${cycle_start})
    order by slot`.execute(tx);
  return rows;
}

export interface LineUsage {
  readonly slot: BundleSlot;
  readonly line_id: string;
  /** null: the line is no more. */
  readonly extension: string | null;
  readonly seconds: number;
  readonly calls: number;
}

/** Which line took how much of each slot in a cycle, the most first. */
export async function readLineUsage(
  tx: Tx,
  subscriber_id: string,
  cycle_start: string,
): Promise<LineUsage[]> {
  const { rows } = await sql<LineUsage>`
    select split_part(e.account, ':', 4) as slot, c.line_id, l.extension, (-sum(e.amount))::integer as seconds,
      count(distinct c.id)::integer as calls
    from ledger_movements m
    join ledger_entries e on e.movement_id = m.id and e.unit = 'SECONDS'
      and e.account like ${`subscriber:${subscriber_id}:seconds:%`}
    join calls c on c.id = m.reference
    left join lines l on l.id = c.line_id
    where m.subscriber_id = ${subscriber_id} and m.kind = 'CALL' and m.cycle_start = ${cycle_start}
    group by 1, c.line_id, l.extension order by seconds desc, c.line_id`.execute(tx);
  return rows;
}

export interface CycleRow extends SlotUsage {
  readonly cycle_start: string;
  readonly monthly_price_micros: bigint;
}

/** One page of a subscriber's minutes by cycle and slot. */
export async function listBundleCycles(
  tx: Tx,
  subscriber_id: string,
  request: PageRequest,
): Promise<Page<CycleRow>> {
  // Days as texts sort as they should.
  const sorts = { cycle_start: ['a.cycle_start::text', 'text'] as const };
  const page = pageClauses(request, sorts, ['a.slot', 'text']);
  const { rows } = await sql<CycleRow & { page_cursor: string }>`
    select a.cycle_start, a.slot, a.bundle_name, a.monthly_price_micros, a.included_seconds, a.left_seconds,
      ${page.cursor} as page_cursor
    from bundle_allocations a
    where a.subscriber_id = ${subscriber_id} and ${page.after} and ${matches(request.q, 'a.bundle_name')}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export interface AlertRow {
  id: bigint;
  subscriber_id: string;
  subscriber_name: string;
  slot: BundleSlot;
  cycle_start: string;
  percent: number;
  created_at: Date;
}

/** One page of the alerts that whoever holds the transaction may see. */
export async function listBundleAlerts(
  tx: Tx,
  request: PageRequest,
  filter: { readonly subscriber_id?: string | undefined },
): Promise<Page<AlertRow>> {
  const id: SortColumn = ['a.id', 'bigint'];
  const page = pageClauses(request, { id }, id);
  const { rows } = await sql<AlertRow & { page_cursor: string }>`
    select a.id, a.subscriber_id, s.name as subscriber_name, a.slot, a.cycle_start, a.percent, a.created_at,
      ${page.cursor} as page_cursor
    from bundle_alerts a join subscribers s on s.id = a.subscriber_id
    where ${page.after} and ${matches(request.q, 's.name')} and ${equals('a.subscriber_id', filter.subscriber_id)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}
