import { createHash, randomBytes } from 'node:crypto';
import type { Db } from './connect.ts';

/** Whom a token speaks for. */
export type Tenant =
  | { readonly role: 'MASTER' }
  | { readonly role: 'RESELLER'; readonly reseller_id: string }
  | { readonly role: 'SUBSCRIBER'; readonly reseller_id: string; readonly subscriber_id: string };

export function newToken(): string {
  return `pabx_${randomBytes(24).toString('base64url')}`;
}

/** Tokens are random and long, so a plain hash is enough to keep them from whoever reads the table. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export async function addToken(db: Db, name: string, token: string, tenant: Tenant): Promise<void> {
  await db
    .insertInto('api_tokens')
    .values({
      token_sha256: hashToken(token),
      name,
      role: tenant.role,
      reseller_id: tenant.role === 'MASTER' ? null : tenant.reseller_id,
      subscriber_id: tenant.role === 'SUBSCRIBER' ? tenant.subscriber_id : null,
      expires_at: null,
    })
    .execute();
}

/** The tenant of a token; null when it is unknown or expired. */
export async function findTenant(db: Db, token: string): Promise<Tenant | null> {
  const row = await db
    .selectFrom('api_tokens')
    .select(['role', 'reseller_id', 'subscriber_id'])
    .where('token_sha256', '=', hashToken(token))
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', new Date())]))
    .executeTakeFirst();
  if (!row) return null;
  const { role, reseller_id, subscriber_id } = row;
  if (role === 'MASTER') return { role };
  if (role === 'RESELLER' && reseller_id) return { role, reseller_id };
  if (role === 'SUBSCRIBER' && reseller_id && subscriber_id) return { role, reseller_id, subscriber_id };
  return null;
}
