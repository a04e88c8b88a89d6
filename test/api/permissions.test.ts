import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PANEL_FIELD_FACTS, type PanelField, type PermissionSet } from '../../src/domain/permissions.ts';
import { settleCalls } from '../../src/stores/postgres/settlements.ts';
import { recordOf } from '../stores/postgres/use-tenants.ts';
import { cnpj, expectStatus, fieldsOf } from './people.ts';
import { addTown, EVERYTHING, type Town } from './tenants.ts';
import { type Answer, type Asking, useApi } from './use-api.ts';

const api = useApi();
let town: Town;
let second: string;
let url: Record<'subscriber' | 'line' | 'number', string>;

beforeAll(async () => {
  town = await addTown(api());
  const { subscriber_id, line_id, did_id } = town.ours;
  url = {
    subscriber: `/api/v1/subscribers/${subscriber_id}`,
    line: `/api/v1/lines/${line_id}`,
    number: `/api/v1/numbers/${did_id}`,
  };
  const body = { subscriber_id, extension: '202', name: 'Ramal dois', area_code: '11' };
  second = expectStatus(await ask('reseller', 'POST', '/api/v1/lines', { body }), 201).body.id;
});

const ask = (who: keyof Town['keys'], method: string, at: string, asking?: Asking) =>
  api().ask(town.keys[who], method, at, asking);
const get = async (at: string) => expectStatus(await ask('subscriber', 'GET', at), 200).body;
const asCsv = async (at: string) =>
  expectStatus(await ask('subscriber', 'GET', at, { headers: { accept: 'text/csv' } }), 200).text;
const patch = async (at: string, body: object, who: keyof Town['keys'] = 'subscriber') => {
  const { version } = (await ask('reseller', 'GET', at)).body;
  return ask(who, 'PATCH', at, { body, headers: { 'if-match': `"${version}"` } });
};
const refused = (answer: Answer) => [answer.status, answer.body.code, ...fieldsOf(answer).sort()];
/** What the subscriber itself decides; its profile grants everything that can be. */
const own = async (permissions: PermissionSet) =>
  expectStatus(await patch(url.subscriber, { permissions }, 'reseller'), 200);
const all = (level: 'HIDDEN' | 'READ' | 'WRITE') =>
  Object.fromEntries(
    Object.entries(PANEL_FIELD_FACTS)
      .filter(([, { levels }]) => (levels as readonly string[]).includes(level))
      .map(([name]) => [name, { level }]),
  ) as PermissionSet;

beforeEach(() => own({}));

type Resource = 'subscriber' | 'line' | 'number';
const LISTS: Record<Resource, string> = {
  subscriber: '/api/v1/subscribers',
  line: '/api/v1/lines',
  number: '/api/v1/numbers',
};
/** Fields of records that can be hidden, with the keys that vanish. */
const hideable = (Object.keys(PANEL_FIELD_FACTS) as PanelField[])
  .filter((name) => /^(subscriber|line|number)\./.test(name))
  .filter((name) => (PANEL_FIELD_FACTS[name].levels as readonly string[]).includes('HIDDEN'))
  .map((name) => [name, name.split('.')[0] as Resource, PANEL_FIELD_FACTS[name].keys] as const);

describe('a hidden field', () => {
  test.each(hideable)('%s of a %s is in no reply', async (name, resource, keys) => {
    const told = async () => {
      const list = (await get(LISTS[resource])).items[0];
      const [header = ''] = (await asCsv(LISTS[resource])).split('\n');
      const columns = header.replace('\uFEFF', '').split(';');
      return { one: await get(url[resource]), list, columns };
    };
    const column = (key: string) => key.replace(/_micros$/, '_brl');
    const shown = await told();
    await own({ [name]: { level: 'HIDDEN' } });
    const masked = await told();
    // A password is shown by nobody; contacts and the like are in no list.
    const real = keys.filter((key) => key !== 'sip_password');
    for (const key of real) {
      expect(key in shown.one, `${key} was there`).toBe(true);
      expect(key in masked.one || key in masked.list || masked.columns.includes(column(key)), key).toBe(
        false,
      );
      expect(masked.one.can.write).not.toContain(key);
    }
    const gone = Object.keys(shown.one).filter((key) => !(key in masked.one));
    expect(gone.sort()).toEqual([...real].sort());
    expect(shown.columns.filter((name) => !masked.columns.includes(name)).length).toBe(
      real.filter((key) => key in shown.list).length,
    );
  });

  test('is found by no search and no filter', async () => {
    const { document, billing_mode } = await get(url.subscriber);
    const { sip_username, status } = await get(url.line);
    await own({ 'line.status': { level: 'READ' } });
    const seen = async (at: string) => {
      const answer = await ask('subscriber', 'GET', at);
      return answer.status === 404 ? 'no such filter' : answer.body.items.length;
    };
    const tries = [
      [`${LISTS.subscriber}?q=${document}`, 'subscriber.document', 0],
      [`${LISTS.subscriber}?billing_mode=${billing_mode}`, 'subscriber.billing_mode', 'no such filter'],
      [`${LISTS.line}?q=${sip_username}`, 'line.sip_username', 0],
      [`${LISTS.line}?status=${status}&q=201`, 'line.status', 'no such filter'],
      ['/api/v1/sales-plans', 'subscriber.sales_plan', 0],
      ['/api/v1/minute-bundles', 'subscriber.bundles', 0],
    ] as const;
    for (const [at, field, found] of tries) {
      await own({});
      expect(await seen(at), at).toBe(1);
      await own({ [field]: { level: 'HIDDEN' } });
      expect(await seen(at), at).toBe(found);
    }
  });

  test('is refused in a change, guessed right or not, and in the words for what is not there', async () => {
    const { document } = await get(url.subscriber);
    await own({ 'subscriber.document': { level: 'HIDDEN' } });
    for (const guess of [document, cnpj(5)]) {
      const answer = await patch(url.subscriber, { document: guess });
      expect(answer.body.errors).toEqual([{ field: 'document', message: 'is not there for you' }]);
    }
  });
});

/** A change of each key that its rules let through, and that differs from what is there. */
const CHANGES: Record<Resource, Record<string, unknown>> = {
  subscriber: {
    name: 'Nome novo',
    legal_name: 'Razão nova',
    document: cnpj(6),
    state_registration: '1',
    municipal_registration: '2',
    rg: '3',
    contacts: [{ name: 'Novo', email: 'novo@example.com' }],
    postal_code: '20040002',
    street: 'Rua A',
    street_number: '7',
    complement: 'fundos',
    district: 'Centro',
    city: 'Rio de Janeiro',
    state: 'RJ',
    ibge_code: '3304557',
    ...{ area_code: '21', billing_mode: 'PREPAID', sales_plan_id: null, due_day: 3 },
    ...{ balance_alert_micros: '123', credit_limit_micros: '456' },
    ...{ intl_dialing: 'AUTO', auto_ninth_digit: false, internal_calls_take_slots: false },
    ...{ warn_seconds: 30, switch_tone: true },
    ...{ reserved_in: 1, max_calls_per_second: 2, block_after_days: 4, cycle_day: 5 },
    daily_spend_cap_micros: '789',
    ...{ max_concurrent_calls: 6, max_concurrent_in: 7, max_concurrent_out: 8 },
    brake_mode: 'WATCH',
    brake_percent: 200,
    max_lines: 9,
    bundles: [],
    ldn_fixed_uses_local: true,
    ldn_mobile_uses_local: true,
    ...{ person_type: 'INDIVIDUAL', status: 'SUSPENDED', allow_loss_calls: true },
    permission_profile_id: null,
    permissions: { 'line.name': { level: 'READ' } },
  },
  line: {
    ...{ extension: '299', name: 'Outro ramal', area_code: '21', sales_plan_id: null },
    max_concurrent_calls: 4,
    ...{ max_calls_per_second: 5, max_call_seconds: 600, max_ring_seconds: 20 },
    ...{ forward_always: '11987654321', forward_busy: '1133334444', forward_no_answer: '08001234567' },
    ...{ forward_no_answer_seconds: 30, forward_offline: '+5511987654321' },
    ...{ allowed_classes: ['INTERNAL'], caller_id_did_id: null, status: 'SUSPENDED' },
  },
  number: {
    ...{ subscriber_id: null, target_line_id: null, target_group_id: null, status: 'INACTIVE' },
    ...{ max_concurrent_calls: 3, max_concurrent_in: 1, max_concurrent_out: 2 },
  },
};

describe('what `can` tells', () => {
  const levels = ['HIDDEN', 'READ', 'WRITE'] as const;
  const cases = levels.flatMap((level) =>
    (['subscriber', 'line', 'number'] as const).map((resource) => [level, resource] as const),
  );
  test.each(cases)(
    'with everything %s, `can.write` of a %s is exactly what may be changed',
    async (level, resource) => {
      await own(level === 'READ' ? { ...all('READ') } : { ...all('READ'), ...all(level) });
      const change: Record<string, unknown> = {
        ...CHANGES[resource],
        ...(resource === 'line'
          ? { sales_plan_id: town.ours.sales_plan_id, caller_id_did_id: town.ours.did_id }
          : {}),
        ...(resource === 'number'
          ? { target_line_id: second, target_group_id: town.ours.ring_group_id }
          : {}),
        ...(resource === 'subscriber' ? { sales_plan_id: town.stranger.sales_plan_id } : {}),
      };
      const { can } = await get(url[resource]);
      expect(can.write.every((key: string) => key in change)).toBe(true);
      for (const [key, value] of Object.entries(change)) {
        const before = (await ask('reseller', 'GET', url[resource])).body;
        const answer = await patch(url[resource], { [key]: value });
        const after = (await ask('reseller', 'GET', url[resource])).body;
        if (can.write.includes(key)) {
          expect(after[key], `${key}: ${answer.text}`).toEqual(
            key === 'contacts' ? [expect.objectContaining((value as object[])[0])] : value,
          );
          expectStatus(await patch(url[resource], { [key]: before[key] }, 'reseller'), 200);
        } else {
          expect(refused(answer), key).toEqual([403, 'FIELD_NOT_PERMITTED', key]);
          expect(after).toEqual(before);
        }
      }
    },
  );

  test('staff may write all that a change takes, and every action', async () => {
    for (const resource of ['subscriber', 'line', 'number'] as const) {
      const { can } = (await ask('reseller', 'GET', url[resource])).body;
      expect(can.write.sort()).toEqual(Object.keys(CHANGES[resource]).sort());
      expect(can.limits).toEqual({});
    }
    expect((await get(url.line)).can.do).toEqual(['regenerate_password']);
    await own({ 'line.sip_password': { level: 'HIDDEN' } });
    expect((await get(url.line)).can.do).toEqual([]);
    const answer = await ask('subscriber', 'POST', `${url.line}/password`);
    expect(refused(answer)).toEqual([403, 'FIELD_NOT_PERMITTED', 'sip_password']);
  });

  test('several refused fields are named together, and the good ones are not saved', async () => {
    await own({ 'line.area_code': { level: 'READ' }, 'line.status': { level: 'HIDDEN' } });
    const before = await get(url.line);
    const answer = await patch(url.line, { name: 'Não fica', area_code: '21', status: 'BLOCKED' });
    expect(refused(answer)).toEqual([403, 'FIELD_NOT_PERMITTED', 'area_code', 'status']);
    expect(await get(url.line)).toEqual(before);
    const same = await patch(url.line, { name: 'Fica', area_code: before.area_code });
    expect(expectStatus(same, 200).body.name).toBe('Fica');
  });
});

describe('within limits', () => {
  const within = { min: 1, max: 5, total_max: 10 };
  const line = () => `/api/v1/lines/${second}`;
  const calls = (at: string, max_concurrent_calls: number, who: keyof Town['keys'] = 'subscriber') =>
    patch(at, { max_concurrent_calls }, who);
  const start = async (first: number, other: number) => {
    await own({ 'line.max_concurrent_calls': { level: 'WRITE', within } });
    expectStatus(await calls(url.line, first, 'reseller'), 200);
    expectStatus(await calls(line(), other, 'reseller'), 200);
  };

  test('calls per line 1–5 and all lines at most 10, and `can` tells the same', async () => {
    await start(1, 1);
    for (const others of [1, 5, 6, 9, 10, 12]) {
      expectStatus(await calls(line(), others, 'reseller'), 200);
      const { can, max_concurrent_calls: now } = await get(url.line);
      const { min, max, left } = can.limits.max_concurrent_calls;
      expect({ min, max, left }).toEqual({ min: 1, max: 5, left: Math.max(0, 10 - others) });
      expect((await get(LISTS.line)).items.map((item: { can: unknown }) => item.can)[0]).toEqual(can);
      for (const wanted of [0, 1, 2, 4, 5, 6]) {
        const answer = await calls(url.line, wanted);
        const allowed = wanted === now || (wanted >= min && wanted <= max && wanted <= left);
        expect(answer.status, `${wanted} beside ${others}`).toBe(allowed ? 200 : 403);
        if (!allowed) expect(fieldsOf(answer)).toEqual(['max_concurrent_calls']);
        expectStatus(await calls(url.line, now, 'reseller'), 200);
      }
    }
  });

  test('two lines that grow at once do not both take what is left', async () => {
    for (let round = 0; round < 5; round += 1) {
      await start(4, 3);
      await own({ 'line.max_concurrent_calls': { level: 'WRITE', within: { total_max: 8 } } });
      const answers = await Promise.all([calls(url.line, 5), calls(line(), 4)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    }
  });

  test('the words say how much is left', async () => {
    await start(1, 8);
    const [error] = (await calls(url.line, 3)).body.errors;
    expect(error.message).toBe('all lines together may have 10: 2 are left for this one');
    expect((await calls(url.line, 6)).body.errors[0].message).toBe('must be at most 5');
    expect((await calls(url.line, 0)).body.errors[0].message).toBe('must be at least 1');
  });
});

describe('who decides', () => {
  const profile = async (permissions: PermissionSet) =>
    expectStatus(
      await patch(
        `/api/v1/permission-profiles/${town.ours.permission_profile_id}`,
        { permissions },
        'reseller',
      ),
      200,
    );

  test('a profile holds from the next request, and the subscriber’s own set goes before it', async () => {
    await profile({ 'subscriber.due_day': { level: 'HIDDEN' } });
    expect('due_day' in (await get(url.subscriber))).toBe(false);
    await own({ 'subscriber.due_day': { level: 'WRITE', within: { max: 7 } } });
    expect((await get(url.subscriber)).can.limits).toEqual({ due_day: { max: 7 } });
    expectStatus(await patch(url.subscriber, { due_day: 7 }), 200);
    expect((await patch(url.subscriber, { due_day: 8 })).status).toBe(403);
    await own({});
    expect('due_day' in (await get(url.subscriber))).toBe(false);
    expectStatus(await patch(url.subscriber, { permission_profile_id: null }, 'reseller'), 200);
    expect((await get(url.subscriber)).due_day).toBe(7);
    expect((await get(url.subscriber)).can.write, 'the usual access writes nothing here').toEqual([]);
    const { permission_profile_id } = town.ours;
    expectStatus(await patch(url.subscriber, { permission_profile_id }, 'reseller'), 200);
    await profile(EVERYTHING);
  });

  test('the subscriber never sees what is the reseller’s', async () => {
    const said = [
      await get(url.subscriber),
      (await get(LISTS.subscriber)).items[0],
      await asCsv(LISTS.subscriber),
    ];
    for (const key of ['allow_loss_calls', 'permission_profile_id', 'permissions', 'server_id', 'loss'])
      expect(JSON.stringify(said).includes(key), key).toBe(false);
    const profiles = await ask(
      'subscriber',
      'GET',
      `/api/v1/permission-profiles/${town.ours.permission_profile_id}`,
    );
    expect(profiles.status).toBe(404);
  });
});

describe('sections', () => {
  const SECTIONS: [PanelField, string][] = [
    ['section.live_calls', '/api/v1/live-calls'],
    ['section.calls', '/api/v1/calls'],
    ['section.refusals', '/api/v1/refusals'],
    ['section.users', '/api/v1/users'],
    ['section.api_keys', '/api/v1/api-keys'],
    ['section.audit', '/api/v1/audit'],
  ];
  test.each(SECTIONS)('%s that is hidden is not there, as CSV neither', async (name, at) => {
    expectStatus(await ask('subscriber', 'GET', at), 200);
    await own({ [name]: { level: 'HIDDEN' } });
    expect(refused(await ask('subscriber', 'GET', at))).toEqual([404, 'NOT_FOUND']);
    expect((await ask('subscriber', 'GET', at, { headers: { accept: 'text/csv' } })).status).toBe(404);
    expectStatus(await ask('reseller', 'GET', at), 200);
  });

  test('top-ups too', async () => {
    const at = `${url.subscriber}/top-ups`;
    expect((await get(at)).items).toHaveLength(1);
    await own({ 'section.top_ups': { level: 'HIDDEN' } });
    expect((await ask('subscriber', 'GET', at)).status).toBe(404);
  });

  const WRITES: [PanelField, string, object][] = [
    ['section.users', '/api/v1/users', { username: 'one.more', name: 'x' }],
    ['section.api_keys', '/api/v1/api-keys', { name: 'x', scopes: ['READ'], expires_at: null }],
  ];
  test.each(WRITES)('%s: hidden 404, for reading 403, for writing 201', async (name, at, body) => {
    for (const [level, status] of [
      ['HIDDEN', 404],
      ['READ', 403],
      ['WRITE', 201],
    ] as const) {
      await own({ [name]: { level } });
      expect((await ask('subscriber', 'POST', at, { body })).status, level).toBe(status);
    }
  });

  test('number and cost of calls that are hidden are in no record, and in no search', async () => {
    const { db } = api().database;
    const { reseller_id, subscriber_id, line_id, sales_plan_id } = town.ours;
    const owner = { server_id: town.server_id, reseller_id, subscriber_id, line_id };
    const caller = { direction: 'IN', call_class: 'INBOUND', caller_number: '552177776666' } as const;
    const digits = { ...caller, dialled: '01140028922', number: '+551140028922', created_at: new Date() };
    const more = { ...digits, total_micros: 987_654n, price_micros_per_minute: 987_654n };
    const record = recordOf({ ...owner, sales_plan_id, username: '' }, more);
    await settleCalls(db, [record]);
    const refusal = { ...owner, ...digits, call_id: 'r', reason: 'NO_RATE' } as const;
    await db.insertInto('refusals').values(refusal).execute();
    const lists = ['/api/v1/calls', '/api/v1/refusals'];
    const said = async () =>
      JSON.stringify(
        await Promise.all(lists.flatMap((list): Promise<unknown>[] => [get(list), asCsv(list)])),
      );
    const before = await said();
    for (const told of ['40028922', '77776666', '987654', '0,987654', '201']) expect(before).toContain(told);
    for (const found of ['q=40028922', 'q=77776666&direction=IN'])
      expect((await get(`/api/v1/calls?${found}`)).items).toHaveLength(1);
    await own({ 'call.number': { level: 'HIDDEN' }, 'call.cost': { level: 'HIDDEN' } });
    const after = await said();
    for (const told of ['40028922', '77776666', '987654', 'total_', 'dialled', 'number'])
      expect(after.includes(told), told).toBe(false);
    for (const list of ['calls', 'refusals']) {
      expect((await get(`/api/v1/${list}`)).items).toHaveLength(1);
      expect((await get(`/api/v1/${list}?q=40028922`)).items).toHaveLength(0);
    }
  });
});
