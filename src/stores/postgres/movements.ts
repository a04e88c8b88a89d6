import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import { accounts, type Holder } from '../../domain/ledger.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage, within } from './page.ts';
import type { MovementKind } from './tables.ts';

export interface MovementRow {
  id: bigint;
  kind: MovementKind;
  amount_micros: bigint;
  seconds: number;
  reference: string;
  call_id: string | null;
  author: string;
  reason: string | null;
  cycle_start: string | null;
  created_at: Date;
}

export interface MovementFilter {
  readonly kind?: MovementKind | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * Movements are named after whom they are about, so that references of different ones never collide; what stands
 * behind that is what the person gave. Those of calls are named after the call.
 */
const REFERENCE = `case m.kind when 'CALL' then m.reference
  else regexp_replace(m.reference, '^([a-z-]+ )?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} ', '') end`;

/** One page of what moved a holder's money or minutes, as far as whoever holds the transaction may see it. */
export async function listMovements(
  tx: Tx,
  holder: Holder,
  request: PageRequest,
  filter: MovementFilter,
): Promise<Page<MovementRow>> {
  const id: SortColumn = ['m.id', 'bigint'];
  const page = pageClauses(request, { id }, id);
  const { subscriber_id, reseller_id } = holder;
  const [money, minutes, whose] =
    subscriber_id === null
      ? [
          accounts.resellerWholesale(reseller_id),
          null,
          sql<boolean>`m.reseller_id = ${reseller_id} and m.subscriber_id is null`,
        ]
      : [
          accounts.subscriberMoney(subscriber_id),
          `subscriber:${subscriber_id}:seconds:%`,
          sql<boolean>`m.subscriber_id = ${subscriber_id}`,
        ];
  const { rows } = await sql<MovementRow & { page_cursor: string }>`
    select m.id, m.kind, l.amount_micros, l.seconds, ${sql.raw(REFERENCE)} as reference,
      case m.kind when 'CALL' then m.reference end as call_id, m.author, m.reason, m.cycle_start, m.created_at,
      ${page.cursor} as page_cursor
    from ledger_movements m cross join lateral (
      select coalesce(sum(e.amount) filter (where e.account = ${money}), 0)::bigint as amount_micros,
        coalesce(sum(e.amount) filter (where e.account like ${minutes}), 0)::integer as seconds
      from ledger_entries e where e.movement_id = m.id) l
    where ${whose} and ${page.after} and ${equals('m.kind', filter.kind)} and ${within('m.created_at', filter)}
      and ${matches(request.q, REFERENCE, 'm.author', 'm.reason')}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}
