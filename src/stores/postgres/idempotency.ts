import { sql } from 'kysely';
import { say } from '../../contract/language.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { Tenant } from '../../domain/tenant.ts';
import type { Tx } from './ledger.ts';

export interface KeyedRequest {
  readonly key: string;
  readonly request_sha256: Buffer;
  readonly status: number;
}

/** A key counts for the tenant that sent it. */
function scopeOf(tenant: Tenant): string {
  switch (tenant.role) {
    case 'MASTER':
      return 'MASTER';
    case 'RESELLER':
      return tenant.reseller_id;
    case 'SUBSCRIBER':
      return tenant.subscriber_id;
  }
}

/**
 * Runs `work` once per key and remembers its reply in the same transaction: after a crash either both are there or
 * neither. Two requests with one key at the same time: the second waits and gets the first's reply.
 */
export async function onceByKey<T>(
  tx: Tx,
  tenant: Tenant,
  { key, request_sha256, status }: KeyedRequest,
  work: () => Promise<T>,
): Promise<T> {
  const scope = scopeOf(tenant);
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${scope} ${key}`}, 0))`.execute(tx);
  const known = await tx
    .selectFrom('idempotency_keys')
    .select(['request_sha256', 'reply'])
    .where('scope', '=', scope)
    .where('key', '=', key)
    .executeTakeFirst();
  if (known) {
    if (known.request_sha256.equals(request_sha256)) return known.reply as T;
    throw new ProblemError(
      'IDEMPOTENCY_KEY_REUSED',
      say(
        'this Idempotency-Key was sent with another request; nothing was changed',
        'este Idempotency-Key já foi enviado com outra requisição; nada foi alterado',
      ),
    );
  }
  const reply = await work();
  await tx
    .insertInto('idempotency_keys')
    .values({ scope, key, request_sha256, status, reply: JSON.stringify(reply) })
    .execute();
  return reply;
}
