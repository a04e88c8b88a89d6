import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import { notFound } from './edit.ts';
import type { Tx } from './ledger.ts';
import { matches, pageClauses, type SortColumn, toPage } from './page.ts';

/** A server as people look at it; what it is connected and rendered by is in `servers.ts`. */
export interface ServerReport {
  id: string;
  name: string;
  ari_url: string;
  ami_host: string;
  ami_port: number;
  newest_revision: string | null;
  newest_revision_at: Date | null;
  acknowledged_revision: string | null;
  acknowledged_at: Date | null;
  acknowledged_error: string | null;
  subscribers: number;
  trunks: number;
  version: number;
  created_at: Date;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  name: ['a.name', 'text'],
  created_at: ['a.created_at', 'timestamptz'],
};

const COLUMNS = sql.raw(`
  a.id, a.name, a.ari_url, a.ami_host, a.ami_port, a.acknowledged_revision, a.acknowledged_at, a.acknowledged_error,
  a.version, a.created_at, v.hash as newest_revision, v.created_at as newest_revision_at,
  (select count(*)::integer from subscribers s where s.server_id = a.id) as subscribers,
  (select count(*)::integer from trunks t where t.server_id = a.id) as trunks
`);
const FROM = sql.raw(`from asterisk_servers a left join lateral (
  select hash, created_at from revisions where server_id = a.id order by created_at desc, hash limit 1) v on true`);

export async function listServerReports(tx: Tx, request: PageRequest): Promise<Page<ServerReport>> {
  const page = pageClauses(request, SORTS, ['a.id', 'uuid']);
  const { rows } = await sql<ServerReport & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor ${FROM}
    where ${page.after} and ${matches(request.q, 'a.name', 'a.ari_url', 'a.ami_host')}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findServerReport(tx: Tx, server_id: string): Promise<ServerReport | null> {
  const { rows } = await sql<ServerReport>`select ${COLUMNS} ${FROM} where a.id = ${server_id}`.execute(tx);
  return rows[0] ?? null;
}

/** Throws NOT_FOUND naming `server_id` unless there is such a server. */
export async function requireServer(tx: Tx, server_id: string): Promise<void> {
  const row = await tx
    .selectFrom('asterisk_servers')
    .select('id')
    .where('id', '=', server_id)
    .executeTakeFirst();
  if (!row) throw notFound('server_id');
}
