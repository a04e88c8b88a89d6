import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Tenant } from '../domain/tenant.ts';
import { writeAudit } from '../stores/postgres/audit.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { type Actor, ownerColumns } from '../stores/postgres/tenancy.ts';
import type { Session, SessionStore } from '../stores/redis/sessions.ts';

const LIFETIME_seconds = 30 * 60;

export interface Entry {
  readonly reseller_id?: string | undefined;
  readonly subscriber_id?: string | undefined;
  readonly read_only: boolean;
  readonly reason: string | null;
}

/** The tenant to enter as, if whoever holds the transaction may see it; a reseller cannot enter as itself. */
async function tenantToEnter(tx: Tx, session: Session, entry: Entry): Promise<Tenant> {
  if (entry.reseller_id !== undefined) {
    if (session.user_tenant.role !== 'MASTER') throw notFound('reseller_id');
    const row = await tx
      .selectFrom('resellers')
      .select('id')
      .where('id', '=', entry.reseller_id)
      .executeTakeFirst();
    if (!row) throw notFound('reseller_id');
    return { role: 'RESELLER', reseller_id: row.id };
  }
  const row = await tx
    .selectFrom('subscribers')
    .select(['id', 'reseller_id'])
    .where('id', '=', entry.subscriber_id ?? '')
    .executeTakeFirst();
  if (!row) throw notFound('subscriber_id');
  return { role: 'SUBSCRIBER', reseller_id: row.reseller_id, subscriber_id: row.id };
}

/**
 * Begins a short session as a reseller or subscriber, which names both and ends by itself. Both sides see it in the
 * audit log. Throws FORBIDDEN to keys, which are nobody, and to those who entered as somebody already.
 */
export async function impersonate(
  { tx, system, sessions }: { readonly tx: Tx; readonly system: Db; readonly sessions: SessionStore },
  session: Session | null,
  actor: Actor,
  entry: Entry,
): Promise<{ token: string; session: Session }> {
  if (session === null || session.impersonation !== null)
    throw new ProblemError(
      'FORBIDDEN',
      say('enter from a session of your own', 'entre a partir de uma sessão sua'),
    );
  const tenant = await tenantToEnter(tx, session, entry);
  const { reseller_id, subscriber_id } = ownerColumns(tenant);
  const { reason, read_only } = entry;
  await writeAudit(system, {
    action: 'ENTER_AS',
    object_type: subscriber_id ? 'subscribers' : 'resellers',
    object_id: subscriber_id ?? reseller_id,
    reseller_id,
    subscriber_id,
    actor: {
      ...actor,
      as_reseller_id: reseller_id,
      as_subscriber_id: subscriber_id,
      impersonating: true,
      reason,
    },
    after: { read_only },
  });
  const { user_id, username, user_tenant, address, user_agent } = session;
  const left_seconds = Math.max(1, Math.floor((session.expires_at_ms - Date.now()) / 1_000));
  return sessions.create({
    user_id,
    username,
    user_tenant,
    tenant,
    impersonation: { reason, read_only },
    address,
    user_agent,
    // It was entered from a session that ends, and does not outlive it.
    lifetime_seconds: Math.min(LIFETIME_seconds, left_seconds),
  });
}
