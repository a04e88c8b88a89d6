import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface MinuteBundleRow {
  id: string;
  reseller_id: string;
  name: string;
  included_seconds: number;
  monthly_price_micros: bigint;
  version: number;
  created_at: Date;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  name: ['name', 'text'],
  created_at: ['created_at', 'timestamptz'],
};

const COLUMNS = sql.raw('id, reseller_id, name, included_seconds, monthly_price_micros, version, created_at');

/** One page of the franquias that whoever holds the transaction may see. */
export async function listMinuteBundles(
  tx: Tx,
  request: PageRequest,
  filter: { readonly reseller_id?: string | undefined } = {},
): Promise<Page<MinuteBundleRow>> {
  const page = pageClauses(request, SORTS, ['id', 'uuid']);
  const { rows } = await sql<MinuteBundleRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor from minute_bundles
    where ${page.after} and ${matches(request.q, 'name')} and ${equals('reseller_id', filter.reseller_id)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findMinuteBundle(tx: Tx, minute_bundle_id: string): Promise<MinuteBundleRow | null> {
  const { rows } = await sql<MinuteBundleRow>`
    select ${COLUMNS} from minute_bundles where id = ${minute_bundle_id}`.execute(tx);
  return rows[0] ?? null;
}
