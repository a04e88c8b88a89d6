import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectStatus, fieldsOf, subscriberBody } from './people.ts';
import { addTown, type Town } from './tenants.ts';
import { type Answer, useApi } from './use-api.ts';

const api = useApi();
let town: Town;
let id: string;
let serial = 0;

beforeAll(async () => {
  town = await addTown(api());
});
beforeEach(async () => {
  const body = subscriberBody(town, ++serial);
  id = expectStatus(await api().ask(town.keys.reseller, 'POST', '/api/v1/subscribers', { body }), 201).body
    .id;
  api().wallets.length = 0;
});

type Who = keyof Town['keys'];
interface TopUp {
  readonly amount?: string;
  readonly reference?: string;
  readonly who?: Who;
  readonly of?: string;
}
const topUp = (
  key: string | null,
  { amount = '5000000', reference = 'pix 1', who = 'reseller', of = id }: TopUp = {},
) =>
  api().ask(town.keys[who], 'POST', `/api/v1/subscribers/${of}/top-ups`, {
    body: { amount_micros: amount, reference },
    headers: key === null ? {} : { 'idempotency-key': key },
  });
const refused = (answer: Answer) => [answer.status, answer.body.code, ...fieldsOf(answer)];
const state = async () => {
  const at = `/api/v1/subscribers/${id}`;
  const { balance_micros } = (await api().ask(town.keys.reseller, 'GET', at)).body;
  const { items } = (await api().ask(town.keys.reseller, 'GET', `${at}/top-ups`)).body;
  return { balance: balance_micros, movements: items.length, told: api().wallets.length };
};

describe('a top-up', () => {
  test('with the same key and body is done once and answered alike', async () => {
    const first = expectStatus(await topUp('k'), 201);
    const again = expectStatus(await topUp('k'), 201);
    expect(first.body).toEqual({ balance_micros: '5000000' });
    expectStatus(await topUp('k2', { reference: 'pix 2' }), 201);
    expect((await topUp('k')).body, 'the answer of then, not of now').toEqual(again.body);
    expect(again.body).toEqual(first.body);
    expect(await state()).toEqual({ balance: '10000000', movements: 2, told: 2 });
    expect(api().wallets.map(({ subscriber_id, balance_micros }) => [subscriber_id, balance_micros])).toEqual(
      [
        [id, 5_000_000n],
        [id, 10_000_000n],
      ],
    );
  });

  const others: [string, () => TopUp][] = [
    ['amount', () => ({ amount: '5000001' })],
    ['reference', () => ({ reference: 'pix 9' })],
    ['subscriber', () => ({ of: town.neighbour.subscriber_id })],
  ];
  test.each(others)('with the same key and another %s is refused', async (_, other) => {
    const key = `other${serial}`;
    expectStatus(await topUp(key), 201);
    expect(refused(await topUp(key, other()))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await state()).toEqual({ balance: '5000000', movements: 1, told: 1 });
  });

  test('of twenty at once with one key is one movement', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => topUp(`twenty${serial}`)));
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 201, body: { balance_micros: '5000000' } });
    expect(await state()).toEqual({ balance: '5000000', movements: 1, told: 1 });
  });

  test('of twenty at once with twenty keys and one reference is one movement too', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => topUp(`ref${serial}-${n}`)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(refused(answer)).toEqual([409, 'CONFLICT', 'reference']);
    expect(await state()).toEqual({ balance: '5000000', movements: 1, told: 1 });
  });

  test('a key counts for the tenant that sent it, and is not used up by a refusal', async () => {
    const key = `shared${serial}`;
    expect(refused(await topUp(key, { amount: '0' }))).toEqual([400, 'INVALID_REQUEST', 'amount_micros']);
    expect(refused(await topUp(key, { of: town.stranger.subscriber_id }))).toEqual([404, 'NOT_FOUND']);
    expectStatus(await topUp(key), 201);
    expectStatus(await topUp(key, { who: 'master', reference: 'pix 3' }), 201);
    expect(await state()).toEqual({ balance: '10000000', movements: 2, told: 2 });
  });

  test.each([null, '', ' ', 'a b', 'ç', 'x'.repeat(201)])(
    'without a key that is one (%j) is refused',
    async (key) => {
      expect(refused(await topUp(key))).toEqual([400, 'INVALID_REQUEST', 'Idempotency-Key']);
      expect(await state()).toEqual({ balance: '0', movements: 0, told: 0 });
    },
  );

  const amounts: [string, number][] = [
    ['1', 201],
    ['1000000000000', 201],
    ['1000000000001', 400],
    ['0', 400],
    ['-1', 400],
    ['01', 400],
    ['1.0', 400],
    ['1e6', 400],
    ['', 400],
  ];
  test.each(amounts)('of %s micro-reais: %i', async (amount, status) => {
    const answer = await topUp(`amount${serial}`, { amount });
    expect(answer.status, answer.text).toBe(status);
    if (status === 400) expect(fieldsOf(answer)).toEqual(['amount_micros']);
  });

  test('fills a wallet to R$ 100 million and not beyond, whoever comes first', async () => {
    await api().database.pool.query('insert into wallets (subscriber_id, balance_micros) values ($1, $2)', [
      id,
      '99000000000000',
    ]);
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, n) => topUp(`full${n}`, { amount: '1000000000000', reference: `r${n}` })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400]);
    for (const answer of answers.filter(({ status }) => status === 400))
      expect(refused(answer)).toEqual([400, 'INVALID_REQUEST', 'amount_micros']);
    expect(refused(await topUp('full-x', { amount: '1', reference: 'x' }))).toEqual([
      400,
      'INVALID_REQUEST',
      'amount_micros',
    ]);
    expect(await state()).toEqual({ balance: '100000000000000', movements: 1, told: 1 });
  });

  test('needs the scope for money, and is nothing that a subscriber does', async () => {
    const tenant = { role: 'RESELLER', reseller_id: town.ours.reseller_id } as const;
    const key = await api().key(tenant, ['READ', 'WRITE']);
    const asking = { body: { amount_micros: '1', reference: 'r' }, headers: { 'idempotency-key': 'scope' } };
    expect(refused(await api().ask(key, 'POST', `/api/v1/subscribers/${id}/top-ups`, asking))).toEqual([
      403,
      'FORBIDDEN',
    ]);
    const own = { who: 'subscriber', of: town.ours.subscriber_id } as const;
    expect((await topUp('own', own)).status).toBe(404);
  });

  test('is listed with its author, the newest first, and is in the audit log', async () => {
    for (const n of [1, 2, 3]) await topUp(`list${serial}-${n}`, { amount: `${n}`, reference: `pix ${n}` });
    const at = `/api/v1/subscribers/${id}/top-ups`;
    const { items } = (await api().ask(town.keys.reseller, 'GET', at)).body;
    expect(items).toMatchObject([
      { amount_micros: '3', reference: 'pix 3', author: 'test' },
      { amount_micros: '2', reference: 'pix 2' },
      { amount_micros: '1', reference: 'pix 1' },
    ]);
    const { rows } = await api().database.pool.query(
      "select actor ->> 'kind' as kind from audit_log where object_type = 'ledger_movements' and subscriber_id = $1",
      [id],
    );
    expect(rows).toEqual([{ kind: 'API_KEY' }, { kind: 'API_KEY' }, { kind: 'API_KEY' }]);
  });
});
