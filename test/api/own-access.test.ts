import { createHash } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { beforeAll, describe, expect, test } from 'vitest';
import { addPerson, type Browser, openBrowser, type Person, SESSION, secrets, signedIn } from './browser.ts';
import { addTown, type Household, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi({ trust_proxy: true });
let town: Town;
let ours: Household;
const NOBODY = { status: 401, body: { code: 'UNAUTHENTICATED' } };
const FORBIDDEN = { status: 403, body: { code: 'FORBIDDEN' } };
const FACTOR = '/api/v1/session/second-factor';

beforeAll(async () => {
  town = await addTown(api());
  ours = town.ours;
});

const person = (owner: object = { reseller_id: ours.reseller_id }) =>
  addPerson(api(), town.keys.master, owner);
const byMaster = (method: string, url: string, body?: unknown) =>
  api().ask(town.keys.master, method, url, body === undefined ? {} : { body });
const signIn = (one: Person, code?: string) => openBrowser(api()).signIn(one, code);

/** The code of so many steps from now. Confirming with this one and signing in with the next needs no waiting. */
function codeOf(secret: string, steps: number): string {
  const code = TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: Date.now() + steps * 30_000 });
  secrets.add(code);
  return code;
}

async function withSecondFactor(): Promise<{
  one: Person;
  browser: Browser;
  secret: string;
  recovery: string[];
}> {
  const one = await person();
  const browser = await signedIn(api(), one);
  const { secret } = (await browser.ask('POST', FACTOR, { password: one.password })).body;
  secrets.add(secret);
  const confirmed = await browser.ask('PUT', FACTOR, { code: codeOf(secret, 0) });
  expect(confirmed.status, confirmed.text).toBe(200);
  const recovery: string[] = confirmed.body.recovery_codes;
  for (const code of recovery) secrets.add(code);
  return { one, browser, secret, recovery };
}

describe('the second factor', () => {
  test('begins with the password only, and counts once a code was confirmed', async () => {
    const one = await person();
    const browser = await signedIn(api(), one);
    expect(await browser.ask('POST', FACTOR, { password: 'wrong' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'password' }] },
    });
    expect((await browser.ask('PUT', FACTOR, { code: '123456' })).status).toBe(400);
    const begun = (await browser.ask('POST', FACTOR, { password: one.password })).body;
    expect(begun.uri).toMatch(/^otpauth:\/\/totp\/.*secret=/);
    secrets.add(begun.secret);
    const code = codeOf(begun.secret, 0);
    const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0');
    expect(await browser.ask('PUT', FACTOR, { code: wrong })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'code' }] },
    });
    expect((await signIn(one)).status).toBe(201);
    expect((await browser.ask('PUT', FACTOR, { code })).status).toBe(200);
    expect((await browser.ask('GET', '/api/v1/session')).body.second_factor).toBe(true);
    expect((await browser.ask('POST', FACTOR, { password: one.password })).status).toBe(409);
    expect((await browser.ask('PUT', FACTOR, { code: codeOf(begun.secret, 1) })).status).toBe(400);
  });

  test('is asked for after the password, and takes each code once', async () => {
    const { one, secret } = await withSecondFactor();
    const missing = await signIn(one);
    expect(missing).toMatchObject({ status: 401, body: { code: 'SECOND_FACTOR_REQUIRED' } });
    expect(missing.headers['set-cookie']).toBeUndefined();
    expect(await signIn({ ...one, password: 'wrong' })).toMatchObject(NOBODY);
    expect(await signIn(one, codeOf(secret, 0)), 'the code that confirmed').toMatchObject(NOBODY);
    const next = codeOf(secret, 1);
    expect(await signIn({ ...one, password: 'wrong' }, next)).toMatchObject(NOBODY);
    const [first, second] = await Promise.all([signIn(one, next), signIn(one, next)]);
    expect([first.status, second.status].sort()).toEqual([201, 401]);
    expect(await signIn(one, next)).toMatchObject(NOBODY);
  });

  test('a recovery code stands in once, however it is typed', async () => {
    const { one, recovery } = await withSecondFactor();
    const [first = '', second = ''] = recovery;
    const stranger = await withSecondFactor();
    expect(new Set(recovery).size).toBe(10);
    expect(await signIn(one, stranger.recovery[0])).toMatchObject(NOBODY);
    expect((await signIn(one, first)).status).toBe(201);
    expect(await signIn(one, first)).toMatchObject(NOBODY);
    expect((await signIn(one, second.toLowerCase().replaceAll('-', ' '))).status).toBe(201);
  });

  test('ends with the password, and then asks for nothing; a new one has codes of its own', async () => {
    const { one, browser, recovery } = await withSecondFactor();
    expect((await browser.ask('DELETE', FACTOR, { password: 'wrong' })).status).toBe(400);
    expect((await signIn(one)).body.code).toBe('SECOND_FACTOR_REQUIRED');
    expect((await browser.ask('DELETE', FACTOR, { password: one.password })).status).toBe(204);
    expect((await signIn(one)).status).toBe(201);
    const { secret } = (await browser.ask('POST', FACTOR, { password: one.password })).body;
    expect((await browser.ask('PUT', FACTOR, { code: codeOf(secret, 0) })).status).toBe(200);
    expect(await signIn(one, recovery[0])).toMatchObject(NOBODY);
  });

  test('staff takes it away from who lost it, of those below only', async () => {
    const { one } = await withSecondFactor();
    const url = `/api/v1/users/${one.id}/second-factor`;
    expect((await api().ask(town.keys.subscriber, 'DELETE', url)).status).toBe(404);
    expect((await signIn(one)).body.code).toBe('SECOND_FACTOR_REQUIRED');
    expect((await byMaster('DELETE', url)).status).toBe(204);
    expect((await signIn(one)).status).toBe(201);
    const user = (await byMaster('GET', `/api/v1/users/${one.id}`)).body;
    expect(user).toMatchObject({ second_factor: false });
  });
});

describe('passwords', () => {
  const bad: [why: string, password: string, message: RegExp][] = [
    ['short', 'a b c d e', /10 characters/],
    ['leaked', 'Password123', /leaked/],
    ['the user name', 'xx maria.regras xx', /your name/],
    ['the name', 'xx Ana Regrada xx', /your name/],
    ['short and leaked alike', '123456789', /10 characters/],
  ];
  test.each(bad)('%s will not do, neither for a new user nor for oneself', async (_, password, message) => {
    const body = { reseller_id: ours.reseller_id, username: 'maria.regras', name: 'Ana Regrada', password };
    const asking = { body, headers: { 'accept-language': 'en' } };
    const created = await api().ask(town.keys.master, 'POST', '/api/v1/users', asking);
    expect(created).toMatchObject({ status: 400, body: { errors: [{ field: 'password' }] } });
    expect(created.body.errors[0].message).toMatch(message);
    const one = await person();
    const browser = await signedIn(api(), one);
    const new_password = password
      .replace('maria.regras', one.username)
      .replace('Ana Regrada', 'quatorze gatos');
    const own = password.includes('Ana') ? `xx ${one.username} xx` : new_password;
    const change = { current_password: one.password, new_password: own };
    expect(await browser.ask('PUT', '/api/v1/session/password', change)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'new_password' }] },
    });
    expect((await signIn(one)).status).toBe(201);
  });

  test('a generated one is told once and is to be changed', async () => {
    const owner = { reseller_id: ours.reseller_id, username: 'sem.senha', name: 'Sem Senha' };
    const { id, password } = (await byMaster('POST', '/api/v1/users', owner)).body;
    expect(password).toHaveLength(20);
    const one = { id, username: owner.username, password };
    expect((await byMaster('GET', `/api/v1/users/${id}`)).text).not.toContain(password);
    expect(await signIn(one)).toMatchObject({ status: 201, body: { must_change_password: true } });
    const browser = await signedIn(api(), one);
    const change = { current_password: password, new_password: 'trinta e um barcos' };
    expect((await browser.ask('PUT', '/api/v1/session/password', change)).status).toBe(204);
    expect((await browser.ask('GET', '/api/v1/session')).body.must_change_password).toBe(false);
  });
});

describe('keys', () => {
  const line = () => ({ subscriber_id: ours.subscriber_id, extension: '377', name: 'x', area_code: '11' });
  const topUp = { amount_micros: '1000000', reference: 'de chave' };
  const scopes: [scopes: ('READ' | 'WRITE' | 'MONEY')[], read: number, write: number, money: number][] = [
    [['READ'], 200, 403, 403],
    [['READ', 'WRITE'], 200, 201, 403],
    [['MONEY'], 403, 403, 201],
  ];
  test.each(scopes)('%j: looks %i, writes %i, moves money %i', async (allowed, ...expected) => {
    const key = await api().key({ role: 'RESELLER', reseller_id: ours.reseller_id }, allowed);
    const headers = { 'idempotency-key': `of-${allowed.join('-')}` };
    const answers = [
      await api().ask(key, 'GET', '/api/v1/lines'),
      await api().ask(key, 'POST', '/api/v1/lines', { body: line() }),
      await api().ask(key, 'POST', `/api/v1/subscribers/${ours.subscriber_id}/top-ups`, {
        body: topUp,
        headers,
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(expected);
    for (const answer of answers) if (answer.status === 403) expect(answer).toMatchObject(FORBIDDEN);
  });

  test.each(['revoked_at', 'expires_at'])('one with %s in the past is nobody’s', async (column) => {
    const key = await api().key({ role: 'RESELLER', reseller_id: ours.reseller_id });
    expect((await api().ask(key, 'GET', '/api/v1/lines')).status).toBe(200);
    const sha256 = createHash('sha256').update(key).digest();
    const past = `update api_keys set ${column} = now() - interval '1 second' where key_sha256 = $1`;
    expect((await api().database.pool.query(past, [sha256])).rowCount).toBe(1);
    expect(await api().ask(key, 'GET', '/api/v1/lines')).toMatchObject(NOBODY);
  });

  const ofPeople: [method: string, url: string, body?: object][] = [
    ['GET', '/api/v1/session'],
    ['DELETE', '/api/v1/session'],
    ['GET', '/api/v1/sessions'],
    ['DELETE', `/api/v1/sessions/${'a'.repeat(64)}`],
    ['PUT', '/api/v1/session/password', { current_password: 'x', new_password: 'trinta e um barcos' }],
    ['POST', FACTOR, { password: 'x' }],
    ['PUT', FACTOR, { code: '123456' }],
    ['DELETE', FACTOR, { password: 'x' }],
  ];
  test.each(ofPeople)('%s %s is for people', async (method, url, body) => {
    expect(await byMaster(method, url, body)).toMatchObject(FORBIDDEN);
    expect((await api().ask(null, method, url, body ? { body } : {})).status).toBe(401);
  });
});

describe('cookies of any kind', () => {
  const token = 'A'.repeat(43);
  test.each([
    '',
    ';;;=',
    SESSION,
    `${SESSION}=`,
    `${SESSION}=${token}`,
    `${SESSION}=${'x'.repeat(12_000)}`,
    `${SESSION}=%E0%A4%A`,
    `${SESSION}=../../*`,
    `${SESSION}="${token}"`,
    `__proto__=${token}; constructor=x; toString=1`,
    '\u00ff\u00fe=\u0080',
  ])('%s is nobody', async (cookie) => {
    for (const method of ['GET', 'DELETE']) {
      const headers = { cookie, origin: 'http://localhost' };
      expect(await api().ask(null, method, '/api/v1/session', { headers })).toMatchObject(NOBODY);
    }
  });

  test('of two the first counts, whichever is right; a key goes before both', async () => {
    const good = (await signedIn(api(), await person())).cookies.get(SESSION) ?? '';
    const read = async (cookie: string, headers = {}) =>
      (await api().ask(null, 'GET', '/api/v1/session', { headers: { cookie, ...headers } })).status;
    expect(await read(`${SESSION}=${good}; ${SESSION}=${token}`)).toBe(200);
    expect(await read(`${SESSION}=${token}; ${SESSION}=${good}`)).toBe(401);
    expect(await read(`other=1; ${SESSION}=${good}`)).toBe(200);
    expect(await read(`${SESSION}=${good}`, { authorization: 'Bearer pabx_wrong' })).toBe(401);
    // Sent by a program, a token is no key.
    expect((await api().ask(good, 'GET', '/api/v1/lines')).status).toBe(401);
  });
});

test('no secret is in the log, not even of what failed inside', async () => {
  const { one, browser, secret } = await withSecondFactor();
  const { pool } = api().database;
  await pool.query("update users set totp_sealed = 'v1.broken' where id = $1", [one.id]);
  expect((await signIn(one, codeOf(secret, 1))).status).toBe(500);
  await pool.query("alter table users add column later text not null default ''");
  await pool.query('alter table users alter column later drop default');
  const failed = { username: 'quase', name: 'Quase', password: 'trinta e um barcos' };
  expect((await byMaster('POST', '/api/v1/users', failed)).status).toBe(500);
  await pool.query(`create function lose_later() returns trigger language plpgsql as
    $$ begin new.later := null; return new; end $$;
    create trigger lose_later before update on users for each row execute function lose_later()`);
  const change = { current_password: one.password, new_password: failed.password };
  expect((await browser.ask('PUT', '/api/v1/session/password', change)).status).toBe(500);
  await pool.query('drop trigger lose_later on users; alter table users drop column later');
  const log = api().logged.join('');
  expect(log.match(/request failed/g)).toHaveLength(3);
  for (const told of [...secrets, failed.password, '$argon2', ...Object.values(town.keys)])
    expect(log.includes(told), told).toBe(false);
});
