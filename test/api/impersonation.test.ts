import { beforeAll, describe, expect, test } from 'vitest';
import { impersonate } from '../../src/admin/impersonate.ts';
import { ROUTES } from '../../src/contract/routes.ts';
import type { Actor } from '../../src/stores/postgres/tenancy.ts';
import type { Session } from '../../src/stores/redis/sessions.ts';
import { addPerson, type Browser, openBrowser, SESSION, secrets, setCookies, signedIn } from './browser.ts';
import { addTown, type Household, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi({ trust_proxy: true });
const RETURN = '__Host-pabx-return';
const ENTER = '/api/v1/impersonations';
const REASON = 'chamado 4711';
const NOBODY = { status: 401, body: { code: 'UNAUTHENTICATED' } };
const FORBIDDEN = { status: 403, body: { code: 'FORBIDDEN' } };
let town: Town;
let ours: Household;

beforeAll(async () => {
  town = await addTown(api());
  ours = town.ours;
});

type Who = 'master' | 'reseller' | 'subscriber';
const owners = (): Record<Who, object> => ({
  master: {},
  reseller: { reseller_id: ours.reseller_id },
  subscriber: { subscriber_id: ours.subscriber_id },
});
const arrive = async (who: Who) => signedIn(api(), await addPerson(api(), town.keys.master, owners()[who]));
const who = (browser: Browser) => browser.ask('GET', '/api/v1/session');

async function entered(by: Who, whom: object, writing = false): Promise<Browser> {
  const browser = await arrive(by);
  const body = { ...whom, ...(writing ? { read_only: false, reason: REASON } : {}) };
  const answer = await browser.ask('POST', ENTER, body);
  expect(answer.status, answer.text).toBe(201);
  return browser;
}
const count = async () =>
  Number((await api().database.pool.query('select count(*) from audit_log')).rows[0].count);

describe('entering', () => {
  test('needs somebody below, who is there', async () => {
    const reseller = { reseller_id: ours.reseller_id };
    const own = { subscriber_id: ours.subscriber_id };
    const cases: [by: Who, whom: object, status: number][] = [
      ['master', reseller, 201],
      ['master', own, 201],
      ['master', { subscriber_id: town.stranger.subscriber_id }, 201],
      ['master', { reseller_id: ours.subscriber_id }, 404],
      ['master', {}, 400],
      ['master', { ...reseller, ...own }, 400],
      ['reseller', own, 201],
      ['reseller', { subscriber_id: town.neighbour.subscriber_id }, 201],
      ['reseller', { subscriber_id: town.stranger.subscriber_id }, 404],
      ['reseller', reseller, 404],
      ['reseller', { reseller_id: town.stranger.reseller_id }, 404],
      ['subscriber', own, 404],
      ['subscriber', { subscriber_id: town.neighbour.subscriber_id }, 404],
    ];
    for (const [by, whom, status] of cases) {
      const browser = await arrive(by);
      const before = new Map(browser.cookies);
      const answer = await browser.ask('POST', ENTER, whom);
      expect(answer.status, `${by} ${JSON.stringify(whom)} ${answer.text}`).toBe(status);
      if (status !== 201) expect(browser.cookies).toEqual(before);
      const { body } = await who(browser);
      expect(body.role).toBe(by.toUpperCase());
      expect(body.impersonation).toEqual(status === 201 ? { reason: null, read_only: true } : null);
      if (status === 201) expect(body.acting).toMatchObject(whom);
    }
  });

  test.each([
    ['no reason', {}],
    ['null', { reason: null }],
    ['four characters', { reason: ' abcd ' }],
  ])('to change things with %s is refused', async (_, reason) => {
    const browser = await arrive('reseller');
    const body = { subscriber_id: ours.subscriber_id, read_only: false, ...reason };
    expect(await browser.ask('POST', ENTER, body)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'reason' }] },
    });
    expect((await who(browser)).body.impersonation).toBeNull();
  });

  test('is not for keys, nor for whoever entered already', async () => {
    const whom = { subscriber_id: ours.subscriber_id };
    for (const key of [town.keys.master, town.keys.reseller])
      expect(await api().ask(key, 'POST', ENTER, { body: whom })).toMatchObject(FORBIDDEN);
    const master = await entered('master', { reseller_id: ours.reseller_id }, true);
    expect(await master.ask('POST', ENTER, whom)).toMatchObject(FORBIDDEN);
    const reseller = await entered('reseller', whom, true);
    const neighbour = { subscriber_id: town.neighbour.subscriber_id };
    expect((await reseller.ask('POST', ENTER, neighbour)).status).toBe(404);
  });

  test('ends by itself after half an hour, in both cookies nothing a script could read', async () => {
    const browser = await arrive('reseller');
    const own = browser.cookies.get(SESSION);
    const answer = await browser.ask('POST', ENTER, { subscriber_id: ours.subscriber_id });
    const left_s = (Date.parse(answer.body.expires_at) - Date.now()) / 1_000;
    expect(left_s).toBeGreaterThan(29 * 60);
    expect(left_s).toBeLessThanOrEqual(30 * 60 + 1);
    expect((await who(browser)).body.expires_at).toBe(answer.body.expires_at);
    expect(browser.cookies.get(RETURN)).toBe(own);
    expect(browser.cookies.get(SESSION)).not.toBe(own);
    for (const cookie of setCookies(answer))
      expect(cookie.split('; ').slice(1).sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']);
  });

  test('never outlives the session it was entered from', async () => {
    const lifetimes: (number | undefined)[] = [];
    const sessions = {
      create: async ({ lifetime_seconds }: { lifetime_seconds?: number }) => lifetimes.push(lifetime_seconds),
    };
    const tenant = { role: 'RESELLER', reseller_id: ours.reseller_id } as const;
    const { db } = api().database;
    for (const left_s of [7_000, 90]) {
      const session = { user_id: ours.user_id, user_tenant: tenant, tenant, impersonation: null };
      const own = { ...session, expires_at_ms: Date.now() + left_s * 1_000 } as Session;
      const deps = { tx: db as never, system: db, sessions: sessions as never };
      const entry = { subscriber_id: ours.subscriber_id, read_only: true, reason: null };
      await impersonate(deps, own, { kind: 'USER', name: 'x' } as Actor, entry);
    }
    expect(lifetimes[0]).toBe(30 * 60);
    expect(lifetimes[1]).toBeLessThanOrEqual(90);
    expect(lifetimes[1]).toBeGreaterThan(80);
  });
});

describe('looking only', () => {
  test('shows what that tenant sees', async () => {
    const seen = async (browser: Browser) =>
      (await browser.ask('GET', '/api/v1/subscribers')).body.items.map(({ id }: { id: string }) => id).sort();
    const [own, near] = [ours.subscriber_id, town.neighbour.subscriber_id];
    expect(await seen(await entered('master', { reseller_id: ours.reseller_id }))).toEqual(
      [own, near].sort(),
    );
    for (const by of ['master', 'reseller'] as const) {
      const browser = await entered(by, { subscriber_id: own });
      expect(await seen(browser)).toEqual([own]);
      expect((await browser.ask('GET', '/api/v1/resellers')).status).toBe(404);
      expect((await browser.ask('GET', `/api/v1/subscribers/${near}`)).status).toBe(404);
      expect((await browser.ask('GET', `/api/v1/lines/${ours.line_id}`)).status).toBe(200);
    }
  });

  test('refuses everything that changes anything', async () => {
    const visits = [
      ['RESELLER', await entered('master', { reseller_id: ours.reseller_id })],
      ['SUBSCRIBER', await entered('reseller', { subscriber_id: ours.subscriber_id })],
    ] as const;
    const before = await count();
    const writes = ROUTES.filter(
      ({ method, name, scope }) => method !== 'GET' && scope !== 'READ' && !/^sign(In|Out)$/.test(name),
    );
    const wrong: string[] = [];
    expect(writes.length).toBeGreaterThan(30);
    for (const [role, browser] of visits)
      for (const { method, path, name, roles } of writes) {
        const ids = ours as unknown as Readonly<Record<string, string>>;
        const url = path.replace(/:(\w+)/g, (_, id: string) => ids[id] ?? 'a'.repeat(64));
        const answer = await browser.ask(method, url, {}, { 'if-match': '"1"', 'idempotency-key': name });
        if (answer.status !== (roles.includes(role) ? 403 : 404))
          wrong.push(`${role} ${name} ${answer.status}`);
      }
    expect(wrong).toEqual([]);
    expect(await count()).toBe(before);
  });
});

describe('changing things for a reason', () => {
  const change = async (browser: Browser, name: string) => {
    const url = `/api/v1/lines/${ours.line_id}`;
    const etag = String((await browser.ask('GET', url)).headers.etag);
    return browser.ask('PATCH', url, { name }, { 'if-match': etag });
  };
  type Entry = { action: string; object_type: string; actor: Record<string, unknown>; after: unknown };
  const audit = async (key: string, q: string): Promise<Entry[]> =>
    (await api().ask(key, 'GET', `/api/v1/audit?q=${q}`)).body.items;

  test('works as that tenant, and both sides read who it was, as whom and why', async () => {
    const one = await addPerson(api(), town.keys.master);
    const browser = await signedIn(api(), one);
    const body = { subscriber_id: ours.subscriber_id, read_only: false, reason: REASON };
    expect((await browser.ask('POST', ENTER, body)).status).toBe(201);
    expect((await change(browser, 'Recepção nova')).status).toBe(200);
    const actor = {
      ...{
        kind: 'USER',
        id: one.id,
        name: one.username,
        role: 'MASTER',
        impersonating: true,
        reason: REASON,
      },
      as_reseller_id: ours.reseller_id,
      as_subscriber_id: ours.subscriber_id,
      address: browser.address,
    };
    for (const key of Object.values(town.keys)) {
      const entries = await audit(key, one.username);
      expect(
        entries.filter(({ object_type }) => ['lines', 'subscribers'].includes(object_type)),
      ).toMatchObject([
        { action: 'UPDATE', object_type: 'lines', actor, after: { name: 'Recepção nova' } },
        { action: 'ENTER_AS', object_type: 'subscribers', actor, after: { read_only: false } },
      ]);
    }
    const others = [
      await api().key({ role: 'RESELLER', reseller_id: town.stranger.reseller_id }),
      await api().key({ ...ours, role: 'SUBSCRIBER', subscriber_id: town.neighbour.subscriber_id }),
    ];
    for (const key of others) expect(await audit(key, one.username)).toEqual([]);
  });

  test('a reseller that was entered reads it; its subscribers do not', async () => {
    const browser = await entered('master', { reseller_id: ours.reseller_id });
    const { username } = (await who(browser)).body;
    const entry = { object_type: 'resellers', actor: { as_subscriber_id: null, reason: null } };
    expect(await audit(town.keys.reseller, username)).toMatchObject([{ action: 'ENTER_AS', ...entry }]);
    expect((await audit(town.keys.master, username))[0]).toMatchObject({ action: 'ENTER_AS', ...entry });
    expect(await audit(town.keys.subscriber, username)).toEqual([]);
  });

  test('stops at one’s own password and second factor', async () => {
    const browser = await entered('reseller', { subscriber_id: ours.subscriber_id }, true);
    const session_id = (await browser.ask('GET', '/api/v1/sessions')).body.items[0].session_id;
    const own: [method: string, url: string, body?: object][] = [
      ['PUT', '/api/v1/session/password', { current_password: 'x', new_password: 'trinta e um barcos' }],
      ['POST', '/api/v1/session/second-factor', { password: 'x' }],
      ['PUT', '/api/v1/session/second-factor', { code: '123456' }],
      ['DELETE', '/api/v1/session/second-factor', { password: 'x' }],
      ['DELETE', `/api/v1/sessions/${session_id}`],
    ];
    for (const [method, url, body] of own)
      expect(await browser.ask(method, url, body), `${method} ${url}`).toMatchObject(FORBIDDEN);
  });

  test('a key made inside is of that tenant, and names who made it', async () => {
    const browser = await entered('reseller', { subscriber_id: ours.subscriber_id }, true);
    const { username } = (await who(browser)).body;
    const body = { name: 'de dentro', scopes: ['READ', 'WRITE', 'MONEY'], expires_at: null };
    const made = await browser.ask('POST', '/api/v1/api-keys', body);
    expect(made).toMatchObject({
      status: 201,
      body: { role: 'SUBSCRIBER', subscriber_id: ours.subscriber_id },
    });
    const above = { ...body, reseller_id: ours.reseller_id };
    expect((await browser.ask('POST', '/api/v1/api-keys', above)).status).toBe(404);
    const actor = { name: username, role: 'RESELLER', impersonating: true, reason: REASON };
    const [entry] = await audit(town.keys.subscriber, username);
    expect(entry).toMatchObject({ action: 'INSERT', object_type: 'api_keys', actor });
    expect(JSON.stringify(entry)).not.toContain(made.body.key);
  });
});

describe('leaving', () => {
  test('returns to the own session and ends the other', async () => {
    const browser = await entered('reseller', { subscriber_id: ours.subscriber_id });
    const inside = openBrowser(api(), new Map(browser.cookies));
    const own = browser.cookies.get(RETURN);
    expect((await browser.ask('DELETE', '/api/v1/session')).status).toBe(204);
    expect(browser.cookies).toEqual(new Map([[SESSION, own]]));
    expect((await who(browser)).body).toMatchObject({ acting: { role: 'RESELLER' }, impersonation: null });
    expect(await who(inside)).toMatchObject(NOBODY);
    expect((await browser.ask('DELETE', '/api/v1/session')).status).toBe(204);
    expect(browser.cookies).toEqual(new Map());
  });

  test('leads nowhere else: not to a session of others, nor to one that is over', async () => {
    const stranger = (await arrive('master')).cookies.get(SESSION) ?? '';
    for (const back of [stranger, 'A'.repeat(43), 'x'.repeat(2_000), '']) {
      const browser = await entered('reseller', { subscriber_id: ours.subscriber_id });
      browser.cookies.set(RETURN, back);
      expect((await browser.ask('DELETE', '/api/v1/session')).status).toBe(204);
      expect(browser.cookies).toEqual(new Map());
    }
  });

  test('a new sign-in leaves neither of both sessions behind', async () => {
    const browser = await entered('reseller', { subscriber_id: ours.subscriber_id });
    const inside = openBrowser(api(), new Map(browser.cookies));
    const own = openBrowser(api(), new Map([[SESSION, browser.cookies.get(RETURN) ?? '']]));
    expect((await who(own)).status).toBe(200);
    expect((await browser.signIn(await addPerson(api(), town.keys.master))).status).toBe(201);
    expect([...browser.cookies.keys()]).toEqual([SESSION]);
    for (const old of [inside, own]) expect(await who(old)).toMatchObject(NOBODY);
  });

  test.each(['POST', 'DELETE'])(
    'whoever loses their place is out of where they entered (%s)',
    async (method) => {
      const browser = await entered('reseller', { subscriber_id: ours.subscriber_id });
      const { user_id } = (await who(browser)).body;
      const headers = { 'if-match': '"1"' };
      const url = `/api/v1/users/${user_id}${method === 'POST' ? '/password' : ''}`;
      expect((await api().ask(town.keys.master, method, url, { headers })).status).toBeLessThan(300);
      await expect.poll(async () => (await who(browser)).status, { timeout: 5_000 }).toBe(401);
    },
  );
});

test('no secret is in the log', () => {
  const log = api().logged.join('');
  for (const told of secrets) expect(log.includes(told), told).toBe(false);
});
