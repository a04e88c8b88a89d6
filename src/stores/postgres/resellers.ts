import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Status } from '../../domain/authorize.ts';
import { notFound } from './edit.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface ResellerRow {
  id: string;
  name: string;
  legal_name: string | null;
  document: string | null;
  email: string | null;
  phone: string | null;
  status: Status;
  max_concurrent_calls: number;
  max_subscribers: number | null;
  max_lines: number | null;
  cost_plan_id: string | null;
  credit_limit_micros: bigint;
  subscribers: number;
  lines: number;
  balance_micros: bigint;
  version: number;
  created_at: Date;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  name: ['r.name', 'text'],
  created_at: ['r.created_at', 'timestamptz'],
};

const COLUMNS = sql.raw(`
  r.id, r.name, r.legal_name, r.document, r.email, r.phone, r.status, r.max_concurrent_calls, r.max_subscribers,
  r.max_lines, r.cost_plan_id, r.credit_limit_micros, r.version, r.created_at,
  (select count(*)::integer from subscribers s where s.reseller_id = r.id) as subscribers,
  (select count(*)::integer from lines l join subscribers s on s.id = l.subscriber_id
   where s.reseller_id = r.id) as lines,
  coalesce((select w.balance_micros from reseller_wallets w where w.reseller_id = r.id), 0) as balance_micros
`);

/** One page of the resellers that whoever holds the transaction may see. */
export async function listResellers(
  tx: Tx,
  request: PageRequest,
  filter: { readonly status?: Status | undefined } = {},
): Promise<Page<ResellerRow>> {
  const page = pageClauses(request, SORTS, ['r.id', 'uuid']);
  const { rows } = await sql<ResellerRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor from resellers r
    where ${page.after} and ${matches(request.q, 'r.name', 'r.legal_name', 'r.document')} and ${equals('r.status', filter.status)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findReseller(tx: Tx, reseller_id: string): Promise<ResellerRow | null> {
  const { rows } = await sql<ResellerRow>`
    select ${COLUMNS} from resellers r where r.id = ${reseller_id}`.execute(tx);
  return rows[0] ?? null;
}

/** Throws NOT_FOUND naming `reseller_id` unless there is such a reseller. */
export async function requireReseller(tx: Tx, reseller_id: string): Promise<void> {
  const row = await tx.selectFrom('resellers').select('id').where('id', '=', reseller_id).executeTakeFirst();
  if (!row) throw notFound('reseller_id');
}
