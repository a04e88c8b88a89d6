import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface NumberRow {
  id: string;
  reseller_id: string;
  subscriber_id: string | null;
  number: string;
  target_line_id: string | null;
  max_concurrent_calls: number | null;
  max_concurrent_in: number | null;
  max_concurrent_out: number | null;
  target_group_id: string | null;
  status: 'ACTIVE' | 'INACTIVE';
  version: number;
  created_at: Date;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  number: ['d.number', 'text'],
  created_at: ['d.created_at', 'timestamptz'],
};

const COLUMNS = sql.raw(`
  d.id, d.reseller_id, d.subscriber_id, d.number, d.target_line_id, d.target_group_id, d.max_concurrent_calls,
  d.max_concurrent_in, d.max_concurrent_out, d.status, d.version, d.created_at`);

export interface NumberFilter {
  readonly subscriber_id?: string | undefined;
  readonly status?: 'ACTIVE' | 'INACTIVE' | undefined;
}

/** One page of the numbers that whoever holds the transaction may see. */
export async function listNumbers(
  tx: Tx,
  request: PageRequest,
  filter: NumberFilter,
): Promise<Page<NumberRow>> {
  const page = pageClauses(request, SORTS, ['d.id', 'uuid']);
  const { rows } = await sql<NumberRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor from dids d
    where ${page.after} and ${matches(request.q, 'd.number')}
      and ${equals('d.subscriber_id', filter.subscriber_id)} and ${equals('d.status', filter.status)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findNumber(tx: Tx, did_id: string): Promise<NumberRow | null> {
  const { rows } = await sql<NumberRow>`select ${COLUMNS} from dids d where d.id = ${did_id}`.execute(tx);
  return rows[0] ?? null;
}
