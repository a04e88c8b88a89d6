import { beforeAll, describe, expect, test } from 'vitest';
import { cpf, expectStatus, fieldsOf } from './people.ts';
import { addTown, type Town } from './tenants.ts';
import { type Answer, type Asking, useApi } from './use-api.ts';

const api = useApi();
let town: Town;

beforeAll(async () => {
  town = await addTown(api());
});

type Who = keyof Town['keys'];
const V1 = '/api/v1';
const ask = (who: Who, method: string, at: string, asking?: Asking) =>
  api().ask(town.keys[who], method, `${V1}${at}`, asking);
const read = async (at: string) => expectStatus(await ask('master', 'GET', at), 200).body;
const made = async (at: string, body: object, who: Who = 'reseller') =>
  expectStatus(await ask(who, 'POST', at, { body }), 201).body;
const edit = async (method: string, at: string, body?: object, who: Who = 'master') => {
  const { version } = await read(at);
  return ask(who, method, at, { ...(body ? { body } : {}), headers: { 'if-match': `"${version}"` } });
};
const refused = (answer: Answer) => [answer.status, answer.body.code, ...fieldsOf(answer)];
const audit = async (object_id: string) =>
  (await read(`/audit?limit=500&sort=id&object_id=${object_id}`)).items as {
    action: string;
    object_type: string;
    before: Record<string, unknown> | null;
    after: Record<string, unknown> | null;
  }[];

const RATE = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
const rate = (call_class: string, price_micros_per_minute: string) => ({
  call_class,
  price_micros_per_minute,
  ...RATE,
});

interface Resource {
  readonly at: string;
  readonly who: Who;
  readonly body: () => object;
  readonly change: object;
  /** Bodies that are refused, by the field that is named. */
  readonly bad: readonly [field: string, body: object][];
  /** What is the same in another one: refused, by the field that is named. */
  readonly once: string | null;
  /** One that is in use, as the town has it. */
  readonly used: () => string;
}

const RESOURCES: Record<string, Resource> = {
  resellers: {
    at: '/resellers',
    who: 'master',
    body: () => ({ name: 'Revenda Três', max_concurrent_calls: 5 }),
    change: {
      name: 'Revenda 3',
      legal_name: 'Três Ltda',
      document: cpf(3),
      email: 'tres@example.com',
      phone: '+551130000000',
      status: 'SUSPENDED',
      max_concurrent_calls: 0,
      max_subscribers: 0,
      max_lines: 1_000_000,
      credit_limit_micros: '100000000000000',
    },
    bad: [
      ['name', { name: '' }],
      ['document', { document: '123' }],
      ['email', { email: 'no' }],
      ['phone', { phone: '1130000000' }],
      ['max_subscribers', { max_subscribers: -1 }],
      ['max_lines', { max_lines: 1_000_001 }],
      ['max_concurrent_calls', { max_concurrent_calls: 1.5 }],
      ['credit_limit_micros', { credit_limit_micros: '-1' }],
      ['cost_plan_id', { cost_plan_id: 'none' }],
    ],
    once: null,
    used: () => town.ours.reseller_id,
  },
  servers: {
    at: '/servers',
    who: 'master',
    body: () => ({ name: 'sp2', ari_url: 'http://10.0.0.5:8088', ami_host: '10.0.0.5', ami_port: 5038 }),
    change: { ari_url: 'https://[fd00::5]:8089', ami_host: 'sp2.example.com', ami_port: 1 },
    bad: [
      ['ari_url', { ari_url: 'http://user:pass@10.0.0.5' }],
      ['ari_url', { ari_url: 'http://10.0.0.5/ari' }],
      ['ari_url', { ari_url: 'http://10.0.0.5:65536' }],
      ['ami_host', { ami_host: 'a b' }],
      ['ami_host', { ami_host: 'x\nsecret=1' }],
      ['ami_port', { ami_port: 0 }],
    ],
    once: 'name',
    used: () => town.server_id,
  },
  trunks: {
    at: '/trunks',
    who: 'master',
    body: () => ({
      server_id: town.server_id,
      code: 'trunk2',
      name: 'Reserva',
      host: 'sip.example.com',
      max_concurrent_calls: 30,
    }),
    change: {
      name: 'Outra',
      host: '192.0.2.1',
      port: 5080,
      max_concurrent_calls: 0,
      reserved_in: 100_000,
      priority: 1_000,
      status: 'INACTIVE',
    },
    bad: [
      ['host', { host: 'sip.example.com;x' }],
      ['port', { port: 65_536 }],
      ['priority', { priority: 0 }],
      ['max_concurrent_calls', { max_concurrent_calls: 100_001 }],
      ['status', { status: 'SUSPENDED' }],
    ],
    once: 'code',
    used: () => '',
  },
  'sales-plans': {
    at: '/sales-plans',
    who: 'reseller',
    body: () => ({
      name: 'Plano Novo',
      rates: [rate('FIXED_LOCAL', '0'), rate('MOBILE_LOCAL', '1000000000')],
    }),
    change: {
      name: 'Plano Velho',
      status: 'INACTIVE',
      prices_include_taxes: false,
      rates: [rate('PREMIUM', '1')],
    },
    bad: [
      ['name', { name: ' ' }],
      ['rates.0.call_class', { rates: [rate('EMERGENCY', '1')] }],
      ['rates.0.price_micros_per_minute', { rates: [rate('PREMIUM', '1000000001')] }],
      ['rates.0.price_micros_per_minute', { rates: [rate('PREMIUM', '-1')] }],
      ['rates.0.initial_seconds', { rates: [{ ...rate('PREMIUM', '1'), initial_seconds: 0 }] }],
      ['rates', { rates: [rate('PREMIUM', '1'), rate('PREMIUM', '2')] }],
    ],
    once: 'name',
    used: () => town.ours.sales_plan_id,
  },
  'cost-plans': {
    at: '/cost-plans',
    who: 'master',
    body: () => ({ name: 'Custo Novo', rates: [rate('FIXED_LOCAL', '0'), rate('INTL_SPECIAL', '1')] }),
    change: { name: 'Custo Velho', status: 'INACTIVE', rates: [] },
    bad: [
      ['name', { name: '' }],
      ['status', { status: 'SUSPENDED' }],
      ['rates.0.call_class', { rates: [rate('TOLL_FREE', '1')] }],
      ['rates', { rates: [rate('PREMIUM', '1'), rate('PREMIUM', '2')] }],
    ],
    once: 'name',
    used: () => town.ours.cost_plan_id,
  },
  'minute-bundles': {
    at: '/minute-bundles',
    who: 'reseller',
    body: () => ({ name: 'Cem minutos', included_seconds: 6_000, monthly_price_micros: '49900000' }),
    change: { name: 'Mil minutos', included_seconds: 60_000, monthly_price_micros: '0' },
    bad: [
      ['included_seconds', { included_seconds: 61 }],
      ['included_seconds', { included_seconds: 0 }],
      ['monthly_price_micros', { monthly_price_micros: '-1' }],
      ['monthly_price_micros', { monthly_price_micros: '100000000000001' }],
    ],
    once: 'name',
    used: () => town.ours.minute_bundle_id,
  },
  'permission-profiles': {
    at: '/permission-profiles',
    who: 'reseller',
    body: () => ({ name: 'Só olhar', permissions: { 'line.status': { level: 'READ' } } }),
    change: {
      name: 'Quase tudo',
      permissions: { 'line.max_concurrent_calls': { level: 'WRITE', within: { min: 1, total_max: 9 } } },
    },
    bad: [
      ['permissions.call.cost', { permissions: { 'call.cost': { level: 'WRITE' } } }],
      ['permissions.line.name', { permissions: { 'line.name': { level: 'WRITE', within: { max: 1 } } } }],
      [
        'permissions.subscriber.due_day',
        { permissions: { 'subscriber.due_day': { level: 'WRITE', within: { min: 2, max: 1 } } } },
      ],
      [
        'permissions.subscriber.due_day',
        { permissions: { 'subscriber.due_day': { level: 'READ', within: { max: 1 } } } },
      ],
      [
        'permissions.subscriber.due_day.within.min',
        { permissions: { 'subscriber.due_day': { level: 'WRITE', within: { min: -1 } } } },
      ],
      ['permissions', { permissions: { 'line.nothing': { level: 'READ' } } }],
    ],
    once: 'name',
    used: () => town.ours.permission_profile_id,
  },
  numbers: {
    at: '/numbers',
    who: 'reseller',
    body: () => ({ number: '+551150001234', max_concurrent_calls: 9, max_concurrent_in: 0 }),
    change: { status: 'INACTIVE', max_concurrent_calls: null, max_concurrent_out: 10_000 },
    bad: [
      ['status', { status: 'GONE' }],
      ['max_concurrent_in', { max_concurrent_in: -1 }],
      ['max_concurrent_out', { max_concurrent_out: 10_001 }],
    ],
    once: 'number',
    used: () => '',
  },
};

describe.each(Object.entries(RESOURCES))('%s', (_, { at, who, body, change, bad, once, used }) => {
  test('are made, listed, read, changed and deleted', async () => {
    const created = await made(at, body(), who);
    expect(created).toMatchObject(body());
    const { id } = created;
    const one = await read(`${at}/${id}`);
    expect(created).toMatchObject(one);
    expect((await read(`${at}?limit=500`)).items).toContainEqual(one);
    if (once) expect(refused(await ask(who, 'POST', at, { body: body() }))).toEqual([409, 'CONFLICT', once]);
    for (const [field, value] of Object.entries(change)) {
      const before = await read(`${at}/${id}`);
      const answer = expectStatus(await edit('PATCH', `${at}/${id}`, { [field]: value }, who), 200);
      // New prices are a version of their own.
      const since =
        field === 'rates' ? { version_id: expect.any(String), valid_from: expect.any(String) } : {};
      expect(answer.body).toEqual({ ...before, ...since, [field]: value, version: before.version + 1 });
    }
    expect((await edit('PATCH', `${at}/${id}`, {}, who)).body).toEqual(await read(`${at}/${id}`));
    expect((await ask(who, 'DELETE', `${at}/${id}`, { headers: { 'if-match': '"1"' } })).status).toBe(412);
    expectStatus(await edit('DELETE', `${at}/${id}`, undefined, who), 204);
    expect((await ask(who, 'GET', `${at}/${id}`)).status).toBe(404);
    expect((await audit(id)).map(({ action }) => action)).toEqual([
      'INSERT',
      ...Object.keys(change)
        .filter((key) => key !== 'rates')
        .map(() => 'UPDATE'),
      'DELETE',
    ]);
  });

  test('name what is wrong in them', async () => {
    for (const [field, more] of bad) {
      expect(
        refused(await ask(who, 'POST', at, { body: { ...body(), ...more } })),
        JSON.stringify(more),
      ).toEqual([400, 'INVALID_REQUEST', field]);
    }
  });

  test('stay while something needs them', async () => {
    const id = used();
    if (id === '') return;
    expect(refused(await edit('DELETE', `${at}/${id}`, undefined, who))).toEqual([409, 'CONFLICT']);
  });
});

describe('resellers', () => {
  test('keep to what is theirs: none makes another, each finds itself', async () => {
    const body = { name: 'Mais uma', max_concurrent_calls: 1 };
    expect((await ask('reseller', 'POST', '/resellers', { body })).status).toBe(404);
    expect(
      (await edit('PATCH', `/resellers/${town.ours.reseller_id}`, { max_lines: null }, 'reseller')).status,
    ).toBe(404);
    const { items } = expectStatus(await ask('reseller', 'GET', '/resellers'), 200).body;
    expect(items).toMatchObject([{ id: town.ours.reseller_id, subscribers: 2, lines: 2 }]);
  });

  test('names are one per reseller, and the other’s again', async () => {
    const { reseller_id } = town.stranger;
    const plan = { name: 'Mesmo nome', rates: [] };
    await made('/sales-plans', plan);
    await made('/sales-plans', { ...plan, reseller_id }, 'master');
    expect(refused(await ask('master', 'POST', '/sales-plans', { body: plan }))).toEqual([
      400,
      'INVALID_REQUEST',
      'reseller_id',
    ]);
    expect(
      refused(await ask('reseller', 'POST', '/sales-plans', { body: { ...plan, reseller_id } })),
    ).toEqual([404, 'NOT_FOUND', 'reseller_id']);
  });

  test('a document may be a CPF or a CNPJ, masked', async () => {
    const body = { max_concurrent_calls: 1, name: 'Com documento', document: '45.997.418/0001-53' };
    expect((await made('/resellers', body, 'master')).document).toBe('45997418000153');
    expect((await made('/resellers', { ...body, document: '529.982.247-25' }, 'master')).document).toBe(
      '52998224725',
    );
  });
});

describe('a server’s token', () => {
  const revision = (token: string) => api().ask(token, 'GET', '/provisioning/v1/revision');

  test('is told once; a renewed one pulls the configuration, the old one nothing', async () => {
    const body = { name: 'sp3', ari_url: 'http://10.0.0.6:8088', ami_host: '10.0.0.6', ami_port: 5038 };
    const { id, token } = await made('/servers', body, 'master');
    // Its configuration is not rendered here; nobody else gets as far as being told so.
    expect(refused(await revision(token))).toEqual([503, 'UNAVAILABLE']);
    const renewed = expectStatus(await ask('master', 'POST', `/servers/${id}/token`), 201).body.token;
    expect(renewed).not.toBe(token);
    expect(refused(await revision(renewed))).toEqual([503, 'UNAVAILABLE']);
    for (const other of [token, town.keys.master, 'x'])
      expect(refused(await revision(other))).toEqual([401, 'UNAUTHENTICATED']);
    const told = JSON.stringify([await read(`/servers/${id}`), await read('/servers'), await audit(id)]);
    for (const secret of [token, renewed]) expect(told.includes(secret)).toBe(false);
    expect((await ask('master', 'POST', `/servers/${crypto.randomUUID()}/token`)).status).toBe(404);
  });
});

describe('users and keys', () => {
  test('a user name that is taken is named as the form names it', async () => {
    const body = { username: 'Taken.Twice', name: 'Um' };
    expect((await made('/users', body)).username).toBe('taken.twice');
    expect(refused(await ask('master', 'POST', '/users', { body }))).toEqual([409, 'CONFLICT', 'username']);
    expect((await read('/usernames/taken.twice')).free).toBe(false);
    expect((await read('/usernames/not.taken')).free).toBe(true);
    const weak = await ask('reseller', 'POST', '/users', {
      body: { username: 'weak.two', name: 'x', password: 'short' },
    });
    expect(refused(weak)).toEqual([400, 'INVALID_REQUEST', 'password']);
  });

  test('a key works until it is revoked, within its scopes, and is told once', async () => {
    const body = { name: 'Robô', scopes: ['READ', 'READ'], expires_at: null };
    const { id, key, scopes } = await made('/api-keys', body);
    expect(scopes).toEqual(['READ']);
    const plan = { name: `Plano do robô`, rates: [] };
    expectStatus(await api().ask(key, 'GET', `${V1}/sales-plans`), 200);
    expect(refused(await api().ask(key, 'POST', `${V1}/sales-plans`, { body: plan }))).toEqual([
      403,
      'FORBIDDEN',
    ]);
    const [listed] = (await read(`/api-keys?q=rob&limit=500`)).items;
    expect(listed).toMatchObject({
      id,
      revoked_at: null,
      shown_prefix: key.slice(0, listed.shown_prefix.length),
    });
    expect(JSON.stringify(listed).includes(key)).toBe(false);
    expectStatus(await ask('reseller', 'DELETE', `/api-keys/${id}`), 204);
    expect((await api().ask(key, 'GET', `${V1}/sales-plans`)).status).toBe(401);
    expect((await read('/api-keys?usable=false')).items.map((one: { id: string }) => one.id)).toContain(id);
  });

  const days = (n: number) => new Date(Date.now() + n * 86_400_000).toISOString();
  const wrong: [string, () => object, (string | number)[]][] = [
    ['no scope', () => ({ scopes: [] }), [400, 'INVALID_REQUEST', 'scopes']],
    ['an unknown scope', () => ({ scopes: ['ROOT'] }), [400, 'INVALID_REQUEST', 'scopes.0']],
    ['the past', () => ({ expires_at: days(-1) }), [400, 'INVALID_REQUEST', 'expires_at']],
    ['too far ahead', () => ({ expires_at: days(732) }), [400, 'INVALID_REQUEST', 'expires_at']],
    [
      'another reseller',
      () => ({ reseller_id: town.stranger.reseller_id }),
      [404, 'NOT_FOUND', 'reseller_id'],
    ],
    [
      'another’s subscriber',
      () => ({ subscriber_id: town.stranger.subscriber_id }),
      [404, 'NOT_FOUND', 'subscriber_id'],
    ],
  ];
  test.each(wrong)('no key for %s', async (_, more, expected) => {
    const body = { name: 'x', scopes: ['READ'], expires_at: days(1), ...more() };
    expect(refused(await ask('reseller', 'POST', '/api-keys', { body }))).toEqual(expected);
  });

  test('a key makes no key that may do more', async () => {
    const small = await api().key({ role: 'RESELLER', reseller_id: town.ours.reseller_id }, [
      'READ',
      'WRITE',
    ]);
    const body = { name: 'x', scopes: ['READ', 'MONEY'], expires_at: null };
    expect(refused(await api().ask(small, 'POST', `${V1}/api-keys`, { body }))).toEqual([
      403,
      'FORBIDDEN',
      'scopes',
    ]);
  });
});
