import type { NewApiKeyRequest } from '../contract/api-keys.ts';
import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Scope } from '../contract/route.ts';
import type { Tenant } from '../domain/tenant.ts';
import { addApiKey, newToken } from '../stores/postgres/api-keys.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

const LONGEST_YEARS = 2;

/** For whom a key will be: oneself, or somebody below. Throws NOT_FOUND for all others. */
async function ownerOfKey(tx: Tx, tenant: Tenant, body: NewApiKeyRequest): Promise<Tenant> {
  const { reseller_id, subscriber_id } = body;
  if (subscriber_id !== undefined) {
    const subscriber = await tx
      .selectFrom('subscribers')
      .select(['id', 'reseller_id'])
      .where('id', '=', subscriber_id)
      .executeTakeFirst();
    const own = subscriber && (tenant.role === 'MASTER' || tenant.reseller_id === subscriber.reseller_id);
    if (!own || (tenant.role === 'SUBSCRIBER' && tenant.subscriber_id !== subscriber.id))
      throw notFound('subscriber_id');
    if (reseller_id !== undefined && reseller_id.toLowerCase() !== subscriber.reseller_id)
      throw notFound('reseller_id');
    return { role: 'SUBSCRIBER', reseller_id: subscriber.reseller_id, subscriber_id: subscriber.id };
  }
  if (reseller_id === undefined) return tenant;
  // A subscriber sees its reseller, and still makes no key for it.
  if (tenant.role === 'SUBSCRIBER') throw notFound('reseller_id');
  const reseller = await tx
    .selectFrom('resellers')
    .select('id')
    .where('id', '=', reseller_id)
    .executeTakeFirst();
  if (!reseller || (tenant.role === 'RESELLER' && tenant.reseller_id !== reseller.id))
    throw notFound('reseller_id');
  return { role: 'RESELLER', reseller_id: reseller.id };
}

function checkExpiry(expires_at: Date | null): void {
  if (expires_at === null) return;
  const latest = new Date();
  latest.setUTCFullYear(latest.getUTCFullYear() + LONGEST_YEARS);
  if (expires_at > new Date() && expires_at <= latest) return;
  const message = say(
    `must be in the future, and at most ${LONGEST_YEARS} years ahead`,
    `deve estar no futuro, no máximo ${LONGEST_YEARS} anos à frente`,
  );
  throw new ProblemError('INVALID_REQUEST', message, [{ field: 'expires_at', message }]);
}

export interface CreatedApiKey {
  readonly id: string;
  /** Here and nowhere else. */
  readonly key: string;
}

/** Makes a key for a tenant or for somebody below it. `scopes` are those of whoever makes it: a key gets no others. */
export async function createApiKey(
  tx: Tx,
  maker: { readonly tenant: Tenant; readonly scopes: readonly Scope[] },
  body: NewApiKeyRequest,
): Promise<CreatedApiKey> {
  const beyond = body.scopes.filter((scope) => !maker.scopes.includes(scope));
  if (beyond.length > 0) {
    const message = say(
      `you cannot give ${beyond.join(', ')}, which you do not have`,
      `não é possível conceder ${beyond.join(', ')}, que você não tem`,
    );
    throw new ProblemError('FORBIDDEN', message, [{ field: 'scopes', message }]);
  }
  const expires_at = body.expires_at === null ? null : new Date(body.expires_at);
  checkExpiry(expires_at);
  const owner = await ownerOfKey(tx, maker.tenant, body);
  const key = newToken();
  const id = await addApiKey(tx, { name: body.name, scopes: body.scopes, expires_at }, key, owner);
  return { id, key };
}
