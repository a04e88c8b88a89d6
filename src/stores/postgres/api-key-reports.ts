import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Role } from '../../domain/tenant.ts';
import { notFound } from './edit.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';
import type { KeyScope } from './tables.ts';

export interface ApiKeyRow {
  id: string;
  role: Role;
  reseller_id: string | null;
  subscriber_id: string | null;
  name: string;
  shown_prefix: string;
  scopes: KeyScope[];
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
  created_at: Date;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  created_at: ['k.created_at', 'timestamptz'],
  name: ['k.name', 'text'],
};

const COLUMNS = sql.raw(`
  k.id, k.role, k.reseller_id, k.subscriber_id, k.name, k.shown_prefix, k.scopes, k.expires_at, k.last_used_at,
  k.revoked_at, k.created_at
`);

export interface ApiKeyFilter {
  readonly role?: Role | undefined;
  readonly reseller_id?: string | undefined;
  readonly subscriber_id?: string | undefined;
  readonly usable?: 'true' | 'false' | undefined;
}

/** One page of the keys that whoever holds the transaction may see. */
export async function listApiKeys(
  tx: Tx,
  request: PageRequest,
  filter: ApiKeyFilter,
): Promise<Page<ApiKeyRow>> {
  const page = pageClauses(request, SORTS, ['k.id', 'uuid']);
  const usable =
    filter.usable === undefined
      ? sql`true`
      : sql`(k.revoked_at is null and coalesce(k.expires_at > now(), true)) = ${filter.usable === 'true'}`;
  const { rows } = await sql<ApiKeyRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor from api_keys k
    where ${page.after} and ${matches(request.q, 'k.name', 'k.shown_prefix')} and ${equals('k.role', filter.role)}
      and ${equals('k.reseller_id', filter.reseller_id)} and ${equals('k.subscriber_id', filter.subscriber_id)}
      and ${usable}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findApiKeyById(tx: Tx, api_key_id: string): Promise<ApiKeyRow | null> {
  const { rows } = await sql<ApiKeyRow>`
    select ${COLUMNS} from api_keys k where k.id = ${api_key_id}`.execute(tx);
  return rows[0] ?? null;
}

/** Takes a key back for good; one that was revoked before stays as it was. Throws NOT_FOUND. */
export async function revokeApiKey(tx: Tx, api_key_id: string): Promise<void> {
  const { rows } = await sql`
    update api_keys set revoked_at = coalesce(revoked_at, now()) where id = ${api_key_id} returning id`.execute(
    tx,
  );
  if (rows.length === 0) throw notFound();
}
