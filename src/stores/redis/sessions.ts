import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { type Tenant, toTenant } from '../../domain/tenant.ts';
import { connectRedis } from './connect.ts';
import { loadScripts } from './scripts.ts';

// Not below `pabx:`: what is forgotten there when calls are counted anew must not sign people out.
const SESSION_PREFIX = 'pabx-web:session:';
const REVOKED_CHANNEL = 'pabx-web:revoked';
const indexKey = (of: 'user' | 'reseller' | 'subscriber', id: string) => `pabx-web:sessions-of:${of}:${id}`;

export interface Session {
  /** SHA-256 of the token in hex: names the session and opens nothing. */
  readonly session_id: string;
  readonly user_id: string;
  readonly username: string;
  /** Whose user it is. */
  readonly user_tenant: Tenant;
  /** As whom it acts: the same, unless it impersonates. */
  readonly tenant: Tenant;
  readonly impersonation: { readonly reason: string | null; readonly read_only: boolean } | null;
  readonly created_at_ms: number;
  /** However busy it is. */
  readonly expires_at_ms: number;
  readonly address: string;
  readonly user_agent: string;
}

export interface NewSession extends Omit<Session, 'session_id' | 'created_at_ms' | 'expires_at_ms'> {
  /** Shorter than others live; a longer one is cut. */
  readonly lifetime_seconds?: number;
}

export interface SessionStore {
  /** The token is told this once and kept nowhere. */
  create(data: NewSession): Promise<{ token: string; session: Session }>;
  /** Puts the idle expiry off. Null when it is unknown, over or damaged. */
  find(token: string): Promise<Session | null>;
  /** Without a word when it is unknown or over already. */
  revoke(session_id: string): Promise<void>;
  revokeUser(user_id: string, except_session_id?: string): Promise<void>;
  /** Every session that belongs to the tenant or acts as it; with a reseller, those of its subscribers too. */
  revokeTenant(tenant: { readonly reseller_id: string } | { readonly subscriber_id: string }): Promise<void>;
  /** Of one user, oldest first. */
  list(user_id: string): Promise<Session[]>;
}

const sessionIdOf = (token: string) => createHash('sha256').update(token).digest('hex');

function indexesOf({ user_id, user_tenant, tenant }: NewSession): string[] {
  const keys = [indexKey('user', user_id)];
  for (const owner of [user_tenant, tenant]) {
    if (owner.role !== 'MASTER') keys.push(indexKey('reseller', owner.reseller_id));
    if (owner.role === 'SUBSCRIBER') keys.push(indexKey('subscriber', owner.subscriber_id));
  }
  return [...new Set(keys)];
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

const tenantOf = (value: unknown) => (isFields(value) ? toTenant(value) : null);

/** Undefined when it is damaged: null is a session that acts as itself. */
function toImpersonation(value: unknown): Session['impersonation'] | undefined {
  if (value === null) return null;
  if (!isFields(value)) return undefined;
  const { reason, read_only } = value;
  if ((reason !== null && typeof reason !== 'string') || typeof read_only !== 'boolean') return undefined;
  return { reason, read_only };
}

function parseObject(text: unknown): Fields | null {
  try {
    const value: unknown = JSON.parse(String(text));
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

/** What is kept, if it is whole: anything else must not be taken for somebody. */
function toSession(session_id: string, [data, created, expires]: readonly unknown[]): Session | null {
  const fields = parseObject(data);
  if (!fields) return null;
  const { user_id, username, address, user_agent } = fields;
  const [user_tenant, tenant] = [tenantOf(fields.user_tenant), tenantOf(fields.tenant)];
  const impersonation = toImpersonation(fields.impersonation);
  const [created_at_ms, expires_at_ms] = [Number(created), Number(expires)];
  if (typeof user_id !== 'string' || typeof username !== 'string') return null;
  if (typeof address !== 'string' || typeof user_agent !== 'string') return null;
  if (!user_tenant || !tenant || impersonation === undefined) return null;
  if (!(created_at_ms > 0 && expires_at_ms > 0)) return null;
  const who = { user_id, username, user_tenant, tenant, impersonation };
  return { session_id, ...who, created_at_ms, expires_at_ms, address, user_agent };
}

/** Sessions in Redis, by its clock. Both times count from the sign-in; use puts the idle one off. */
export function createSessionStore(
  redis: Redis,
  times: { readonly idle_seconds: number; readonly absolute_seconds: number },
): SessionStore {
  const run = loadScripts(redis);
  const idle_ms = times.idle_seconds * 1_000;
  const end = async (indexes: readonly string[], spared: string, session_ids: readonly string[]) => {
    await run('endSessions', indexes, [SESSION_PREFIX, REVOKED_CHANNEL, spared, ...session_ids]);
  };

  return {
    async create({ lifetime_seconds = times.absolute_seconds, ...data }) {
      const token = randomBytes(32).toString('base64url');
      const session_id = sessionIdOf(token);
      const lifetime_ms = Math.min(lifetime_seconds, times.absolute_seconds) * 1_000;
      const keys = [SESSION_PREFIX + session_id, ...indexesOf(data)];
      const answer = await run('createSession', keys, [
        session_id,
        JSON.stringify(data),
        idle_ms,
        lifetime_ms,
      ]);
      const [created_at_ms, expires_at_ms] = answer as [number, number];
      return { token, session: { session_id, ...data, created_at_ms, expires_at_ms } };
    },
    async find(token) {
      // Nothing else was ever given out; cookies bring anything.
      if (!/^[\w-]{43}$/.test(token)) return null;
      const session_id = sessionIdOf(token);
      const found = await run('findSession', [SESSION_PREFIX + session_id], [idle_ms]);
      return Array.isArray(found) ? toSession(session_id, found) : null;
    },
    revoke: (session_id) => end([], '', [session_id]),
    revokeUser: (user_id, except_session_id = '') => end([indexKey('user', user_id)], except_session_id, []),
    revokeTenant: (tenant) =>
      end(
        [
          'reseller_id' in tenant
            ? indexKey('reseller', tenant.reseller_id)
            : indexKey('subscriber', tenant.subscriber_id),
        ],
        '',
        [],
      ),
    async list(user_id) {
      const ids = (await redis.zrange(indexKey('user', user_id), 0, '-1')) as string[];
      const read = async (id: string) =>
        toSession(id, await redis.hmget(SESSION_PREFIX + id, 'data', 'created', 'expires'));
      // An index still names what expired idle.
      const sessions = (await Promise.all(ids.map(read))).filter((session) => session !== null);
      return sessions.sort((a, b) => a.created_at_ms - b.created_at_ms);
    },
  };
}

/**
 * Tells of every revocation, of this process and of others. `redis` is given over to it: a connection that subscribes
 * does nothing else. What is revoked while the connection is away is not told later.
 */
export function subscribeRevocations(
  redis: Redis,
  onRevoked: (session_ids: ReadonlySet<string>) => void,
): void {
  // Failing means that the link broke again; the next `ready` is another attempt.
  const subscribe = () => void redis.subscribe(REVOKED_CHANNEL).catch(() => {});
  redis.on('message', (channel, text) => {
    if (channel === REVOKED_CHANNEL) onRevoked(new Set(text.split(' ')));
  });
  redis.on('ready', subscribe);
  if (redis.status === 'ready') subscribe();
}

export interface Revocations {
  /** Gives what ends the subscription. */
  subscribe(onRevoked: (credential_ids: ReadonlySet<string>) => void): () => void;
  /** For credentials that are not kept here. The session store tells of its sessions itself. */
  publish(credential_ids: readonly string[]): Promise<void>;
  close(): void;
}

/** Revocations over connections of their own, for any number of listeners in this process. */
export function connectRevocations(url: string, onError: (error: Error) => void): Revocations {
  const listeners = new Set<(credential_ids: ReadonlySet<string>) => void>();
  const subscriber = connectRedis(url, onError);
  const publisher = connectRedis(url, onError);
  subscribeRevocations(subscriber, (ids) => {
    for (const listener of listeners) listener(ids);
  });
  return {
    subscribe(onRevoked) {
      listeners.add(onRevoked);
      return () => void listeners.delete(onRevoked);
    },
    async publish(credential_ids) {
      if (credential_ids.length > 0) await publisher.publish(REVOKED_CHANNEL, credential_ids.join(' '));
    },
    close() {
      subscriber.disconnect();
      publisher.disconnect();
    },
  };
}
