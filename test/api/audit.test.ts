import { beforeAll, describe, expect, test } from 'vitest';
import { addPerson, type Browser, openBrowser, type Person, secrets, signedIn } from './browser.ts';
import { addTown, type Household, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi({ trust_proxy: true });
let town: Town;
let ours: Household;
let one: Person;
let browser: Browser;

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly action: string;
  readonly object_type: string;
  readonly object_id: string | null;
  readonly reseller_id: string | null;
  readonly subscriber_id: string | null;
  readonly actor: Readonly<Record<string, unknown>>;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

beforeAll(async () => {
  town = await addTown(api());
  ours = town.ours;
  one = await addPerson(api(), town.keys.master, { reseller_id: ours.reseller_id });
  browser = await signedIn(api(), one);
});

const audit = async (key: string, query = ''): Promise<Entry[]> => {
  const answer = await api().ask(key, 'GET', `/api/v1/audit?limit=500${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.items;
};
const newest = async () =>
  (await api().ask(town.keys.master, 'GET', '/api/v1/audit?limit=1')).body.items[0].id;
/** What was written down since, the oldest first. */
const since = async (id: string) =>
  (await audit(town.keys.master)).filter((entry) => BigInt(entry.id) > BigInt(id)).reverse();

/** Sends what was read before along with its version. */
async function edit(url: string, change: object) {
  const etag = String((await browser.ask('GET', url)).headers.etag);
  return browser.ask('PATCH', url, change, { 'if-match': etag });
}

describe('what is written down', () => {
  const key = () => ({ 'idempotency-key': `audit-${crypto.randomUUID()}` });
  type Row = Readonly<Record<string, unknown>>;
  interface Case {
    readonly what: string;
    readonly work: () => Promise<{ status: number; text: string }>;
    readonly entry: [action: string, object_type: string];
    /** Null: there was none; `only`: nothing else. */
    readonly before: Row | null;
    readonly after: Row;
    readonly only: boolean;
    /** Of the reseller alone, or of a subscriber too. */
    readonly below?: boolean;
  }
  const cases: Case[] = [
    {
      what: 'a change of a subscriber',
      work: () => edit(`/api/v1/subscribers/${ours.subscriber_id}`, { due_day: 12, max_lines: 40 }),
      entry: ['UPDATE', 'subscribers'],
      before: { due_day: 10, max_lines: null },
      after: { due_day: 12, max_lines: 40 },
      only: true,
      below: true,
    },
    {
      what: 'a new line',
      work: () =>
        browser.ask('POST', '/api/v1/lines', {
          ...{ subscriber_id: ours.subscriber_id, extension: '240', name: 'Portaria', area_code: '11' },
        }),
      entry: ['INSERT', 'lines'],
      before: null,
      after: { extension: '240', name: 'Portaria', sip_ha1: '***' },
      only: false,
      below: true,
    },
    {
      what: 'a new password of a line',
      work: () => browser.ask('POST', `/api/v1/lines/${ours.line_id}/password`),
      entry: ['UPDATE', 'lines'],
      before: { sip_ha1: '***' },
      after: { sip_ha1: '***' },
      only: true,
      below: true,
    },
    {
      what: 'money',
      work: () => {
        const body = { amount_micros: '7000000', reference: 'pix 99' };
        return browser.ask('POST', `/api/v1/subscribers/${ours.subscriber_id}/top-ups`, body, key());
      },
      entry: ['INSERT', 'ledger_movements'],
      before: null,
      after: { kind: 'TOP_UP', reference: expect.stringMatching(/ pix 99$/) },
      only: false,
      below: true,
    },
    {
      what: 'a new user',
      work: () => browser.ask('POST', '/api/v1/users', { username: 'nova.pessoa', name: 'Nova Pessoa' }),
      entry: ['INSERT', 'users'],
      before: null,
      after: { username: 'nova.pessoa', password_hash: '***', totp_sealed: null },
      only: false,
    },
    {
      what: 'a profile',
      work: () =>
        edit(`/api/v1/permission-profiles/${ours.permission_profile_id}`, {
          permissions: { 'section.audit': { level: 'READ' } },
        }),
      entry: ['UPDATE', 'permission_profiles'],
      before: { permissions: expect.objectContaining({ 'section.users': { level: 'WRITE' } }) },
      after: { permissions: { 'section.audit': { level: 'READ' } } },
      only: true,
    },
    {
      what: 'a new key',
      work: () =>
        browser.ask('POST', '/api/v1/api-keys', { name: 'chave', scopes: ['READ'], expires_at: null }),
      entry: ['INSERT', 'api_keys'],
      before: null,
      after: { name: 'chave', scopes: ['READ'], key_sha256: '***' },
      only: false,
    },
    {
      what: 'a second factor that was begun',
      work: () => browser.ask('POST', '/api/v1/session/second-factor', { password: one.password }),
      entry: ['UPDATE', 'users'],
      before: { totp_sealed: null },
      after: { totp_sealed: '***' },
      only: true,
    },
    {
      what: 'a new password of one’s own',
      work: () => {
        const body = { current_password: one.password, new_password: one.password.replace('gatos', 'galos') };
        secrets.add(body.new_password);
        return browser.ask('PUT', '/api/v1/session/password', body);
      },
      entry: ['UPDATE', 'users'],
      before: { password_hash: '***' },
      after: { password_hash: '***' },
      only: true,
    },
  ];
  test.each(cases)('$what', async ({ work, entry: [action, object_type], before, after, only, below }) => {
    const last = await newest();
    const answer = await work();
    expect(answer.status, answer.text).toBeLessThan(300);
    for (const [, secret = ''] of answer.text.matchAll(/"(?:sip_password|password|key|secret)":"([^"]+)"/g))
      secrets.add(secret);
    const entries = await since(last);
    const entry = entries.find((entry) => entry.object_type === object_type);
    expect(
      entries.every(({ object_type }) => /^(lines|ledger_|users|api_|perm|subs)/.test(object_type)),
    ).toBe(true);
    expect(entry).toMatchObject({ action, reseller_id: ours.reseller_id });
    expect(entry?.subscriber_id).toBe(below ? ours.subscriber_id : null);
    expect(entry?.actor).toEqual({
      ...{
        kind: 'USER',
        id: one.id,
        name: one.username,
        role: 'RESELLER',
        impersonating: false,
        reason: null,
      },
      ...{ as_reseller_id: ours.reseller_id, as_subscriber_id: null, address: browser.address },
    });
    if (before === null) expect(entry?.before ?? {}).toEqual({});
    else if (only) expect(entry?.before).toEqual(before);
    if (only) expect(entry?.after).toEqual(after);
    else expect(entry?.after).toMatchObject(after);
    // Version and times are no news.
    expect(Object.keys(entry?.after ?? {})).not.toContain('version');
  });

  test('signing in, and failing to', async () => {
    const two = await addPerson(api(), town.keys.master, { subscriber_id: ours.subscriber_id });
    const last = await newest();
    const next = openBrowser(api());
    await next.signIn({ ...two, password: 'not this one' });
    await next.signIn({ username: 'nobody.at.all', password: 'nor this' });
    await next.signIn(two);
    const actor = {
      ...{
        kind: 'USER',
        id: two.id,
        name: two.username,
        role: 'SUBSCRIBER',
        impersonating: false,
        reason: null,
      },
      as_reseller_id: ours.reseller_id,
      as_subscriber_id: ours.subscriber_id,
      address: next.address,
    };
    const common = { object_type: 'sessions', object_id: two.id, before: null, after: null, actor };
    expect(await since(last)).toMatchObject([
      { action: 'SIGN_IN_FAILED', ...common },
      { action: 'SIGN_IN', ...common },
    ]);
  });

  test('a key by its own name', async () => {
    const last = await newest();
    const url = `/api/v1/lines/${ours.line_id}/password`;
    const headers = { 'x-forwarded-for': '198.51.100.7' };
    const { body } = await api().ask(town.keys.reseller, 'POST', url, { headers });
    secrets.add(body.sip_password);
    const [entry] = await since(last);
    expect(entry?.actor).toMatchObject({ kind: 'API_KEY', name: 'test', address: '198.51.100.7' });
    const { rows } = await api().database.pool.query('select role from api_keys where id = $1', [
      entry?.actor.id,
    ]);
    expect(rows).toEqual([{ role: 'RESELLER' }]);
  });

  test('nothing of what changed nothing, was refused or was only read', async () => {
    const last = await newest();
    const url = `/api/v1/subscribers/${ours.subscriber_id}`;
    expect((await edit(url, { due_day: 12 })).status).toBe(200);
    expect((await browser.ask('PATCH', url, { due_day: 13 }, { 'if-match': '"1"' })).status).toBe(412);
    const taken = { username: one.username, name: 'Outra', password: 'trinta e um barcos' };
    expect((await browser.ask('POST', '/api/v1/users', taken)).status).toBe(409);
    await browser.ask('GET', '/api/v1/users');
    expect(await since(last)).toEqual([]);
  });
});

describe('reading it', () => {
  /** Page after page; something is written after the first. */
  async function paged(limit: number, query = ''): Promise<string[]> {
    const ids: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const url: string = `/api/v1/audit?limit=${limit}${query}${cursor && `&cursor=${cursor}`}`;
      const { items, next_cursor } = (await api().ask(town.keys.master, 'GET', url)).body;
      ids.push(...items.map(({ id }: Entry) => id));
      if (cursor === '') await addPerson(api(), town.keys.master);
      cursor = next_cursor;
    }
    return ids;
  }

  test('the newest first, page by page, without gaps and without what came meanwhile', async () => {
    const all = (await audit(town.keys.master)).map(({ id }) => id);
    expect(all.length).toBeGreaterThan(50);
    expect(all).toEqual([...all].sort((a, b) => Number(BigInt(b) - BigInt(a))));
    expect(await paged(7)).toEqual(all);
    const oldest = (await audit(town.keys.master, '&sort=id')).map(({ id }) => id);
    expect(oldest.slice(0, all.length)).toEqual([...all].reverse());
  });

  test('filters by what, which, when and a word', async () => {
    const all = await audit(town.keys.master);
    const middle = all[Math.floor(all.length / 2)]?.at ?? '';
    const day = new Date(Date.now() + 86_400_000).toISOString();
    const filters: [query: string, keeps: (entry: Entry) => boolean][] = [
      ['&object_type=lines', ({ object_type }) => object_type === 'lines'],
      [`&object_id=${ours.line_id}`, ({ object_id }) => object_id === ours.line_id],
      [`&object_type=users&object_id=${one.id}`, (e) => e.object_type === 'users' && e.object_id === one.id],
      [`&q=${one.username}`, ({ actor }) => actor.name === one.username],
      ['&q=SIGN_IN_FAILED', ({ action }) => action === 'SIGN_IN_FAILED'],
    ];
    for (const [query, keeps] of filters) {
      const found = await audit(town.keys.master, query);
      expect(found, query).toEqual(all.filter(keeps));
      expect(found.length, query).toBeGreaterThan(0);
    }
    const [older, younger] = [
      await audit(town.keys.master, `&to=${middle}`),
      await audit(town.keys.master, `&from=${middle}`),
    ];
    expect(older.length).toBeGreaterThan(5);
    expect(younger.length).toBeGreaterThan(5);
    expect(older.every(({ at }) => at <= middle) && younger.every(({ at }) => at >= middle)).toBe(true);
    expect(new Set([...older, ...younger].map(({ id }) => id)).size).toBe(all.length);
    expect(await audit(town.keys.master, `&from=${day}`)).toEqual([]);
    for (const bad of ['from=yesterday', 'sort=name', 'limit=0', 'object_type='])
      expect((await api().ask(town.keys.master, 'GET', `/api/v1/audit?${bad}`)).status, bad).toBe(400);
  });

  test('a reseller reads its own, a subscriber what was done as it', async () => {
    const two = await addPerson(api(), town.keys.master, { subscriber_id: ours.subscriber_id });
    const panel = await signedIn(api(), two);
    const url = `/api/v1/lines/${ours.line_id}`;
    const etag = String((await panel.ask('GET', url)).headers.etag);
    const renamed = await panel.ask('PATCH', url, { name: 'Do painel' }, { 'if-match': etag });
    expect(renamed.status, renamed.text).toBe(200);
    const all = await audit(town.keys.master);
    const ofReseller = all.filter(({ reseller_id }) => reseller_id === ours.reseller_id);
    const ofSubscriber = all.filter(({ actor }) => actor.as_subscriber_id === ours.subscriber_id);
    expect(await audit(town.keys.reseller)).toEqual(ofReseller);
    expect(await audit(town.keys.subscriber)).toEqual(ofSubscriber);
    expect((await panel.ask('GET', '/api/v1/audit?limit=500')).body.items).toEqual(ofSubscriber);
    expect(ofSubscriber[0]).toMatchObject({ object_type: 'lines', after: { name: 'Do painel' } });
    expect(ofSubscriber.length).toBeLessThan(ofReseller.length);
    expect(ofReseller.length).toBeLessThan(all.length);
    const stranger = await api().key({ role: 'RESELLER', reseller_id: town.stranger.reseller_id });
    const theirs = await audit(stranger);
    expect(theirs.length).toBeGreaterThan(0);
    expect(theirs.every(({ reseller_id }) => reseller_id === town.stranger.reseller_id)).toBe(true);
  });

  test('holds no secret, as JSON and as CSV, and neither does the log', async () => {
    const { rows } = await api().database.pool.query<{ secret: string }>(`
      select password_hash as secret from users
      union select totp_sealed from users where totp_sealed is not null
      union select sip_ha1 from lines
      union select encode(key_sha256, 'hex') from api_keys
      union select encode(token_sha256, 'hex') from asterisk_servers`);
    const hidden = [...rows.map(({ secret }) => secret), ...secrets, ...Object.values(town.keys), '$argon2'];
    const json = await api().ask(town.keys.master, 'GET', '/api/v1/audit?limit=500');
    const csv = await api().ask(town.keys.master, 'GET', '/api/v1/audit', {
      headers: { accept: 'text/csv' },
    });
    expect(csv.headers['content-type']).toContain('text/csv');
    expect(csv.text.match(/\r?\n(?=\d+;)/g)).toHaveLength(json.body.items.length);
    for (const text of [json.text, csv.text]) expect(text).toContain('***');
    for (const text of [json.text, csv.text, api().logged.join('')])
      for (const secret of hidden) expect(text.includes(secret), secret).toBe(false);
    expect(hidden.length).toBeGreaterThan(20);
  });
});
