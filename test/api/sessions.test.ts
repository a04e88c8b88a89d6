import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { waitUntil } from '../../dev/services/process.ts';
import {
  addPerson,
  type Browser,
  openBrowser,
  type Person,
  SESSION,
  secrets,
  setCookies,
  signedIn,
} from './browser.ts';
import { addTown, type Household, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

// Viewers are looked after seldom: what closes them here is what they are told.
const api = useApi({ trust_proxy: true, live_ping_ms: 15_000 });
let town: Town;
let ours: Household;
const ofReseller = () => ({ reseller_id: ours.reseller_id });
const ofSubscriber = () => ({ subscriber_id: ours.subscriber_id });
const NOBODY = { status: 401, body: { code: 'UNAUTHENTICATED' } };
const ELSEWHERE = { status: 403, body: { code: 'FORBIDDEN' } };

beforeAll(async () => {
  town = await addTown(api());
  ours = town.ours;
});

const person = (owner = {}) => addPerson(api(), town.keys.master, owner);
const arrive = async (owner = {}) => signedIn(api(), await person(owner));
const byMaster = (method: string, url: string, body?: unknown, headers = {}) =>
  api().ask(town.keys.master, method, url, { ...(body === undefined ? {} : { body }), headers });
const who = (browser: Browser) => browser.ask('GET', '/api/v1/session');
const isOut = (browser: Browser) =>
  waitUntil(async () => (await who(browser)).status === 401, {
    timeout_ms: 5_000,
    what: 'the session to end',
  });

describe('signing in', () => {
  test('sets a cookie that scripts, other sites and plain HTTP do not get', async () => {
    const one = await person();
    const answer = await openBrowser(api()).signIn(one);
    expect(answer).toMatchObject({ status: 201, body: { must_change_password: false } });
    const [cookie = '', ...others] = setCookies(answer);
    const [pair = '', ...attributes] = cookie.split('; ');
    expect(others).toEqual([]);
    expect(pair).toMatch(/^__Host-pabx=[\w-]{43}$/);
    expect(attributes.sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']);
    expect(answer.text).not.toContain(pair.slice(SESSION.length + 1));
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('tells neither names nor states: every failure answers alike', async () => {
    const [known, inactive] = [await person(), await person()];
    await byMaster('PATCH', `/api/v1/users/${inactive.id}`, { status: 'INACTIVE' }, { 'if-match': '"1"' });
    const tries = [
      { ...known, password: 'wrong password' },
      { ...known, username: 'nobody.here' },
      inactive,
      { ...inactive, password: 'wrong password' },
    ];
    const answers = await Promise.all(
      tries.map(async (one) => {
        const { status, body, headers } = await openBrowser(api()).signIn(one);
        return { status, body, names: Object.keys(headers).sort() };
      }),
    );
    expect(answers[0]).toMatchObject(NOBODY);
    expect(answers[0]?.names).not.toContain('set-cookie');
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test('slows guessing down, for that account only, whether it exists or not', async () => {
    const victim = await person();
    for (const username of [victim.username, 'who.is.it']) {
      const guesser = openBrowser(api());
      for (let n = 0; n < 4; n += 1)
        expect(await guesser.signIn({ username, password: `guess ${n}` })).toMatchObject(NOBODY);
      const refused = await guesser.signIn({ ...victim, username });
      expect(refused).toMatchObject({ status: 429, body: { code: 'TOO_MANY_REQUESTS' } });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(setCookies(refused)).toEqual([]);
      expect((await guesser.signIn(await person())).status).toBe(201);
    }
    expect((await openBrowser(api()).signIn(victim)).status).toBe(201);
  });

  test('replaces the session of before', async () => {
    const one = await person();
    const before = await signedIn(api(), one);
    const after = openBrowser(api(), new Map(before.cookies));
    expect((await after.signIn(one)).status).toBe(201);
    expect(await who(before)).toMatchObject(NOBODY);
    expect((await who(after)).status).toBe(200);
  });

  test('a page of others signs nobody in', async () => {
    const one = await person();
    for (const origin of ['https://evil.example', 'null', 'https://painel.example.evil.example']) {
      const answer = await openBrowser(api()).signIn(one, undefined, { origin });
      expect(answer).toMatchObject(ELSEWHERE);
      expect(setCookies(answer)).toEqual([]);
    }
    // Programs send none.
    expect((await openBrowser(api()).signIn(one, undefined, { origin: null })).status).toBe(201);
  });
});

describe('a session', () => {
  test('tells who is signed in, with the names of the tenant', async () => {
    const names = { reseller_id: null, reseller_name: null, subscriber_id: null, subscriber_name: null };
    const reseller = { ...names, reseller_id: ours.reseller_id, reseller_name: 'Revenda Um' };
    const subscriber = { ...reseller, subscriber_id: ours.subscriber_id, subscriber_name: ours.name };
    const owners = [
      [{}, 'MASTER', names],
      [ofReseller(), 'RESELLER', reseller],
      [ofSubscriber(), 'SUBSCRIBER', subscriber],
    ] as const;
    for (const [owner, role, acting] of owners) {
      const one = await person(owner);
      const { status, body } = await who(await signedIn(api(), one));
      expect(status).toBe(200);
      expect(body).toMatchObject({ user_id: one.id, username: one.username, role, impersonation: null });
      expect(body.acting).toEqual({ role, ...acting });
      expect(body.permissions?.['section.users'] ?? null).toBe(role === 'SUBSCRIBER' ? 'WRITE' : null);
    }
  });

  test('outlives the process', async () => {
    const browser = await arrive(ofReseller());
    await api().restart();
    expect((await who(browser)).status).toBe(200);
  });

  type End = (one: Person, browser: Browser) => Promise<{ status: number }>;
  const version = async ({ id }: Person) => ({
    'if-match': String((await byMaster('GET', `/api/v1/users/${id}`)).headers.etag),
  });
  const sessionOf = async (browser: Browser, current = true): Promise<string> => {
    const { items } = (await browser.ask('GET', '/api/v1/sessions')).body;
    return items.find((item: { current: boolean }) => item.current === current).session_id;
  };
  const newPassword = (one: Person) => ({
    current_password: one.password,
    new_password: 'vinte e nove peixes',
  });
  /** What ends sessions: the first browser's, and whether the other one's too. */
  const ends: [name: string, all: boolean, End][] = [
    ['signing out', false, (_, browser) => browser.ask('DELETE', '/api/v1/session')],
    [
      'its own revocation',
      false,
      async (_, browser) => browser.ask('DELETE', `/api/v1/sessions/${await sessionOf(browser)}`),
    ],
    [
      'INACTIVE',
      true,
      async (one) => byMaster('PATCH', `/api/v1/users/${one.id}`, { status: 'INACTIVE' }, await version(one)),
    ],
    [
      'deletion of the user',
      true,
      async (one) => byMaster('DELETE', `/api/v1/users/${one.id}`, undefined, await version(one)),
    ],
    ['a new password by staff', true, (one) => byMaster('POST', `/api/v1/users/${one.id}/password`)],
    [
      'a new password by the id in capitals',
      true,
      (one) => byMaster('POST', `/api/v1/users/${one.id.toUpperCase()}/password`),
    ],
  ];
  test.each(ends)('ends with %s', async (_, all, end) => {
    const one = await person(ofSubscriber());
    const [first, second] = [await signedIn(api(), one), await signedIn(api(), one)];
    expect((await end(one, first)).status).toBeLessThan(300);
    await isOut(first);
    if (all) await isOut(second);
    else expect((await who(second)).status).toBe(200);
  });

  test('ends from another browser of the same user, and of nobody else', async () => {
    const one = await person();
    const [first, second, stranger] = [
      await signedIn(api(), one),
      await signedIn(api(), one),
      await arrive(),
    ];
    const url = `/api/v1/sessions/${await sessionOf(first, false)}`;
    expect((await stranger.ask('DELETE', url)).status).toBe(404);
    expect((await who(second)).status).toBe(200);
    expect((await first.ask('DELETE', url)).status).toBe(204);
    expect(await who(second)).toMatchObject(NOBODY);
    expect((await first.ask('GET', '/api/v1/sessions')).body.items).toMatchObject([
      { current: true, impersonating: false, address: first.address },
    ]);
  });

  test('a change of the own password ends all others and keeps this one', async () => {
    const one = await person(ofReseller());
    const [first, second] = [await signedIn(api(), one), await signedIn(api(), one)];
    const wrong = { ...newPassword(one), current_password: 'wrong' };
    expect(await first.ask('PUT', '/api/v1/session/password', wrong)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'current_password' }] },
    });
    expect((await who(second)).status).toBe(200);
    expect((await first.ask('PUT', '/api/v1/session/password', newPassword(one))).status).toBe(204);
    expect((await who(first)).status).toBe(200);
    expect(await who(second)).toMatchObject(NOBODY);
    expect(await openBrowser(api()).signIn(one)).toMatchObject(NOBODY);
    const { new_password: password } = newPassword(one);
    expect((await openBrowser(api()).signIn({ ...one, password })).status).toBe(201);
  });

  test('a session left open does not give its user away: what staff does for others is not for oneself', async () => {
    const one = await person(ofReseller());
    const browser = await signedIn(api(), one);
    for (const id of [one.id, one.id.toUpperCase()]) {
      expect((await browser.ask('POST', `/api/v1/users/${id}/password`)).status).toBe(409);
      expect((await browser.ask('DELETE', `/api/v1/users/${id}/second-factor`)).status).toBe(409);
      const ours = await version(one);
      expect((await browser.ask('DELETE', `/api/v1/users/${id}`, undefined, ours)).status).toBe(409);
    }
    expect((await openBrowser(api()).signIn(one)).status).toBe(201);
  });

  test('and lets nobody guess the password', async () => {
    const browser = await arrive(ofReseller());
    const guess = (n: number) => ({ current_password: `guess ${n}`, new_password: 'vinte e nove peixes' });
    for (let n = 0; n < 4; n += 1)
      expect((await browser.ask('PUT', '/api/v1/session/password', guess(n))).status).toBe(400);
    const refused = await browser.ask('POST', '/api/v1/session/second-factor', { password: 'guess 5' });
    expect(refused).toMatchObject({ status: 429, body: { code: 'TOO_MANY_REQUESTS' } });
  });
});

describe('other sites', () => {
  const origins: [origin: string | null, passes: boolean][] = [
    [null, false],
    ['null', false],
    ['https://evil.example', false],
    ['https://painel.example.evil.example', false],
    ['https://painel.example:8443', false],
    ['https://painel.example', true],
  ];
  test.each(origins)('a write with the cookie and Origin %s: %s', async (origin, passes) => {
    const browser = await arrive(ofReseller());
    const name = `de ${origin}`;
    const answer = await browser.ask(
      'POST',
      '/api/v1/permission-profiles',
      { name, permissions: {} },
      { origin },
    );
    expect(answer).toMatchObject(passes ? { status: 201 } : ELSEWHERE);
    const url = `/api/v1/permission-profiles?q=${encodeURIComponent(name)}`;
    const list = await browser.ask('GET', url, undefined, { origin });
    expect(list.status).toBe(200);
    expect(list.body.items).toHaveLength(passes ? 1 : 0);
    expect((await browser.ask('DELETE', '/api/v1/session', undefined, { origin })).status).toBe(
      passes ? 204 : 403,
    );
    expect((await who(browser)).status).toBe(passes ? 401 : 200);
  });
});

describe('the live stream', () => {
  function watch(headers: Readonly<Record<string, string>>) {
    const socket = new WebSocket(`ws://127.0.0.1:${api().port}/api/v1/live`, { headers });
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const status = new Promise<number>((resolve) => {
      socket.once('open', () => resolve(101));
      socket.once('unexpected-response', (_, { statusCode = 0 }) => {
        resolve(statusCode);
        socket.terminate();
      });
      socket.on('error', () => {});
    });
    return { socket, status, closed };
  }
  const within5s = (closed: Promise<number>) => {
    const late = new Promise<string>((resolve) => setTimeout(() => resolve('still open'), 5_000).unref());
    return Promise.race([closed, late]);
  };
  const cookieOf = ({ cookies }: Browser) => `${SESSION}=${cookies.get(SESSION)}`;
  const own = () => `http://127.0.0.1:${api().port}`;

  test.each([null, 'null', 'https://evil.example', 'http://127.0.0.1:1'])(
    'does not open with the cookie for a page of %s',
    async (origin) => {
      const cookie = cookieOf(await arrive());
      expect(await watch({ cookie, ...(origin === null ? {} : { origin }) }).status).toBe(403);
      expect(await watch({ cookie: 'other=1', origin: own() }).status).toBe(401);
    },
  );

  test('opens for our own page and closes with its session, and only with it', async () => {
    const [browser, other] = [await arrive(ofSubscriber()), await arrive(ofSubscriber())];
    const [mine, others] = [browser, other].map((one) => watch({ cookie: cookieOf(one), origin: own() }));
    expect([await mine?.status, await others?.status]).toEqual([101, 101]);
    await browser.ask('DELETE', '/api/v1/session');
    expect(await within5s(mine?.closed as Promise<number>)).toBe(4001);
    expect(others?.socket.readyState).toBe(WebSocket.OPEN);
    others?.socket.close();
  });

  test('closes with the key it was opened with', async () => {
    const body = { ...ofReseller(), name: 'painel de parede', scopes: ['READ'], expires_at: null };
    const { id, key } = (await byMaster('POST', '/api/v1/api-keys', body)).body;
    const stream = watch({ authorization: `Bearer ${key}` });
    expect(await stream.status).toBe(101);
    expect((await byMaster('DELETE', `/api/v1/api-keys/${id.toUpperCase()}`)).status).toBe(204);
    expect(await within5s(stream.closed)).toBe(4001);
    expect(await watch({ authorization: `Bearer ${key}` }).status).toBe(401);
  });

  test('does not open when the session ends while it is being let in', async () => {
    const one = await person(ofSubscriber());
    const browser = await signedIn(api(), one);
    const lock = await api().database.pool.connect();
    let stream: ReturnType<typeof watch>;
    try {
      await lock.query('begin; lock table permission_profiles in access exclusive mode');
      stream = watch({ cookie: cookieOf(browser), origin: own() });
      const { pool } = api().database;
      const waits =
        "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
      await waitUntil(async () => (await pool.query(waits)).rowCount === 1, {
        timeout_ms: 5_000,
        what: 'the permissions to be asked for',
      });
      await byMaster('PATCH', `/api/v1/users/${one.id}`, { status: 'INACTIVE' }, { 'if-match': '"1"' });
      // Refused for its Origin as long as the session lives, before the database is asked.
      const refusal = () => browser.ask('DELETE', '/api/v1/session', undefined, { origin: null });
      await waitUntil(async () => (await refusal()).status === 401, { timeout_ms: 5_000, what: 'its end' });
    } finally {
      await lock.query('rollback');
      lock.release();
    }
    expect(await stream.status).toBe(401);
  });

  test.each(['//', '/api/v1/live/', 'http://[', '/x'])(
    'an upgrade of %s is no reason to fall over',
    async (path) => {
      const socket = connect(api().port, '127.0.0.1');
      const headers = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13';
      socket.write(`GET ${path} HTTP/1.1\r\n${headers}\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 404 /);
      socket.destroy();
    },
  );
});

test('no secret is in the log', () => {
  const log = api().logged.join('');
  expect(secrets.size).toBeGreaterThan(50);
  for (const told of [...secrets, ...Object.values(town.keys)]) expect(log.includes(told), told).toBe(false);
});
