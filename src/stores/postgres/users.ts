import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import { type Role, type Tenant, toTenant } from '../../domain/tenant.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';

export interface UserRow {
  id: string;
  role: Role;
  reseller_id: string | null;
  subscriber_id: string | null;
  username: string;
  name: string;
  email: string | null;
  status: 'ACTIVE' | 'INACTIVE';
  must_change_password: boolean;
  second_factor: boolean;
  version: number;
  created_at: Date;
}

const COLUMNS =
  sql.raw(`id, role, reseller_id, subscriber_id, username, name, email, status, must_change_password,
  totp_confirmed_at is not null as second_factor, version, created_at`);
const SORTS: Readonly<Record<string, SortColumn>> = {
  username: ['username', 'text'],
  name: ['name', 'text'],
  created_at: ['created_at', 'timestamptz'],
};

export interface UserFilter {
  readonly role?: Role | undefined;
  readonly subscriber_id?: string | undefined;
}

export async function listUsers(tx: Tx, request: PageRequest, filter: UserFilter): Promise<Page<UserRow>> {
  const page = pageClauses(request, SORTS, ['id', 'uuid']);
  const { rows } = await sql<UserRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor from users
    where ${page.after} and ${matches(request.q, 'username', 'name', 'email')}
      and ${equals('role', filter.role)} and ${equals('subscriber_id', filter.subscriber_id)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findUser(tx: Tx, user_id: string): Promise<UserRow | null> {
  const { rows } = await sql<UserRow>`select ${COLUMNS} from users where id = ${user_id}`.execute(tx);
  return rows[0] ?? null;
}

/** What signing in needs to know, secrets included. Only the system's role may read it. */
export interface Credentials {
  readonly user_id: string;
  readonly username: string;
  readonly name: string;
  readonly tenant: Tenant;
  readonly active: boolean;
  readonly password_hash: string;
  readonly must_change_password: boolean;
  readonly totp_sealed: string | null;
  readonly totp_confirmed: boolean;
  readonly totp_last_step: bigint | null;
}

/** By user name or id; null when there is no such user. Inactive with its tenant. */
export async function findCredentials(
  system: Db,
  by: { readonly username: string } | { readonly user_id: string },
): Promise<Credentials | null> {
  const row = await system
    .selectFrom('users as u')
    .leftJoin('resellers as r', 'r.id', 'u.reseller_id')
    .leftJoin('subscribers as s', 's.id', 'u.subscriber_id')
    .selectAll('u')
    .select(['r.status as reseller_status', 's.status as subscriber_status'])
    .where('username' in by ? 'u.username' : 'u.id', '=', 'username' in by ? by.username : by.user_id)
    .executeTakeFirst();
  const tenant = row && toTenant(row);
  if (!row || !tenant) return null;
  return {
    user_id: row.id,
    username: row.username,
    name: row.name,
    tenant,
    active: [row.status, row.reseller_status, row.subscriber_status].every((status) => status !== 'INACTIVE'),
    password_hash: row.password_hash,
    must_change_password: row.must_change_password,
    totp_sealed: row.totp_sealed,
    totp_confirmed: row.totp_confirmed_at !== null,
    totp_last_step: row.totp_last_step,
  };
}

export async function usernameIsFree(system: Db, username: string): Promise<boolean> {
  const row = await system
    .selectFrom('users')
    .select('id')
    .where('username', '=', username)
    .executeTakeFirst();
  return row === undefined;
}

/** Remembers a step so that its code works once. False when another sign-in used it, or a later one, meanwhile. */
export async function takeTotpStep(system: Db, user_id: string, step: number): Promise<boolean> {
  const { numUpdatedRows } = await system
    .updateTable('users')
    .set({ totp_last_step: BigInt(step) })
    .where('id', '=', user_id)
    .where((where) =>
      where.or([where('totp_last_step', 'is', null), where('totp_last_step', '<', BigInt(step))]),
    )
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Uses a recovery code up. False when it is none of this user's, or was used before. */
export async function takeRecoveryCode(system: Db, user_id: string, code_sha256: Buffer): Promise<boolean> {
  const { numUpdatedRows } = await system
    .updateTable('recovery_codes')
    .set({ used_at: new Date() })
    .where('user_id', '=', user_id)
    .where('code_sha256', '=', code_sha256)
    .where('used_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Names of the tenant that somebody acts as. */
export async function tenantNames(
  system: Db,
  tenant: Tenant,
): Promise<{ reseller_name: string | null; subscriber_name: string | null }> {
  if (tenant.role === 'MASTER') return { reseller_name: null, subscriber_name: null };
  const { name } = await system
    .selectFrom('resellers')
    .select('name')
    .where('id', '=', tenant.reseller_id)
    .executeTakeFirstOrThrow();
  if (tenant.role === 'RESELLER') return { reseller_name: name, subscriber_name: null };
  const subscriber = await system
    .selectFrom('subscribers')
    .select('name')
    .where('id', '=', tenant.subscriber_id)
    .executeTakeFirstOrThrow();
  return { reseller_name: name, subscriber_name: subscriber.name };
}
