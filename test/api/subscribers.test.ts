import { beforeAll, describe, expect, test } from 'vitest';
import { cnpj, cpf, expectStatus, fieldsOf, subscriberDesk } from './people.ts';
import { addTown, type Town } from './tenants.ts';
import { type Answer, useApi } from './use-api.ts';

const api = useApi();
let town: Town;

beforeAll(async () => {
  town = await addTown(api());
});

const { ask, made, patch, post, read, signInAs } = subscriberDesk(api, () => town);
/** How it was refused, and for which fields. */
const refused = (answer: Answer) => [answer.status, answer.body.code, ...fieldsOf(answer)];
const count = async (table: string) =>
  Number((await api().database.pool.query(`select count(*) from ${table}`)).rows[0].count);

describe('all tabs', () => {
  const DADOS = { person_type: 'COMPANY', legal_name: 'Padaria Ltda', state_registration: 'ISENTO' };
  const DADOS_2 = { municipal_registration: '4711', rg: null, status: 'SUSPENDED' };
  const ENDERECO = {
    postal_code: '01001000',
    street: 'Praça da Sé',
    street_number: 's/n',
    complement: 'lado B',
  };
  const ENDERECO_2 = {
    district: 'Sé',
    city: 'São Paulo',
    state: 'SP',
    ibge_code: '3550308',
    area_code: '11',
  };
  const FINANCEIRO = {
    billing_mode: 'POSTPAID',
    credit_limit_micros: '100000000000000',
    balance_alert_micros: '1',
    daily_spend_cap_micros: '0',
    due_day: 31,
    block_after_days: 365,
    cycle_day: 31,
    max_concurrent_calls: 10_000,
    max_concurrent_in: 0,
    max_concurrent_out: 7,
    reserved_in: 3,
    max_calls_per_second: 1_000,
    internal_calls_take_slots: false,
    warn_seconds: 60,
    switch_tone: true,
    max_lines: 100_000,
    allow_loss_calls: true,
    ldn_fixed_uses_local: true,
    ldn_mobile_uses_local: true,
    permissions: { 'subscriber.due_day': { level: 'WRITE', within: { min: 1, max: 5 } } },
  };
  const CONTACT = { name: 'Ana', email: 'ana@example.com', phone: '+5511987654321', receives_notices: true };
  const whole = { ...DADOS, ...DADOS_2, ...ENDERECO, ...ENDERECO_2, ...FINANCEIRO, contacts: [CONTACT] };

  test('round-trip through creating, reading, changing and reading', async () => {
    const { id, version } = await made({ ...whole, postal_code: '01001-000' });
    expect((await read(id)).body).toMatchObject({
      ...whole,
      reseller_id: town.ours.reseller_id,
      balance_micros: '0',
    });
    const changed = {
      name: 'Outro nome',
      person_type: 'INDIVIDUAL',
      document: cpf(1),
      rg: '12.345.678-9',
      postal_code: null,
      state: null,
      area_code: '21',
      billing_mode: 'BUNDLE',
      status: 'ACTIVE',
      credit_limit_micros: '5',
      balance_alert_micros: null,
      max_lines: null,
      due_day: 1,
      allow_loss_calls: false,
      contacts: [],
      permissions: {},
    };
    const answer = expectStatus(await patch(id, version, changed), 200);
    expect(answer.headers.etag).toBe(`"${version + 1}"`);
    const after = (await read(id)).body;
    expect(after).toEqual(answer.body);
    expect(after).toMatchObject({ ...whole, ...changed });
  });

  test('each field changes alone and leaves the others', async () => {
    let before = await made(whole);
    const others = { ...whole, name: 'Só o nome', legal_name: 'Novo', street: 'Rua B', cycle_day: 2 };
    for (const [field, value] of Object.entries(others)) {
      const after = expectStatus(await patch(before.id, before.version, { [field]: value }), 200).body;
      const { version: _, [field]: now, ...rest } = after;
      expect(now, field).toEqual(value);
      expect(before).toMatchObject(rest);
      before = after;
    }
  });

  test('what is left out has its default', async () => {
    expect(await made()).toMatchObject({
      status: 'ACTIVE',
      credit_limit_micros: '0',
      balance_alert_micros: null,
      due_day: 10,
      cycle_day: 1,
      max_lines: null,
      contacts: [],
      bundles: [],
      permissions: {},
      access: null,
    });
  });
});

describe('documents', () => {
  const INDIVIDUAL = { person_type: 'INDIVIDUAL' };
  const good: [string, object, string][] = [
    ['a masked CPF', { ...INDIVIDUAL, document: '529.982.247-25' }, '52998224725'],
    ['a masked CNPJ', { document: '45.997.418/0001-53' }, '45997418000153'],
    ['a CNPJ with letters, small and masked', { document: 'zz.998.877/0001-80' }, 'ZZ998877000180'],
  ];
  test.each(good)('%s is stored bare', async (_, more, document) => {
    expect((await made(more)).document).toBe(document);
  });

  const bad: [string, object][] = [
    ['a person with a CNPJ', { ...INDIVIDUAL, document: cnpj(1) }],
    ['a company with a CPF', { document: cpf(1) }],
    ['wrong check digits', { document: '33000167000102' }],
    ['repeated digits', { ...INDIVIDUAL, document: '11111111111' }],
    ['nothing', { document: '' }],
  ];
  test.each(bad)('%s is refused', async (_, more) => {
    expect(refused(await post(more))).toEqual([400, 'INVALID_REQUEST', 'document']);
  });

  test('one is used once per reseller, on changes too, and again by another reseller', async () => {
    const { document } = await made();
    expect(refused(await post({ document }))).toEqual([409, 'CONFLICT', 'document']);
    const other = await made();
    expect(refused(await patch(other.id, other.version, { document }))).toEqual([
      409,
      'CONFLICT',
      'document',
    ]);
    const { reseller_id, sales_plan_id } = town.stranger;
    expectStatus(await post({ reseller_id, sales_plan_id, document }, 'master'), 201);
  });

  test('a person does not become a company by its kind alone', async () => {
    const { id, version } = await made({ person_type: 'INDIVIDUAL', document: cpf(77) });
    const answer = await patch(id, version, { person_type: 'COMPANY' });
    expect(refused(answer)).toEqual([400, 'INVALID_REQUEST', 'document']);
  });
});

describe('a subscriber of before, whose document nobody knows', () => {
  test('gets one along with its kind, and not without', async () => {
    const { id, version } = await made();
    const nobody = 'update subscribers set person_type = null, document = null where id = $1';
    await api().database.pool.query(nobody, [id]);
    const document = cnpj(900);
    const alone = await patch(id, version + 1, { document });
    expect(refused(alone)).toEqual([400, 'INVALID_REQUEST', 'person_type']);
    const both = await patch(id, version + 1, { document, person_type: 'COMPANY' });
    expect(expectStatus(both, 200).body.document).toBe(document);
  });
});

describe('a subscriber that was blocked by itself', () => {
  const overdue = async () => {
    const one = await made();
    const block = "update subscribers set status = 'BLOCKED', blocked_reason = 'OVERDUE' where id = $1";
    await api().database.pool.query(block, [one.id]);
    return (await read(one.id)).body;
  };

  test.each(['ACTIVE', 'SUSPENDED', 'INACTIVE'])(
    'is told why, until it is set %s by hand',
    async (status) => {
      const { id, version, blocked_reason } = await overdue();
      expect(blocked_reason).toBe('OVERDUE');
      const after = expectStatus(await patch(id, version, { status }), 200).body;
      expect(after).toMatchObject({ status, blocked_reason: null, version: version + 1 });
    },
  );

  test('stays so by other changes', async () => {
    const { id, version } = await overdue();
    const after = expectStatus(await patch(id, version, { status: 'BLOCKED', due_day: 9 }), 200).body;
    expect(after).toMatchObject({ status: 'BLOCKED', blocked_reason: 'OVERDUE', due_day: 9 });
  });
});

describe('how phones dial', () => {
  test('is usual until somebody says otherwise', async () => {
    const one = await made();
    expect(one).toMatchObject({ intl_dialing: 'NO_CSP', auto_ninth_digit: true, blocked_reason: null });
    const change = { intl_dialing: 'AUTO', auto_ninth_digit: false };
    expect(expectStatus(await patch(one.id, one.version, change), 200).body).toMatchObject(change);
    expect(await made({ intl_dialing: 'CSP' })).toMatchObject({ intl_dialing: 'CSP' });
  });
});

describe('bad input is named', () => {
  const contact = { name: 'Ana', email: 'ana@example.com' };
  const cases: [string, object, string][] = [
    ['no name', { name: ' ' }, 'name'],
    ['a name too long', { name: 'x'.repeat(121) }, 'name'],
    ['a name of two lines', { name: 'a\nb' }, 'name'],
    ['an unknown kind', { person_type: 'PF' }, 'person_type'],
    ['an unknown modality', { billing_mode: 'FREE' }, 'billing_mode'],
    ['an unknown status', { status: 'GONE' }, 'status'],
    ['a CEP too short', { postal_code: '0100-100' }, 'postal_code'],
    ['a state in small letters', { state: 'sp' }, 'state'],
    ['a code of no town', { ibge_code: '123' }, 'ibge_code'],
    ['no area code', { area_code: '10' }, 'area_code'],
    ['a credit limit below 0', { credit_limit_micros: '-1' }, 'credit_limit_micros'],
    ['a credit limit too high', { credit_limit_micros: '100000000000001' }, 'credit_limit_micros'],
    ['a credit limit as a number', { credit_limit_micros: 5 }, 'credit_limit_micros'],
    ['a fraction of a micro-real', { balance_alert_micros: '1.5' }, 'balance_alert_micros'],
    ['a cap with a leading 0', { daily_spend_cap_micros: '01' }, 'daily_spend_cap_micros'],
    ['due day 0', { due_day: 0 }, 'due_day'],
    ['blocking after 366 days', { block_after_days: 366 }, 'block_after_days'],
    ['cycle day 0', { cycle_day: 0 }, 'cycle_day'],
    ['cycle day 32', { cycle_day: 32 }, 'cycle_day'],
    ['cycle day 1.5', { cycle_day: 1.5 }, 'cycle_day'],
    ['too many calls', { max_concurrent_calls: 10_001 }, 'max_concurrent_calls'],
    ['fewer than no calls', { max_concurrent_in: -1 }, 'max_concurrent_in'],
    ['fewer than none kept', { reserved_in: -1 }, 'reserved_in'],
    ['no calls at all a second', { max_calls_per_second: 0 }, 'max_calls_per_second'],
    ['a warning a minute and more before', { warn_seconds: 61 }, 'warn_seconds'],
    ['too many lines', { max_lines: 100_001 }, 'max_lines'],
    ['an unknown way to dial abroad', { intl_dialing: 'CARRIER' }, 'intl_dialing'],
    ['no word on the ninth digit', { auto_ninth_digit: null }, 'auto_ninth_digit'],
    ['a reason to be blocked', { blocked_reason: null }, 'body'],
    ['a text for yes', { allow_loss_calls: 'yes' }, 'allow_loss_calls'],
    ['a contact without e-mail and phone', { contacts: [contact, { name: 'B' }] }, 'contacts.1'],
    ['a contact with a bad e-mail', { contacts: [{ ...contact, email: 'x@' }] }, 'contacts.0.email'],
    ['a contact with a bad phone', { contacts: [{ ...contact, phone: '119876' }] }, 'contacts.0.phone'],
    ['too many contacts', { contacts: Array.from({ length: 21 }, () => contact) }, 'contacts'],
    ['an unknown slot', { bundles: [{ slot: 'PREMIUM', bundle_id: crypto.randomUUID() }] }, 'bundles.0.slot'],
    ['an unknown permission', { permissions: { 'line.moon': { level: 'READ' } } }, 'permissions'],
    ['an unknown level', { permissions: { 'line.name': { level: 'ALL' } } }, 'permissions.line.name.level'],
    [
      'no level of that field',
      { permissions: { 'line.name': { level: 'HIDDEN' } } },
      'permissions.line.name',
    ],
    ['a short user name', { access: { username: 'ab' } }, 'access.username'],
    ['a weak password', { access: { username: 'weak.one', password: 'short' } }, 'access.password'],
    ['an id that is none', { sales_plan_id: 'x' }, 'sales_plan_id'],
    ['a field nobody knows', { balance_micros: '5' }, 'body'],
  ];
  test.each(cases)('%s', async (_, more, field) => {
    expect(refused(await post(more))).toEqual([400, 'INVALID_REQUEST', field]);
  });

  test('the same on a change, and nothing is changed', async () => {
    const before = await made();
    for (const [name, more, field] of cases.filter(([, more]) => !('access' in more))) {
      const answer = await patch(before.id, before.version, more);
      expect(refused(answer), name).toEqual([400, 'INVALID_REQUEST', field]);
    }
    expect((await read(before.id)).body.version).toBe(before.version);
  });

  test('several are named at once', async () => {
    const fields = fieldsOf(await post({ name: '', cycle_day: 0, state: 'x' }));
    expect(fields.sort()).toEqual(['cycle_day', 'name', 'state']);
  });
});

describe('contacts and franquias', () => {
  const named = (contacts: { name: string }[]) => contacts.map(({ name }) => name);
  const contact = (name: string) => ({ name, email: `${name}@example.com` });

  test('contacts are replaced as a whole, and left alone by other changes', async () => {
    const { id, version, contacts } = await made({ contacts: [contact('b'), contact('a')] });
    expect(named(contacts)).toEqual(['a', 'b']);
    const kept = expectStatus(await patch(id, version, { name: 'Com contatos' }), 200).body;
    expect(named(kept.contacts)).toEqual(['a', 'b']);
    const after = expectStatus(await patch(id, kept.version, { contacts: [contact('c')] }), 200).body;
    expect([named(after.contacts), after.version]).toEqual([['c'], kept.version + 1]);
    expect((await patch(id, kept.version, { contacts: [] })).status).toBe(412);
  });

  const bundle = async (name: string, seconds = 600) => {
    const body = { name, included_seconds: seconds, monthly_price_micros: '0' };
    return expectStatus(await ask('reseller', 'POST', '/api/v1/minute-bundles', { body }), 201).body
      .id as string;
  };

  test('franquias are replaced; a slot that stays keeps its minutes', async () => {
    const [one, two] = [await bundle('Uma'), await bundle('Duas', 1200)];
    const slots = (...of: [string, string][]) => ({
      bundles: of.map(([slot, bundle_id]) => ({ slot, bundle_id })),
    });
    const { id, version } = await made(slots(['FIXED_LOCAL', one], ['MOBILE_LOCAL', one]));
    const { pool } = api().database;
    await pool.query('insert into wallets (subscriber_id) values ($1)', [id]);
    await pool.query(
      `insert into bundle_allocations
       select $1, slot, cycle_start_of(1, (now() at time zone 'America/Sao_Paulo')::date), 'Uma', 0, 600, left_seconds
       from (values ('FIXED_LOCAL', 7), ('MOBILE_LOCAL', 8)) as v (slot, left_seconds)`,
      [id],
    );
    const after = await patch(id, version, slots(['FIXED_LOCAL', one], ['INTL_FIXED', two]));
    expect(expectStatus(after, 200).body.bundles).toEqual([
      { slot: 'FIXED_LOCAL', bundle_id: one, included_seconds: 600, left_seconds: 7 },
      { slot: 'INTL_FIXED', bundle_id: two, included_seconds: 1200, left_seconds: 1200 },
    ]);
    const { rows } = await pool.query(
      "select 1 from audit_log where object_type = 'bundle_slots' and object_id = $1",
      [id],
    );
    expect(rows.length, 'two slots given, one taken, one given').toBe(4);
    const twice = await patch(id, version + 1, slots(['FIXED_LOCAL', one], ['FIXED_LOCAL', two]));
    expect(refused(twice)).toEqual([400, 'INVALID_REQUEST', 'bundles']);
  });
});

describe('access', () => {
  test('a generated password signs in, and a given one is not told', async () => {
    const { access } = await made({ access: { username: 'Padaria.Um' } });
    expect(access).toMatchObject({ username: 'padaria.um', password: expect.stringMatching(/^.{20}$/) });
    expect(await signInAs('padaria.um', access.password)).toMatchObject({
      status: 201,
      body: { must_change_password: true },
    });
    const own = await made({ access: { username: 'padaria.dois', password: 'sete cavalos azuis' } });
    expect(own.access.password).toBeNull();
    expect(await signInAs('padaria.dois', 'sete cavalos azuis')).toMatchObject({
      body: { must_change_password: false },
    });
    expect((await signInAs('padaria.dois', access.password)).status).toBe(401);
  });

  test('a user name that is taken, by whomever, leaves nothing half saved', async () => {
    const tables = ['subscribers', 'users', 'subscriber_contacts', 'bundle_slots', 'audit_log'];
    const before = await Promise.all(tables.map(count));
    const contacts = [{ name: 'x', email: 'x@example.com' }];
    const bundles = [{ slot: 'FIXED_LOCAL', bundle_id: town.ours.minute_bundle_id }];
    const { rows } = await api().database.pool.query('select username from users where reseller_id = $1', [
      town.stranger.reseller_id,
    ]);
    const answer = await post({ contacts, bundles, access: { username: rows[0].username } });
    expect(refused(answer)).toEqual([409, 'CONFLICT', 'access.username']);
    expect(await Promise.all(tables.map(count))).toEqual(before);
  });
});

describe('what belongs to others', () => {
  const refers: [string, () => object][] = [
    ['sales_plan_id', () => ({ sales_plan_id: town.stranger.sales_plan_id })],
    ['permission_profile_id', () => ({ permission_profile_id: town.stranger.permission_profile_id })],
    [
      'bundles.0.bundle_id',
      () => ({ bundles: [{ slot: 'FIXED_LOCAL', bundle_id: town.stranger.minute_bundle_id }] }),
    ],
  ];
  test.each(refers)('%s of another reseller is not there, for the master neither', async (field, more) => {
    const { id, version } = (await read(town.ours.subscriber_id)).body;
    const { reseller_id } = town.ours;
    for (const answer of [
      await post(more()),
      await post({ ...more(), reseller_id }, 'master'),
      await patch(id, version, more()),
      await patch(id, version, more(), 'master'),
    ]) {
      expect(refused(answer)).toEqual([404, 'NOT_FOUND', field]);
    }
  });

  test('a reseller chooses neither the server nor whose it is; the master must say whose', async () => {
    const cases: [keyof Town['keys'], object, number, string[]][] = [
      ['reseller', { server_id: town.server_id }, 404, ['server_id']],
      ['reseller', { reseller_id: town.stranger.reseller_id }, 404, ['reseller_id']],
      ['reseller', { reseller_id: town.ours.reseller_id }, 201, []],
      ['master', {}, 400, ['reseller_id']],
      ['master', { reseller_id: crypto.randomUUID() }, 404, ['reseller_id']],
      ['master', { reseller_id: town.ours.reseller_id, server_id: town.server_id }, 201, []],
      ['subscriber', {}, 404, []],
    ];
    for (const [who, more, status, fields] of cases) {
      const answer = await post(more, who);
      expect([answer.status, fieldsOf(answer)], `${who} ${JSON.stringify(more)}`).toEqual([status, fields]);
    }
    const wrong = await post(
      { reseller_id: town.ours.reseller_id, server_id: crypto.randomUUID() },
      'master',
    );
    expect(refused(wrong)).toEqual([404, 'NOT_FOUND', 'server_id']);
  });
});
