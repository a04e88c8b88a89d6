import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../../dev/services/process.ts';
import { type RunningRedis, startRedis } from '../../../dev/services/redis.ts';
import type { Tenant } from '../../../src/domain/tenant.ts';
import { connectRedis } from '../../../src/stores/redis/connect.ts';
import {
  connectRevocations,
  createSessionStore,
  type NewSession,
  type SessionStore,
  subscribeRevocations,
} from '../../../src/stores/redis/sessions.ts';

const HOUR = { idle_seconds: 1_800, absolute_seconds: 3_600 };
const MASTER: Tenant = { role: 'MASTER' };
const RESELLER: Tenant = { role: 'RESELLER', reseller_id: 'r1' };
const SUBSCRIBER: Tenant = { role: 'SUBSCRIBER', reseller_id: 'r1', subscriber_id: 's1' };
const ELSEWHERE: Tenant = { role: 'SUBSCRIBER', reseller_id: 'r2', subscriber_id: 's2' };

let server: RunningRedis;
let redis: Redis;
let store: SessionStore;
const links: Redis[] = [];

async function connect(): Promise<Redis> {
  const link = connectRedis(server.url, () => {});
  links.push(link);
  await once(link, 'ready');
  return link;
}

beforeAll(async () => {
  server = await startRedis();
  redis = await connect();
  store = createSessionStore(redis, HOUR);
});
beforeEach(async () => {
  await redis.flushall();
});
afterAll(async () => {
  for (const link of links) link.disconnect();
  await server.stop();
});

const sessionOf = (more: Partial<NewSession> = {}): NewSession => ({
  user_id: 'u1',
  username: 'ana',
  user_tenant: RESELLER,
  tenant: RESELLER,
  impersonation: null,
  address: '203.0.113.7',
  user_agent: 'Firefox',
  ...more,
});
/** Sessions of different users, by who they belong to and act as. */
async function begin(
  entries: Readonly<Record<string, Partial<NewSession>>>,
): Promise<Record<string, string>> {
  const begun = Object.entries(entries).map(async ([user_id, more]) => {
    const { token } = await store.create(sessionOf({ user_id, ...more }));
    return [user_id, token] as const;
  });
  return Object.fromEntries(await Promise.all(begun));
}
async function alive(tokens: Readonly<Record<string, string>>): Promise<string[]> {
  const found = Object.entries(tokens).map(async ([name, token]) =>
    (await store.find(token)) ? [name] : [],
  );
  return (await Promise.all(found)).flat().sort();
}
const keyOf = (session_id: string) => `pabx-web:session:${session_id}`;

describe('a session', () => {
  test('is found over another connection, with what was told', async () => {
    const asked = sessionOf({
      user_tenant: MASTER,
      tenant: SUBSCRIBER,
      impersonation: { reason: 'ticket 7', read_only: true },
    });
    const { token, session } = await store.create(asked);
    const found = await createSessionStore(await connect(), HOUR).find(token);
    expect(found).toEqual(session);
    expect(found).toMatchObject(asked);
    expect(session.expires_at_ms - session.created_at_ms).toBe(3_600_000);
  });

  test('leaves no token in Redis and no key outside its prefix', async () => {
    const { token, session } = await store.create(sessionOf());
    const keys = await redis.keys('*');
    const dump = JSON.stringify([keys, await redis.hgetall(keyOf(session.session_id))]);
    expect(dump).not.toContain(token);
    expect(keys.filter((key) => !key.startsWith('pabx-web:'))).toEqual([]);
    for (const key of keys) expect(await redis.pttl(key), key).toBeGreaterThan(0);
  });

  test('ends when it is revoked, and only it', async () => {
    const tokens = await begin({ u1: {}, u2: {} });
    const { session_id } = (await store.find(tokens.u1 ?? '')) ?? { session_id: '' };
    await store.revoke(session_id);
    expect(await alive(tokens)).toEqual(['u2']);
    expect(await redis.zrange('pabx-web:sessions-of:user:u1', 0, '-1')).toEqual([]);
    expect(await redis.zcard('pabx-web:sessions-of:reseller:r1')).toBe(1);
  });

  test.each(['', 'x', 'A'.repeat(43), '../'.repeat(20)])('is not found by %j', async (token) => {
    await store.create(sessionOf());
    expect(await store.find(token)).toBeNull();
  });

  test.each([
    ['no JSON', 'data', '{'],
    ['null', 'data', 'null'],
    ['a role that is none', 'data', JSON.stringify(sessionOf({ tenant: { role: 'ROOT' } as never }))],
    [
      'a subscriber without id',
      'data',
      JSON.stringify(sessionOf({ tenant: { ...RESELLER, role: 'SUBSCRIBER' } as never })),
    ],
    ['no word on impersonation', 'data', JSON.stringify({ ...sessionOf(), impersonation: undefined })],
    ['no user', 'data', JSON.stringify({ ...sessionOf(), user_id: 7 })],
    ['no beginning', 'created', 'soon'],
    ['no end', 'expires', ''],
  ])('with %s counts as none', async (_, field, value) => {
    const { token, session } = await store.create(sessionOf());
    await redis.hset(keyOf(session.session_id), field, value);
    expect(await store.find(token)).toBeNull();
  });
});

describe('expiry', () => {
  test('idle: use puts it off, neglect ends it', async () => {
    const brief = createSessionStore(redis, { idle_seconds: 1, absolute_seconds: 60 });
    const { token, session } = await brief.create(sessionOf());
    for (let i = 0; i < 6; i++) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect(await brief.find(token), `look ${i}`).not.toBeNull();
    }
    // Looking with `exists` is not use.
    const gone = async () => (await redis.exists(keyOf(session.session_id))) === 0;
    await waitUntil(gone, { timeout_ms: 3_000, what: 'the idle session to expire' });
    expect(await brief.find(token)).toBeNull();
    expect(await brief.list('u1')).toEqual([]);
  });

  test('absolute: use does not put it off', async () => {
    const brief = createSessionStore(redis, { idle_seconds: 60, absolute_seconds: 0.5 });
    const { token } = await brief.create(sessionOf());
    expect(await brief.find(token)).not.toBeNull();
    const gone = async () => (await brief.find(token)) === null;
    await waitUntil(gone, { timeout_ms: 3_000, what: 'the session to expire in spite of use' });
  });

  test('a session may ask for less than the others live, not for more', async () => {
    const life = async (lifetime_seconds: number) => {
      const { token, session } = await store.create(sessionOf({ lifetime_seconds }));
      await store.find(token);
      const ttl_ms = await redis.pttl(keyOf(session.session_id));
      return [session.expires_at_ms - session.created_at_ms, ttl_ms <= lifetime_seconds * 1_000];
    };
    expect(await life(60)).toEqual([60_000, true]);
    expect(await life(999_999)).toEqual([3_600_000, true]);
  });
});

describe('revoking many', () => {
  test('of one user, but the one that is spared; others stay', async () => {
    const [first, second, other] = [
      await store.create(sessionOf()),
      await store.create(sessionOf()),
      await store.create(sessionOf({ user_id: 'u2' })),
    ];
    expect((await store.list('u1')).map((s) => s.session_id).sort()).toEqual(
      [first.session.session_id, second.session.session_id].sort(),
    );
    await store.revokeUser('u1', second.session.session_id);
    const tokens = { first: first.token, second: second.token, other: other.token };
    expect(await alive(tokens)).toEqual(['other', 'second']);
    expect(await store.list('u1')).toEqual([second.session]);
    await store.revokeUser('u1');
    expect(await alive(tokens)).toEqual(['other']);
  });

  const impersonation = { reason: null, read_only: false };
  const everybody = {
    master: { user_tenant: MASTER, tenant: MASTER },
    masterAsReseller: { user_tenant: MASTER, tenant: RESELLER, impersonation },
    masterAsSubscriber: { user_tenant: MASTER, tenant: SUBSCRIBER, impersonation },
    reseller: { user_tenant: RESELLER, tenant: RESELLER },
    resellerAsSubscriber: { user_tenant: RESELLER, tenant: SUBSCRIBER, impersonation },
    subscriber: { user_tenant: SUBSCRIBER, tenant: SUBSCRIBER },
    elsewhere: { user_tenant: ELSEWHERE, tenant: ELSEWHERE },
  };

  test('of a subscriber, and of those who act as it', async () => {
    const tokens = await begin(everybody);
    await store.revokeTenant({ subscriber_id: 's1' });
    expect(await alive(tokens)).toEqual(['elsewhere', 'master', 'masterAsReseller', 'reseller']);
  });

  test('of a reseller, with its subscribers', async () => {
    const tokens = await begin(everybody);
    await store.revokeTenant({ reseller_id: 'r1' });
    expect(await alive(tokens)).toEqual(['elsewhere', 'master']);
  });
});

describe('word of revocations', () => {
  test('reaches a subscriber of another process with the ids', async () => {
    const heard: string[][] = [];
    const link = await connect();
    subscribeRevocations(link, (ids) => heard.push([...ids].sort()));
    await waitUntil(async () => (await redis.pubsub('CHANNELS')).length > 0, {
      timeout_ms: 3_000,
      what: 'the subscription',
    });
    const [a, b, c] = [
      await store.create(sessionOf()),
      await store.create(sessionOf()),
      await store.create(sessionOf()),
    ];
    await store.revoke(a.session.session_id);
    // Expired meanwhile, but a socket may still be open under it.
    await redis.del(keyOf(b.session.session_id));
    await store.revokeUser('u1');
    await waitUntil(() => heard.length === 2, { timeout_ms: 3_000, what: 'two revocations' });
    expect(heard).toEqual([[a.session.session_id], [b.session.session_id, c.session.session_id].sort()]);
  });

  test('comes again after Redis was restarted; sessions outlive it', async () => {
    const revocations = connectRevocations(server.url, () => {});
    const heard: string[] = [];
    const stop = revocations.subscribe((ids) => heard.push(...ids));
    const { token } = await store.create(sessionOf());
    await server.restart();
    const back = () => redis.ping().then(Boolean, () => false);
    await waitUntil(back, { timeout_ms: 10_000, what: 'the link to come back' });
    expect(await store.find(token)).not.toBeNull();
    const publish = (id: string) => revocations.publish([id]).catch(() => {});
    const arrives = async () => {
      await publish('key-1');
      return heard.includes('key-1');
    };
    await waitUntil(arrives, { timeout_ms: 10_000, what: 'a revocation after the restart' });
    stop();
    heard.length = 0;
    const seen: string[] = [];
    revocations.subscribe((ids) => seen.push(...ids));
    await publish('key-2');
    await waitUntil(() => seen.includes('key-2'), { timeout_ms: 3_000, what: 'the other listener' });
    expect(heard).not.toContain('key-2');
    revocations.close();
  });
});
