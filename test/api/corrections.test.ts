import { describe, expect, test } from 'vitest';
import { proveLedger } from '../../src/stores/postgres/prove-ledger.ts';
import { readWallets } from '../../src/stores/postgres/wallets.ts';
import { callOf as admission, rateOf } from '../stores/redis/use-store.ts';
import { refusal, useMoneyDesk } from './money-desk.ts';
import { expectStatus } from './people.ts';
import { type Answer, useApi } from './use-api.ts';

const api = useApi();
const desk = useMoneyDesk(api);

const correction = (more: object = {}) => ({
  amount_micros: '-1000000',
  reason: 'cobrança errada',
  reference: 'c1',
  ...more,
});
const correct = (more: object = {}, id = desk.id) =>
  desk.post(`/subscribers/${id}/corrections`, correction(more));
const transfer = (to: string, more: object = {}) =>
  desk.post('/transfers', {
    from_subscriber_id: desk.id,
    to_subscriber_id: to,
    amount_micros: '4000000',
    reason: 'mudou de conta',
    reference: `t${desk.id}`,
    ...more,
  });

/** A running call that holds R$ 6 of the subscriber. */
async function reserveSix(subscriber_id: string, reseller_id = desk.reseller_id) {
  const { database, store } = api();
  const wallet = (await readWallets(database.db, [subscriber_id])).get(subscriber_id);
  if (!wallet) throw new Error('no wallet');
  await store.loadWallet(wallet);
  const input = admission({
    payer: subscriber_id,
    reseller_id,
    rate: rateOf(6_000_000n, 60, 6, 0),
    cycle_start: wallet.cycle_start,
    slice_seconds: 60,
  });
  expect(await store.admit(input)).toMatchObject({ code: 'ADMITTED' });
  return input;
}

describe('a correction', () => {
  test('moves the balance up and down, is told to running calls, and keeps author and reason', async () => {
    expectStatus(await correct(), 201);
    const up = expectStatus(
      await correct({ amount_micros: '2500000', reference: 'c2', reason: 'bônus' }),
      201,
    );
    expect(up.body).toEqual({ balance_micros: '11500000' });
    expect(api().wallets.map(({ balance_micros }) => balance_micros)).toEqual([9_000_000n, 11_500_000n]);
    const { items } = (await desk.get(`/subscribers/${desk.id}/movements?kind=CORRECTION`)).body;
    expect(items).toMatchObject([
      { amount_micros: '2500000', reason: 'bônus', reference: 'c2', author: 'test', call_id: null },
      { amount_micros: '-1000000', reason: 'cobrança errada', reference: 'c1' },
    ]);
    const { rows } = await api().database.pool.query(
      "select actor ->> 'name' as name, after ->> 'reason' as reason from audit_log where object_type = 'ledger_movements' and subscriber_id = $1 and after ->> 'kind' = 'CORRECTION' order by id",
      [desk.id],
    );
    expect(rows).toEqual([
      { name: 'test', reason: 'cobrança errada' },
      { name: 'test', reason: 'bônus' },
    ]);
  });

  test('takes the last micro that is there and not one more', async () => {
    expect(refusal(await correct({ amount_micros: '-10000001' }))).toEqual([
      409,
      'CONFLICT',
      'amount_micros',
    ]);
    expectStatus(await correct({ amount_micros: '-10000000' }), 201);
    expect(refusal(await correct({ amount_micros: '-1', reference: 'c2' }))).toEqual([
      409,
      'CONFLICT',
      'amount_micros',
    ]);
    expect(await desk.balance()).toBe(0n);
  });

  test('reaches down to the credit limit of who pays afterwards, and to zero of who pays before', async () => {
    const credit_limit_micros = 5_000_000n;
    const after = (await desk.add({ billing_mode: 'POSTPAID', credit_limit_micros })).id;
    const before = (await desk.add({ billing_mode: 'PREPAID', credit_limit_micros })).id;
    expectStatus(await correct({ amount_micros: '-15000000' }, after), 201);
    expect(await desk.balance(after)).toBe(-5_000_000n);
    expect(refusal(await correct({ amount_micros: '-10000001' }, before))).toEqual([
      409,
      'CONFLICT',
      'amount_micros',
    ]);
  });

  test('takes from who never had anything what it may owe', async () => {
    const options = {
      billing_mode: 'POSTPAID',
      balance_micros: 0n,
      credit_limit_micros: 5_000_000n,
    } as const;
    const fresh = (await desk.add(options)).id;
    expect(refusal(await correct({ amount_micros: '-5000001' }, fresh))).toEqual([
      409,
      'CONFLICT',
      'amount_micros',
    ]);
    expectStatus(await correct({ amount_micros: '-5000000' }, fresh), 201);
    expect(await desk.balance(fresh)).toBe(-5_000_000n);
  });

  test('leaves what a running call reserved, and takes it when the call is over', async () => {
    const call = await reserveSix(desk.id);
    expect(refusal(await correct({ amount_micros: '-4000001' }))).toEqual([409, 'CONFLICT', 'amount_micros']);
    expectStatus(await correct({ amount_micros: '-4000000' }), 201);
    await api().store.settle(call, null, null);
    expectStatus(await correct({ amount_micros: '-6000000', reference: 'c2' }), 201);
    expect(await desk.balance()).toBe(0n);
  });

  test('that is refused sets nothing apart for long', async () => {
    expectStatus(await correct({ amount_micros: '1', reference: 'used' }), 201);
    expect(refusal(await correct({ amount_micros: '-10000000', reference: 'used' }))).toEqual([
      409,
      'CONFLICT',
      'reference',
    ]);
    expectStatus(await correct({ amount_micros: '-10000000', reference: 'c2' }), 201);
  });

  test('counts once per reference, of ten at once and under other keys too', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => correct()));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(refusal(answer)).toEqual([409, 'CONFLICT', 'reference']);
    expect(await desk.balance()).toBe(9_000_000n);
    // The same reference of another subscriber, and of another kind of movement, is another one.
    expectStatus(await correct({}, desk.own), 201);
    expectStatus(
      await desk.post(`/subscribers/${desk.id}/top-ups`, { amount_micros: '1', reference: 'c1' }),
      201,
    );
  });

  test('and a top-up at once lose nothing of each other', async () => {
    const work = Array.from({ length: 20 }, (_, n) =>
      n % 2
        ? correct({ amount_micros: '-1000', reference: `r${n}` })
        : desk.post(`/subscribers/${desk.id}/top-ups`, { amount_micros: '1001', reference: `r${n}` }),
    );
    for (const answer of await Promise.all(work)) expectStatus(answer, 201);
    expect(await desk.balance()).toBe(10_000_010n);
    expect(await proveLedger(api().database.db)).toEqual([]);
  });

  const wrong: [string, object, string][] = [
    ['no amount', { amount_micros: '0' }, 'amount_micros'],
    ['minus nothing', { amount_micros: '-0' }, 'amount_micros'],
    ['a decimal', { amount_micros: '1.5' }, 'amount_micros'],
    ['a comma', { amount_micros: '1,5' }, 'amount_micros'],
    ['a number', { amount_micros: 5 }, 'amount_micros'],
    ['an exponent', { amount_micros: '1e6' }, 'amount_micros'],
    ['a plus', { amount_micros: '+5' }, 'amount_micros'],
    ['a blank', { amount_micros: ' 5' }, 'amount_micros'],
    ['too much', { amount_micros: '1000000000001' }, 'amount_micros'],
    ['too much less', { amount_micros: '-1000000000001' }, 'amount_micros'],
    ['no reason', { reason: '' }, 'reason'],
    ['a blank reason', { reason: '   ' }, 'reason'],
    ['a novel', { reason: 'x'.repeat(10_000) }, 'reason'],
    ['two lines', { reason: 'a\nb' }, 'reason'],
    ['no reference', { reference: '' }, 'reference'],
    ['a long reference', { reference: 'x'.repeat(101) }, 'reference'],
  ];
  test.each(wrong)('with %s is refused', async (_, more, field) => {
    expect(refusal(await correct(more))).toEqual([400, 'INVALID_REQUEST', field]);
    expect(await desk.balance()).toBe(10_000_000n);
  });

  test('is nothing for strangers, for subscribers, or for keys without the scope', async () => {
    const at = `/subscribers/${desk.own}/corrections`;
    expect(refusal(await desk.post(at, correction(), 'other'))).toEqual([404, 'NOT_FOUND']);
    expect(refusal(await desk.post(at, correction(), 'subscriber'))).toEqual([404, 'NOT_FOUND']);
    const key = await api().key({ role: 'RESELLER', reseller_id: desk.reseller_id }, ['READ', 'WRITE']);
    const asking = { body: correction(), headers: { 'idempotency-key': 'scope' } };
    expect((await api().ask(key, 'POST', `/api/v1${at}`, asking)).status).toBe(403);
  });
});

describe('a transfer', () => {
  test('gives one what the other had, with one reference, and tells both', async () => {
    const to = (await desk.add()).id;
    const answer = expectStatus(await transfer(to), 201);
    expect(answer.body).toEqual({ from: { balance_micros: '6000000' }, to: { balance_micros: '14000000' } });
    expect(api().wallets.map((wallet) => wallet.subscriber_id)).toEqual([desk.id, to]);
    for (const [id, amount_micros] of [
      [desk.id, '-4000000'],
      [to, '4000000'],
    ]) {
      const { items } = (await desk.get(`/subscribers/${id}/movements?kind=TRANSFER`)).body;
      expect(items).toMatchObject([{ amount_micros, reference: `t${desk.id}`, reason: 'mudou de conta' }]);
    }
  });

  test('gives no credit away, only what is there', async () => {
    const giver = (await desk.add({ billing_mode: 'POSTPAID', credit_limit_micros: 50_000_000n })).id;
    const refused = await transfer(desk.id, { from_subscriber_id: giver, amount_micros: '10000001' });
    expect(refusal(refused)).toEqual([409, 'CONFLICT', 'amount_micros']);
    expectStatus(await transfer(desk.id, { from_subscriber_id: giver, amount_micros: '10000000' }), 201);
  });

  test('leaves what the giver’s running call reserved', async () => {
    await reserveSix(desk.id);
    expect(refusal(await transfer(desk.own, { amount_micros: '4000001' }))).toEqual([
      409,
      'CONFLICT',
      'amount_micros',
    ]);
    expectStatus(await transfer(desk.own), 201);
  });

  test('fifty that cross each other at once keep every micro, and none waits for ever', async () => {
    const to = (await desk.add()).id;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => {
        const ends = n % 2 ? {} : { from_subscriber_id: to, to_subscriber_id: desk.id };
        return transfer(to, {
          ...ends,
          amount_micros: String(1_000 + n),
          reference: `cross ${desk.id} ${n}`,
        });
      }),
    );
    for (const answer of answers) expectStatus(answer, 201);
    expect(api().logged.filter((line) => line.includes('deadlock'))).toEqual([]);
    expect(await desk.balance()).toBe(10_000_000n - 25n);
    expect(await desk.balance(to)).toBe(10_000_000n + 25n);
    expect(await proveLedger(api().database.db)).toEqual([]);
  });

  test('twenty at once of all that there is: one gets it', async () => {
    const to = (await desk.add({ balance_micros: 0n })).id;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        transfer(to, { amount_micros: '10000000', reference: `all ${desk.id} ${n}` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect([await desk.balance(), await desk.balance(to)]).toEqual([0n, 10_000_000n]);
  });

  const wrong: [string, () => Promise<object> | object, unknown[]][] = [
    ['to itself', () => ({ to_subscriber_id: desk.id }), [400, 'INVALID_REQUEST', 'to_subscriber_id']],
    [
      'to itself in capitals',
      () => ({ to_subscriber_id: desk.id.toUpperCase() }),
      [400, 'INVALID_REQUEST', 'to_subscriber_id'],
    ],
    [
      'to another reseller’s subscriber',
      async () => ({ to_subscriber_id: (await desk.add({}, desk.other_reseller_id)).id }),
      [404, 'NOT_FOUND', 'to_subscriber_id'],
    ],
    [
      'from another reseller’s subscriber',
      async () => ({ from_subscriber_id: (await desk.add({}, desk.other_reseller_id)).id }),
      [404, 'NOT_FOUND', 'from_subscriber_id'],
    ],
    ['of nothing', () => ({ amount_micros: '0' }), [400, 'INVALID_REQUEST', 'amount_micros']],
    ['of less than nothing', () => ({ amount_micros: '-1' }), [400, 'INVALID_REQUEST', 'amount_micros']],
    ['of a decimal', () => ({ amount_micros: '0.5' }), [400, 'INVALID_REQUEST', 'amount_micros']],
    ['without a reason', () => ({ reason: '' }), [400, 'INVALID_REQUEST', 'reason']],
  ];
  test.each(wrong)('%s is refused', async (_, more, refused) => {
    expect(refusal(await transfer(desk.own, await more()))).toEqual(refused);
    expect(await desk.balance()).toBe(10_000_000n);
  });

  test('between two resellers is refused to the master too', async () => {
    const to_subscriber_id = (await desk.add({}, desk.other_reseller_id)).id;
    const body = {
      from_subscriber_id: desk.id,
      to_subscriber_id,
      amount_micros: '1',
      reason: 'x',
      reference: 'x',
    };
    expect(refusal(await desk.post('/transfers', body, 'master'))).toEqual([
      400,
      'INVALID_REQUEST',
      'to_subscriber_id',
    ]);
  });

  test('counts once per reference of the reseller', async () => {
    expectStatus(await transfer(desk.own), 201);
    expect(refusal(await transfer(desk.own))).toEqual([409, 'CONFLICT', 'reference']);
    expect(await desk.balance()).toBe(6_000_000n);
  });
});

describe('the money of a reseller', () => {
  const at = () => `/resellers/${desk.reseller_id}`;
  const topUp = (body: object, who: 'master' | 'reseller' = 'master') =>
    desk.post(`${at()}/top-ups`, { amount_micros: '7000000', reference: 'ted 1', ...body }, who);
  const fix = (body: object): Promise<Answer> =>
    desk.post(`${at()}/corrections`, correction({ reference: 'r1', ...body }), 'master');

  test('is topped up, corrected down to its credit limit, told to calls, and listed', async () => {
    expectStatus(await topUp({}), 201);
    expect(refusal(await topUp({}))).toEqual([409, 'CONFLICT', 'reference']);
    expect(refusal(await fix({ amount_micros: '-7000001' }))).toEqual([409, 'CONFLICT', 'amount_micros']);
    await api().database.pool.query('update resellers set credit_limit_micros = 500000 where id = $1', [
      desk.reseller_id,
    ]);
    expectStatus(await fix({ amount_micros: '-7500000' }), 201);
    expect(api().resellerWallets.map(({ balance_micros }) => balance_micros)).toEqual([
      7_000_000n,
      -500_000n,
    ]);
    expect((await desk.get(at())).body).toMatchObject({ balance_micros: '-500000' });
    const { items } = (await desk.get(`${at()}/movements`)).body;
    expect(items).toMatchObject([
      { kind: 'CORRECTION', amount_micros: '-7500000', reference: 'r1', reason: 'cobrança errada' },
      { kind: 'TOP_UP', amount_micros: '7000000', reference: 'ted 1', reason: null },
    ]);
    expect(await proveLedger(api().database.db)).toEqual([]);
  });

  test('is the master’s to move, and nobody else’s to see', async () => {
    expect(refusal(await topUp({ reference: 'own' }, 'reseller'))).toEqual([404, 'NOT_FOUND']);
    expect((await desk.get(`${at()}/movements`, 'other')).status).toBe(404);
    expect((await desk.get(`${at()}/movements`, 'subscriber')).status).toBe(404);
  });

  test('leaves what running calls reserved of it', async () => {
    expectStatus(await topUp({ reference: 'ted 2', amount_micros: '10000000' }), 201);
    const before = BigInt((await desk.get(at())).body.balance_micros);
    const input = admission({
      payer: desk.id,
      reseller_id: desk.reseller_id,
      rate: rateOf(1n, 60, 6, 0),
      wholesale: rateOf(6_000_000n, 60, 6, 0),
      slice_seconds: 60,
    });
    const wallet = (await readWallets(api().database.db, [desk.id])).get(desk.id);
    if (wallet) await api().store.loadWallet(wallet);
    expect(await api().store.admit(input)).toMatchObject({ code: 'ADMITTED' });
    const free = before + 500_000n - 6_000_000n;
    expect(refusal(await fix({ amount_micros: String(-free - 1n), reference: 'r2' }))).toEqual([
      409,
      'CONFLICT',
      'amount_micros',
    ]);
    expectStatus(await fix({ amount_micros: String(-free), reference: 'r3' }), 201);
  });
});
