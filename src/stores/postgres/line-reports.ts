import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Status } from '../../domain/authorize.ts';
import type { DialledClass } from '../../domain/call-class.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface LineRow {
  id: string;
  reseller_id: string;
  subscriber_id: string;
  subscriber_name: string;
  extension: string;
  name: string;
  sip_username: string;
  area_code: string;
  sales_plan_id: string | null;
  caller_id_did_id: string | null;
  allowed_classes: DialledClass[];
  max_concurrent_calls: number;
  max_calls_per_second: number | null;
  max_call_seconds: number | null;
  max_ring_seconds: number | null;
  forward_always: string | null;
  forward_busy: string | null;
  forward_no_answer: string | null;
  forward_no_answer_seconds: number;
  forward_offline: string | null;
  status: Status;
  version: number;
  created_at: Date;
}

// Extensions are digits only (a check of the table): people expect 21 before 201.
const SORTS: Readonly<Record<string, SortColumn>> = {
  extension: ['l.extension::integer', 'integer'],
  name: ['l.name', 'text'],
  created_at: ['l.created_at', 'timestamptz'],
};

const COLUMNS = sql.raw(`
  l.id, s.reseller_id, l.subscriber_id, s.name as subscriber_name, l.extension, l.name, l.sip_username, l.area_code,
  l.sales_plan_id, l.caller_id_did_id, l.allowed_classes, l.max_concurrent_calls, l.max_calls_per_second,
  l.max_call_seconds, l.max_ring_seconds, l.forward_always, l.forward_busy, l.forward_no_answer,
  l.forward_no_answer_seconds, l.forward_offline, l.status, l.version, l.created_at
`);
const FROM = sql.raw('from lines l join subscribers s on s.id = l.subscriber_id');

export interface LineFilter {
  readonly subscriber_id?: string | undefined;
  readonly status?: Status | undefined;
}

/** One page of the lines that whoever holds the transaction may see. A hidden SIP user is not searched either. */
export async function listLines(
  tx: Tx,
  request: PageRequest,
  filter: LineFilter,
  sipUserIsHidden: boolean,
): Promise<Page<LineRow>> {
  const page = pageClauses(request, SORTS, ['l.id', 'uuid']);
  const searched = ['l.extension', 'l.name', ...(sipUserIsHidden ? [] : ['l.sip_username'])];
  const { rows } = await sql<LineRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor ${FROM}
    where ${page.after} and ${matches(request.q, ...searched)}
      and ${equals('l.subscriber_id', filter.subscriber_id)} and ${equals('l.status', filter.status)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findLine(tx: Tx, line_id: string): Promise<LineRow | null> {
  const { rows } = await sql<LineRow>`select ${COLUMNS} ${FROM} where l.id = ${line_id}`.execute(tx);
  return rows[0] ?? null;
}

/** Simultaneous calls of all lines of a subscriber together. */
export async function sumConcurrentCalls(tx: Tx, subscriber_id: string): Promise<number> {
  const { rows } = await sql<{ sum: number }>`
    select coalesce(sum(max_concurrent_calls), 0)::integer as sum
    from lines where subscriber_id = ${subscriber_id}`.execute(tx);
  return rows[0]?.sum ?? 0;
}

/** How many lines there are that may be used again; INACTIVE ones stay for the history of their calls only. */
export async function countLines(
  tx: Tx | Db,
  of: { readonly subscriber_id: string } | { readonly reseller_id: string },
): Promise<number> {
  const whose =
    'subscriber_id' in of
      ? sql`l.subscriber_id = ${of.subscriber_id}`
      : sql`s.reseller_id = ${of.reseller_id}`;
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count ${FROM} where ${whose} and l.status <> 'INACTIVE'`.execute(tx);
  return rows[0]?.count ?? 0;
}

/** What a call of a line would start from; null when the transaction's role sees no such line. */
export async function findCallingLine(
  tx: Tx,
  line_id: string,
): Promise<{ sip_username: string; server_id: string; sales_plan_name: string | null } | null> {
  const { rows } = await sql<{ sip_username: string; server_id: string; sales_plan_name: string | null }>`
    select l.sip_username, s.server_id,
      (select name from sales_plans p where p.id = coalesce(l.sales_plan_id, s.sales_plan_id)) as sales_plan_name
    from lines l join subscribers s on s.id = l.subscriber_id where l.id = ${line_id}`.execute(tx);
  return rows[0] ?? null;
}
