import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Direction } from '../../domain/authorize-inbound.ts';
import type { CallClass } from '../../domain/call-class.ts';
import type { RefusalReason } from '../../domain/refusals.ts';
import type { Role } from '../../domain/tenant.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage, within } from './page.ts';
import type { Database } from './tables.ts';

export interface CallFilter {
  readonly subscriber_id?: string | undefined;
  readonly line_id?: string | undefined;
  readonly call_class?: CallClass | undefined;
  readonly direction?: Direction | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Conditions that calls and refusals share, on the alias `c`. */
function filtered(filter: CallFilter): RawBuilder<boolean> {
  return sql<boolean>`${equals('c.subscriber_id', filter.subscriber_id)} and ${equals('c.line_id', filter.line_id)}
    and ${equals('c.call_class', filter.call_class)} and ${equals('c.direction', filter.direction)}
    and ${within('c.created_at', filter)}`;
}

/** By call, not joined: it is looked up for the rows of the page only. */
const EXTENSION = '(select l.extension from lines l where l.id = c.line_id)';
const SORTS: Readonly<Record<string, SortColumn>> = { created_at: ['c.created_at', 'timestamptz'] };

/** What `q` searches: the numbers too, unless they are hidden from the reader, who could guess them digit by digit. */
function searched(numbersAreHidden: boolean): string[] {
  return numbersAreHidden ? [EXTENSION] : [EXTENSION, 'c.dialled', 'c.number', 'c.caller_number'];
}

/** What a call cost: for the reseller what it paid, for the platform what the carrier asks. */
const COSTS: Readonly<Record<Role, string>> = {
  SUBSCRIBER: '',
  RESELLER: ', c.loss, c.wholesale_micros',
  MASTER: ', c.loss, c.wholesale_micros, c.cost_micros',
};

export type CallRow = Pick<
  Selectable<Database['calls']>,
  | 'id'
  | 'subscriber_id'
  | 'line_id'
  | 'direction'
  | 'caller_number'
  | 'forwarded_from'
  | 'ring_group_id'
  | 'dialled'
  | 'number'
  | 'call_class'
  | 'created_at'
  | 'ringing_at'
  | 'answered_at'
  | 'ended_at'
  | 'talk_ms'
  | 'billed_seconds'
  | 'bundle_seconds'
  | 'paid_seconds'
  | 'total_micros'
  | 'cadence'
  | 'end_reason'
> &
  Partial<Pick<Selectable<Database['calls']>, 'loss' | 'wholesale_micros' | 'cost_micros'>> & {
    extension: string;
  };

/** One page of the ended calls that whoever holds the transaction may see. */
export async function listCalls(
  tx: Tx,
  request: PageRequest,
  filter: CallFilter,
  reader: { readonly role: Role; readonly numbersAreHidden: boolean },
): Promise<Page<CallRow>> {
  const page = pageClauses(request, SORTS, ['c.id', 'text']);
  const { rows } = await sql<CallRow & { page_cursor: string }>`
    select c.id, c.subscriber_id, c.line_id, ${sql.raw(EXTENSION)} as extension, c.direction, c.caller_number,
      c.forwarded_from, c.ring_group_id, c.dialled, c.number, c.call_class, c.created_at, c.ringing_at, c.answered_at, c.ended_at, c.talk_ms, c.billed_seconds, c.bundle_seconds,
      c.paid_seconds, c.total_micros, c.cadence, c.end_reason ${sql.raw(COSTS[reader.role])},
      ${page.cursor} as page_cursor
    from calls c
    where ${page.after} and ${filtered(filter)}
      and ${matches(request.q, ...searched(reader.numbersAreHidden))}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export type RefusalRow = Omit<Selectable<Database['refusals']>, 'server_id' | 'reseller_id'> & {
  extension: string | null;
};

/** One page of the refused attempts that whoever holds the transaction may see. */
export async function listRefusals(
  tx: Tx,
  request: PageRequest,
  filter: CallFilter & { readonly reason?: RefusalReason | undefined },
  numbersAreHidden: boolean,
): Promise<Page<RefusalRow>> {
  const page = pageClauses(request, SORTS, ['c.call_id', 'text']);
  const { rows } = await sql<RefusalRow & { page_cursor: string }>`
    select c.call_id, c.subscriber_id, c.line_id, ${sql.raw(EXTENSION)} as extension, c.direction, c.caller_number,
      c.forwarded_from, c.dialled, c.number, c.call_class, c.reason, c.detail, c.limit_level, c.limit_direction, c.limit_value,
      c.holders, c.created_at,
      ${page.cursor} as page_cursor
    from refusals c
    where ${page.after} and ${filtered(filter)} and ${equals('c.reason', filter.reason)}
      and ${matches(request.q, ...searched(numbersAreHidden))}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}
