import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { PermissionSet } from '../../domain/permissions.ts';
import type { Tx } from './ledger.ts';
import { matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface PermissionProfileRow {
  id: string;
  reseller_id: string;
  name: string;
  permissions: PermissionSet;
  version: number;
  created_at: Date;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  name: ['name', 'text'],
  created_at: ['created_at', 'timestamptz'],
};

const COLUMNS = sql.raw('id, reseller_id, name, permissions, version, created_at');

/** One page of the profiles that whoever holds the transaction may see. */
export async function listPermissionProfiles(
  tx: Tx,
  request: PageRequest,
): Promise<Page<PermissionProfileRow>> {
  const page = pageClauses(request, SORTS, ['id', 'uuid']);
  const { rows } = await sql<PermissionProfileRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor from permission_profiles
    where ${page.after} and ${matches(request.q, 'name')}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findPermissionProfile(
  tx: Tx,
  permission_profile_id: string,
): Promise<PermissionProfileRow | null> {
  const { rows } = await sql<PermissionProfileRow>`
    select ${COLUMNS} from permission_profiles where id = ${permission_profile_id}`.execute(tx);
  return rows[0] ?? null;
}
