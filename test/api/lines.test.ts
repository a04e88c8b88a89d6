import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { settleCalls } from '../../src/stores/postgres/settlements.ts';
import { recordOf } from '../stores/postgres/use-tenants.ts';
import { expectStatus, fieldsOf, subscriberBody } from './people.ts';
import { addTown, type Town } from './tenants.ts';
import { type Answer, type Asking, useApi } from './use-api.ts';

const api = useApi();
let town: Town;
let serial = 0;

beforeAll(async () => {
  town = await addTown(api());
});

type Who = keyof Town['keys'];
const LINES = '/api/v1/lines';
const ask = (who: Who, method: string, at: string, asking?: Asking) =>
  api().ask(town.keys[who], method, at, asking);
const fresh = (more: object = {}) => ({
  subscriber_id: town.ours.subscriber_id,
  extension: String(3_000 + ++serial),
  name: 'Recepção',
  area_code: '11',
  ...more,
});
const post = (more: object = {}, who: Who = 'reseller') => ask(who, 'POST', LINES, { body: fresh(more) });
const made = async (more: object = {}) => expectStatus(await post(more), 201).body;
const read = async (at: string) => expectStatus(await ask('reseller', 'GET', at), 200).body;
const edit = async (method: string, at: string, body?: object, who: Who = 'reseller') => {
  const { version } = await read(at);
  return ask(who, method, at, { ...(body ? { body } : {}), headers: { 'if-match': `"${version}"` } });
};
const change = async (id: string, body: object, who?: Who) => edit('PATCH', `${LINES}/${id}`, body, who);
const refused = (answer: Answer) => [answer.status, answer.body.code, ...fieldsOf(answer)];
const subscriber = async (more: object = {}) =>
  expectStatus(
    await ask('reseller', 'POST', '/api/v1/subscribers', {
      body: { ...subscriberBody(town, ++serial), ...more },
    }),
    201,
  ).body.id as string;

describe('extensions', () => {
  // 1001 and its neighbours are no carrier's, and the most usual of all.
  const good = ['10', '99', '200', '1000', '1001', '1029', '1070', '1111', '9110', '19000', '999999'];
  test.each(good)('%s is one', async (extension) => {
    expect((await made({ extension })).extension).toBe(extension);
  });

  const bad = [
    ...['', '1', '0', '01', '0201', '1000000', '12a', ' 201', '2 1', '-20', '2.1', '٢٠١', '201\n'],
    ...['100', '112', '128', '150', '180', '190', '191', '193', '199', '911', '103', '1056', '1060', '10331'],
  ];
  test.each(bad)('%j is none', async (extension) => {
    expect(refused(await post({ extension }))).toEqual([400, 'INVALID_REQUEST', 'extension']);
    const { id } = await made();
    expect(refused(await change(id, { extension }))).toEqual([400, 'INVALID_REQUEST', 'extension']);
  });

  test('each is given once per subscriber, and again by the neighbour', async () => {
    const { extension } = await made();
    const other = await made();
    expect(refused(await post({ extension }))).toEqual([409, 'CONFLICT', 'extension']);
    expect(refused(await change(other.id, { extension }))).toEqual([409, 'CONFLICT', 'extension']);
    expect((await change(other.id, { extension: other.extension })).status).toBe(200);
    await made({ extension, subscriber_id: town.neighbour.subscriber_id });
    const answers = await Promise.all(Array.from({ length: 10 }, () => post({ extension: '7777' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
  });
});

describe('other fields', () => {
  const bad: [string, object][] = [
    ['name', { name: '' }],
    ['name', { name: 'a\tb' }],
    ['name', { name: 'x'.repeat(81) }],
    ['area_code', { area_code: '20' }],
    ['max_concurrent_calls', { max_concurrent_calls: 1_001 }],
    ['max_concurrent_calls', { max_concurrent_calls: -1 }],
    ['max_calls_per_second', { max_calls_per_second: 0 }],
    ['max_call_seconds', { max_call_seconds: 14_401 }],
    ['max_ring_seconds', { max_ring_seconds: 4 }],
    ['allowed_classes.1', { allowed_classes: ['INTERNAL', 'MOON'] }],
    ['sales_plan_id', { sales_plan_id: 'none' }],
    ['caller_id_did_id', { caller_id_did_id: 7 }],
    ['status', { status: 'AWAY' }],
    ['body', { sip_username: 'chosen00' }],
    ['body', { sip_ha1: 'f'.repeat(32) }],
  ];
  test.each(bad)('%s is named for %j', async (field, more) => {
    expect(refused(await post(more))).toEqual([400, 'INVALID_REQUEST', field]);
    expect(refused(await change(town.ours.line_id, more))).toEqual([400, 'INVALID_REQUEST', field]);
  });

  test('what is left out has its default: neither abroad nor premium', async () => {
    const line = await made();
    expect(line).toMatchObject({
      max_concurrent_calls: 1,
      sales_plan_id: null,
      caller_id_did_id: null,
      status: 'ACTIVE',
    });
    expect(line.allowed_classes.sort()).toEqual(
      [
        ...['EMERGENCY', 'FIXED_LDN', 'FIXED_LOCAL', 'INTERNAL', 'MOBILE_LDN', 'MOBILE_LOCAL'],
        ...['PUBLIC_UTILITY', 'SHARED_COST', 'TOLL_FREE'],
      ].sort(),
    );
  });

  test('all of it is changed and read again, and each change is a version', async () => {
    const { id, version } = await made();
    const wanted = {
      extension: '4999',
      name: 'Portaria',
      area_code: '21',
      max_concurrent_calls: 1_000,
      ...{ max_calls_per_second: 100, max_call_seconds: 14_400, max_ring_seconds: 300 },
      allowed_classes: ['INTERNAL', 'INTL_MOBILE', 'PREMIUM'],
      sales_plan_id: town.neighbour.sales_plan_id,
      caller_id_did_id: town.ours.did_id,
      status: 'BLOCKED',
    };
    const answer = expectStatus(await change(id, wanted), 200);
    expect(answer.body).toMatchObject({ ...wanted, version: version + 1 });
    expect(answer.headers.etag).toBe(`"${version + 1}"`);
    expect(await read(`${LINES}/${id}`)).toEqual(answer.body);
    const back = { sales_plan_id: null, caller_id_did_id: null, status: 'ACTIVE', allowed_classes: [] };
    expect((await change(id, back)).body).toMatchObject(back);
    expect((await change(id, {})).body.version).toBe(version + 2);
  });

  test('a plan of its own may be any of the same reseller, and of no other', async () => {
    const { sales_plan_id } = town.stranger;
    expect(refused(await post({ sales_plan_id }))).toEqual([404, 'NOT_FOUND', 'sales_plan_id']);
    expect(refused(await post({ sales_plan_id }, 'master'))).toEqual([404, 'NOT_FOUND', 'sales_plan_id']);
    expect(refused(await change(town.ours.line_id, { sales_plan_id }, 'master'))).toEqual([
      404,
      'NOT_FOUND',
      'sales_plan_id',
    ]);
  });

  test('whose line it is: one’s own subscriber’s', async () => {
    const { subscriber_id } = town.stranger;
    expect(refused(await post({ subscriber_id }))).toEqual([404, 'NOT_FOUND', 'subscriber_id']);
    expectStatus(await post({ subscriber_id }, 'master'), 201);
    expect((await post({}, 'subscriber')).status).toBe(404);
    expect(refused(await change(town.ours.line_id, { subscriber_id: town.neighbour.subscriber_id }))).toEqual(
      [400, 'INVALID_REQUEST', 'body'],
    );
  });
});

describe('the SIP account', () => {
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const stored = async (id: string) =>
    (await api().database.pool.query('select sip_username, sip_ha1 from lines where id = $1', [id])).rows[0];

  test('is a name nobody guesses and a password told once, kept as a digest', async () => {
    const line = await made();
    expect(line).toMatchObject({
      sip_username: expect.stringMatching(/^[a-z2-9]{12}$/),
      sip_password: expect.stringMatching(/^[\w-]{24}$/),
      sip_realm: 'pabx',
    });
    const ha1 = md5(`${line.sip_username}:pabx:${line.sip_password}`);
    expect(await stored(line.id)).toEqual({ sip_username: line.sip_username, sip_ha1: ha1 });
    const replies = [
      `${LINES}/${line.id}`,
      LINES,
      `${LINES}?q=${line.sip_username}`,
      `/api/v1/audit?object_id=${line.id}`,
    ];
    for (const at of replies) {
      for (const accept of ['application/json', 'text/csv']) {
        const { text } = await ask('master', 'GET', at, { headers: { accept } });
        expect(text, at).toContain(line.sip_username);
        for (const secret of [line.sip_password, ha1, 'sip_password'])
          expect(text.includes(secret), at).toBe(false);
      }
    }
  });

  test('gets another password, which is told once too', async () => {
    const line = await made();
    const answer = expectStatus(await ask('reseller', 'POST', `${LINES}/${line.id}/password`), 200);
    const { sip_username, sip_password, version } = answer.body;
    expect([sip_username, version]).toEqual([line.sip_username, line.version + 1]);
    expect(sip_password).not.toBe(line.sip_password);
    expect((await stored(line.id)).sip_ha1).toBe(md5(`${sip_username}:pabx:${sip_password}`));
    expect((await read(`${LINES}/${line.id}`)).version).toBe(version);
    expect((await ask('reseller', 'POST', `${LINES}/${town.stranger.line_id}/password`)).status).toBe(404);
    expectStatus(await ask('subscriber', 'POST', `${LINES}/${line.id}/password`), 200);
  });

  test('all names differ', async () => {
    const { rows } = await api().database.pool.query('select sip_username from lines');
    expect(rows.length).toBeGreaterThan(30);
    expect(new Set(rows.map((row) => row.sip_username)).size).toBe(rows.length);
  });
});

describe('quotas', () => {
  const ten = (subscriber_id: string) =>
    Promise.all(Array.from({ length: 10 }, () => post({ subscriber_id })));
  const tally = (answers: readonly Answer[]) => answers.map(({ status, body }) => body.code ?? status).sort();
  const exactly = (made: number, refusals: number) => [
    ...Array(made).fill(201),
    ...Array(refusals).fill('QUOTA_REACHED'),
  ];

  test('of a subscriber are exact when ten come at once', async () => {
    const id = await subscriber({ max_lines: 4 });
    expect(tally(await ten(id))).toEqual(exactly(4, 6));
    expect((await read(`/api/v1/subscribers/${id}`)).lines).toBe(4);
    expectStatus(await edit('PATCH', `/api/v1/subscribers/${id}`, { max_lines: 5 }), 200);
    expect(tally(await ten(id))).toEqual(exactly(1, 9));
  });

  test('an INACTIVE line gives its place away and takes one to come back', async () => {
    const id = await subscriber({ max_lines: 1 });
    const line = await made({ subscriber_id: id });
    expect((await post({ subscriber_id: id })).body.code).toBe('QUOTA_REACHED');
    expectStatus(await change(line.id, { status: 'INACTIVE' }), 200);
    const next = await made({ subscriber_id: id });
    expect((await change(line.id, { status: 'ACTIVE' })).body.code).toBe('QUOTA_REACHED');
    await made({ subscriber_id: id, status: 'INACTIVE' });
    expectStatus(await change(next.id, { status: 'INACTIVE' }), 200);
    const back = await Promise.all([line, next].map(({ id }) => change(id, { status: 'ACTIVE' })));
    expect(back.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('of a reseller are exact over all its subscribers', async () => {
    const [one, two] = [await subscriber(), await subscriber()];
    const at = `/api/v1/resellers/${town.ours.reseller_id}`;
    const quota = async (max_lines: number | null) => {
      const { version } = await read(at);
      return expectStatus(
        await ask('master', 'PATCH', at, { body: { max_lines }, headers: { 'if-match': `"${version}"` } }),
        200,
      );
    };
    const { rows } = await api().database.pool.query(
      `select count(*) from lines l join subscribers s on s.id = l.subscriber_id
       where s.reseller_id = $1 and l.status <> 'INACTIVE'`,
      [town.ours.reseller_id],
    );
    await quota(Number(rows[0].count) + 3);
    const answers = (await Promise.all([ten(one), ten(two)])).flat();
    expect(tally(answers)).toEqual(exactly(3, 17));
    await quota(null);
  });
});

describe('caller ID and numbers', () => {
  const number = (id: string) => `/api/v1/numbers/${id}`;
  const added = async (more: object) => {
    const body = { number: `+55114000${String(1_000 + ++serial)}`, ...more };
    return expectStatus(await ask('reseller', 'POST', '/api/v1/numbers', { body }), 201).body.id as string;
  };

  test('is a number of the very subscriber', async () => {
    const stock = await added({});
    for (const caller_id_did_id of [
      town.neighbour.did_id,
      town.stranger.did_id,
      stock,
      crypto.randomUUID(),
    ]) {
      const expected = [404, 'NOT_FOUND', 'caller_id_did_id'];
      for (const who of ['master', 'reseller'] as const)
        expect(refused(await post({ caller_id_did_id }, who))).toEqual(expected);
      expect(refused(await change(town.ours.line_id, { caller_id_did_id }))).toEqual(expected);
      expect(refused(await change(town.ours.line_id, { caller_id_did_id }, 'subscriber'))).toEqual(expected);
    }
    expect((await made({ caller_id_did_id: town.ours.did_id })).caller_id_did_id).toBe(town.ours.did_id);
  });

  test('keeps its number from moving away and from being deleted', async () => {
    const { subscriber_id } = town.ours;
    const did = await added({ subscriber_id });
    const line = await made({ caller_id_did_id: did });
    for (const to of [null, town.neighbour.subscriber_id])
      expect(refused(await edit('PATCH', number(did), { subscriber_id: to }))).toEqual([409, 'CONFLICT']);
    expect(refused(await edit('DELETE', number(did)))).toEqual([409, 'CONFLICT']);
    expectStatus(await change(line.id, { caller_id_did_id: null }), 200);
    expectStatus(await edit('PATCH', number(did), { subscriber_id: town.neighbour.subscriber_id }), 200);
    expectStatus(await edit('DELETE', number(did)), 204);
  });

  test('a number rings at a line of its subscriber, and forgets it when it moves', async () => {
    const { subscriber_id } = town.ours;
    const line = await made();
    const did = await added({ subscriber_id, target_line_id: line.id });
    const elsewhere = await edit('PATCH', number(did), { target_line_id: town.neighbour.line_id });
    expect(refused(elsewhere)).toEqual([404, 'NOT_FOUND', 'target_line_id']);
    expect(refused(await edit('DELETE', `${LINES}/${line.id}`))).toEqual([409, 'CONFLICT']);
    const moved = await edit('PATCH', number(did), { subscriber_id: town.neighbour.subscriber_id });
    expect(expectStatus(moved, 200).body.target_line_id).toBeNull();
    const back = await edit('PATCH', number(did), { subscriber_id, target_line_id: line.id });
    expect(expectStatus(back, 200).body).toMatchObject({ subscriber_id, target_line_id: line.id });
    const stock = await edit('PATCH', number(did), { subscriber_id: null, target_line_id: line.id });
    expect(refused(stock)).toEqual([400, 'INVALID_REQUEST', 'target_line_id']);
    expect((await edit('PATCH', number(did), { subscriber_id: null })).body.target_line_id).toBeNull();
    expect((await edit('PATCH', number(did), { subscriber_id: town.stranger.subscriber_id })).status).toBe(
      404,
    );
  });
});

describe('the end of a line', () => {
  test('one that never called is deleted, at the version that was read', async () => {
    const { id, version } = await made();
    const at = `${LINES}/${id}`;
    expect((await ask('reseller', 'DELETE', at)).status).toBe(428);
    expect(
      (await ask('reseller', 'DELETE', at, { headers: { 'if-match': `"${version + 1}"` } })).status,
    ).toBe(412);
    expect((await edit('DELETE', at, undefined, 'subscriber')).status).toBe(404);
    expectStatus(await edit('DELETE', at), 204);
    expect((await ask('reseller', 'GET', at)).status).toBe(404);
  });

  test('one with calls keeps them, and is set INACTIVE', async () => {
    const { id } = await made();
    const { reseller_id, subscriber_id, sales_plan_id } = town.ours;
    const owner = {
      server_id: town.server_id,
      reseller_id,
      subscriber_id,
      sales_plan_id,
      line_id: id,
      username: '',
    };
    await settleCalls(api().database.db, [recordOf(owner)]);
    expect(refused(await edit('DELETE', `${LINES}/${id}`))).toEqual([409, 'CONFLICT']);
    expectStatus(await change(id, { status: 'INACTIVE' }), 200);
    expect((await read(`/api/v1/calls?line_id=${id}`)).items).toHaveLength(1);
  });

  test('the subscriber does not bring back what its reseller ended', async () => {
    const { id } = await made({ status: 'INACTIVE' });
    expect(refused(await change(id, { status: 'ACTIVE' }, 'subscriber'))).toEqual([
      403,
      'FIELD_NOT_PERMITTED',
      'status',
    ]);
    expectStatus(await change(id, { status: 'ACTIVE' }), 200);
  });
});
