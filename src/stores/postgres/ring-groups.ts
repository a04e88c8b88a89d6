import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { RingStrategy } from '../../domain/ring-group.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface RingGroupRow {
  id: string;
  reseller_id: string;
  subscriber_id: string;
  extension: string;
  name: string;
  strategy: RingStrategy;
  ring_seconds: number;
  member_line_ids: string[];
  overflow_line_id: string | null;
  version: number;
  created_at: Date;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  extension: ['g.extension::integer', 'integer'],
  name: ['g.name', 'text'],
  created_at: ['g.created_at', 'timestamptz'],
};

const COLUMNS = sql.raw(`
  g.id, s.reseller_id, g.subscriber_id, g.extension, g.name, g.strategy, g.ring_seconds, g.member_line_ids,
  g.overflow_line_id, g.version, g.created_at
`);
const FROM = sql.raw('from ring_groups g join subscribers s on s.id = g.subscriber_id');

/** One page of the ring groups that whoever holds the transaction may see. */
export async function listRingGroups(
  tx: Tx,
  request: PageRequest,
  filter: { readonly subscriber_id?: string | undefined },
): Promise<Page<RingGroupRow>> {
  const page = pageClauses(request, SORTS, ['g.id', 'uuid']);
  const { rows } = await sql<RingGroupRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor ${FROM}
    where ${page.after} and ${matches(request.q, 'g.extension', 'g.name')}
      and ${equals('g.subscriber_id', filter.subscriber_id)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findRingGroup(tx: Tx, ring_group_id: string): Promise<RingGroupRow | null> {
  const { rows } = await sql<RingGroupRow>`
    select ${COLUMNS} ${FROM} where g.id = ${ring_group_id}`.execute(tx);
  return rows[0] ?? null;
}
