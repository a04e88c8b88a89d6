import { createHash, randomBytes } from 'node:crypto';
import { type Tenant, toTenant } from '../../domain/tenant.ts';
import type { Db } from './connect.ts';
import type { KeyScope } from './tables.ts';

/** Letters of a key that lists show, so that a person can tell keys apart. */
const SHOWN = 12;

export function newToken(): string {
  return `pabx_${randomBytes(24).toString('base64url')}`;
}

/** Tokens are random and long, so a plain hash is enough to keep them from whoever reads the table. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export interface NewApiKey {
  readonly name: string;
  readonly scopes?: readonly KeyScope[];
  readonly expires_at?: Date | null;
}

/** Keeps the hash of a key that was just made; the key itself is nowhere. Gives the row's id. */
export async function addApiKey(db: Db, key: NewApiKey, token: string, tenant: Tenant): Promise<string> {
  const { id } = await db
    .insertInto('api_keys')
    .values({
      key_sha256: hashToken(token),
      shown_prefix: token.slice(0, SHOWN),
      name: key.name,
      role: tenant.role,
      reseller_id: tenant.role === 'MASTER' ? null : tenant.reseller_id,
      subscriber_id: tenant.role === 'SUBSCRIBER' ? tenant.subscriber_id : null,
      expires_at: key.expires_at ?? null,
      ...(key.scopes ? { scopes: [...key.scopes] } : {}),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

export interface KnownApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly tenant: Tenant;
  readonly last_used_at: Date | null;
}

/** The key behind a token; null when it is unknown, expired or revoked, or its tenant is inactive. */
export async function findApiKey(db: Db, token: string): Promise<KnownApiKey | null> {
  const row = await db
    .selectFrom('api_keys as k')
    .leftJoin('resellers as r', 'r.id', 'k.reseller_id')
    .leftJoin('subscribers as s', 's.id', 'k.subscriber_id')
    .select(['k.id', 'k.name', 'k.scopes', 'k.role', 'k.reseller_id', 'k.subscriber_id', 'k.last_used_at'])
    .where('k.key_sha256', '=', hashToken(token))
    .where('k.revoked_at', 'is', null)
    .where((where) => where.or([where('k.expires_at', 'is', null), where('k.expires_at', '>', new Date())]))
    .where((where) => where.or([where('r.status', 'is', null), where('r.status', '<>', 'INACTIVE')]))
    .where((where) => where.or([where('s.status', 'is', null), where('s.status', '<>', 'INACTIVE')]))
    .executeTakeFirst();
  const tenant = row && toTenant(row);
  if (!row || !tenant) return null;
  const { id, name, scopes, last_used_at } = row;
  return { id, name, scopes, tenant, last_used_at };
}

/** Notes that a key was used; once a minute is fine enough, so that reading does not become writing. */
export async function touchApiKey(db: Db, { id, last_used_at }: KnownApiKey): Promise<void> {
  if (last_used_at && Date.now() - last_used_at.getTime() < 60_000) return;
  await db.updateTable('api_keys').set({ last_used_at: new Date() }).where('id', '=', id).execute();
}
