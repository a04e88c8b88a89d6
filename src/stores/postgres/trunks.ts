import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface TrunkRow {
  id: string;
  server_id: string;
  server_name: string;
  code: string;
  name: string;
  host: string;
  port: number;
  max_concurrent_calls: number;
  reserved_in: number;
  priority: number;
  cost_plan_id: string | null;
  status: 'ACTIVE' | 'INACTIVE';
  version: number;
  created_at: Date;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  name: ['t.name', 'text'],
  priority: ['t.priority', 'integer'],
  created_at: ['t.created_at', 'timestamptz'],
};

const COLUMNS = sql.raw(`
  t.id, t.server_id, a.name as server_name, t.code, t.name, t.host, t.port, t.max_concurrent_calls, t.reserved_in,
  t.priority, t.cost_plan_id, t.status, t.version, t.created_at
`);
const FROM = sql.raw('from trunks t join asterisk_servers a on a.id = t.server_id');

export interface TrunkFilter {
  readonly server_id?: string | undefined;
  readonly status?: 'ACTIVE' | 'INACTIVE' | undefined;
}

export async function listTrunks(
  tx: Tx,
  request: PageRequest,
  filter: TrunkFilter = {},
): Promise<Page<TrunkRow>> {
  const page = pageClauses(request, SORTS, ['t.id', 'uuid']);
  const { rows } = await sql<TrunkRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor ${FROM}
    where ${page.after} and ${matches(request.q, 't.name', 't.code', 't.host')} 
      and ${equals('t.server_id', filter.server_id)} and ${equals('t.status', filter.status)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findTrunk(tx: Tx, trunk_id: string): Promise<TrunkRow | null> {
  const { rows } = await sql<TrunkRow>`select ${COLUMNS} ${FROM} where t.id = ${trunk_id}`.execute(tx);
  return rows[0] ?? null;
}
