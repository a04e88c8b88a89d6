import type { Scope } from '../contract/route.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { KnownApiKey } from '../stores/postgres/api-keys.ts';
import type { Actor } from '../stores/postgres/tenancy.ts';
import type { Session } from '../stores/redis/sessions.ts';

/** Who asks, as whom, and what that way of asking allows. */
export interface Viewer {
  readonly tenant: Tenant;
  readonly actor: Actor;
  readonly scopes: readonly Scope[];
  /** The session of a person; null for a key. */
  readonly session: Session | null;
  /** Names the session or key when it is taken back. */
  readonly credential_id: string;
}

const asWhom = (tenant: Tenant) => ({
  as_reseller_id: tenant.role === 'MASTER' ? null : tenant.reseller_id,
  as_subscriber_id: tenant.role === 'SUBSCRIBER' ? tenant.subscriber_id : null,
});

export function viewerOfKey(key: KnownApiKey, address: string): Viewer {
  const { id, name, tenant, scopes } = key;
  const actor: Actor = {
    kind: 'API_KEY',
    id,
    name,
    role: tenant.role,
    ...asWhom(tenant),
    impersonating: false,
    reason: null,
    address,
  };
  return { tenant, actor, scopes, session: null, credential_id: id };
}

/** Who entered as somebody to look may only look. */
export function viewerOfSession(session: Session, address: string): Viewer {
  const { tenant, user_tenant, impersonation } = session;
  const actor: Actor = {
    kind: 'USER',
    id: session.user_id,
    name: session.username,
    role: user_tenant.role,
    ...asWhom(tenant),
    impersonating: impersonation !== null,
    reason: impersonation?.reason ?? null,
    address,
  };
  const scopes: Scope[] = impersonation?.read_only ? ['READ'] : ['READ', 'WRITE', 'MONEY'];
  return { tenant, actor, scopes, session, credential_id: session.session_id };
}
