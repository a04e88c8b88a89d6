import { beforeAll, describe, expect, test } from 'vitest';
import { addDeckVersion, type PlanRef } from '../../src/stores/postgres/rate-versions.ts';
import { expectStatus, fieldsOf } from './people.ts';
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
const read = async (at: string, who: Who = 'master') => expectStatus(await ask(who, 'GET', at), 200).body;
const refused = (answer: Answer) => [answer.status, answer.body.code, ...fieldsOf(answer)];
const days = (n: number) => new Date(Date.now() + n * 86_400_000).toISOString();

const CADENCE = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
const rate = (call_class: string, price: number) => ({
  call_class,
  price_micros_per_minute: String(price),
  ...CADENCE,
});
const LOCAL = [rate('FIXED_LOCAL', 1)];
const DEARER = [rate('FIXED_LOCAL', 2)];

/** A deck as it is imported: prefixes and prices. */
async function addDeck(plan: PlanRef, prefixes: Record<string, number>, beside: object[] = []) {
  const rows = Object.entries(prefixes).map(([prefix, price]) => ({
    prefix,
    locality: `em ${prefix}`,
    kind: null,
    price_micros_per_minute: BigInt(price),
    cadence: CADENCE,
    active: true,
  }));
  const version = { plan, valid_from: null, author: 'import', class_rates: beside as never };
  return api()
    .database.db.transaction()
    .execute((tx) => addDeckVersion(tx, version, rows));
}

let serial = 0;
const KINDS = {
  'sales-plans': { who: 'reseller', ref: (id: string): PlanRef => ({ sales_plan_id: id }) },
  'cost-plans': { who: 'master', ref: (id: string): PlanRef => ({ cost_plan_id: id }) },
} as const;

describe.each(Object.entries(KINDS))('prices of %s', (kind, { who, ref }) => {
  const made = async (rates: object[] = LOCAL) => {
    const body = { name: `Preços ${++serial}`, rates };
    return expectStatus(await ask(who, 'POST', `/${kind}`, { body }), 201).body;
  };
  const change = async (id: string, body: object) => {
    const { version } = await read(`/${kind}/${id}`);
    return ask(who, 'PATCH', `/${kind}/${id}`, { body, headers: { 'if-match': `"${version}"` } });
  };
  const versions = async (id: string) =>
    (await read(`/${kind}/${id}/versions`)).items as {
      id: string;
      valid_from: string;
      holds_now: boolean;
      pricing: string;
      deck_rows: number;
      author: string;
      rates: object[];
    }[];

  test('hold from the moment that the plan is made', async () => {
    const plan = await made();
    expect(plan).toMatchObject({ rates: LOCAL, pricing: 'BY_CLASS', deck_rows: 0, next_valid_from: null });
    expect(await versions(plan.id)).toEqual([
      {
        id: plan.version_id,
        valid_from: plan.valid_from,
        holds_now: true,
        pricing: 'BY_CLASS',
        rates: LOCAL,
        deck_rows: 0,
        author: 'test',
        created_at: expect.any(String),
      },
    ]);
  });

  test('that change are a new version, and the old one stays', async () => {
    const plan = await made();
    const after = expectStatus(await change(plan.id, { rates: DEARER }), 200).body;
    expect(after).toMatchObject({ rates: DEARER, version: 2, next_valid_from: null });
    expect(after.version_id).not.toBe(plan.version_id);
    const listed = await versions(plan.id);
    expect(listed.map(({ id, holds_now, rates }) => [id, holds_now, rates])).toEqual([
      [after.version_id, true, DEARER],
      [plan.version_id, false, LOCAL],
    ]);
  });

  test('that stay the same, in whatever order, change nothing', async () => {
    const both = [rate('PREMIUM', 3), rate('FIXED_LOCAL', 1)];
    const plan = await made(both);
    const same = expectStatus(await change(plan.id, { rates: [...both].reverse() }), 200).body;
    expect(same).toEqual(plan);
    expect(await versions(plan.id)).toHaveLength(1);
  });

  test('can be planned, show when they begin, and can be taken back until then', async () => {
    const plan = await made();
    const valid_from = days(10);
    const planned = expectStatus(await change(plan.id, { rates: DEARER, valid_from }), 200).body;
    expect(planned).toEqual({ ...plan, next_valid_from: valid_from, version: 2 });
    // The same as will hold by then, and as hold until then.
    expect((await change(plan.id, { rates: DEARER, valid_from: days(20) })).body.version).toBe(2);
    expect((await change(plan.id, { rates: LOCAL, valid_from: days(5) })).body.version).toBe(2);
    expect((await change(plan.id, { rates: LOCAL, valid_from: days(20) })).body.version).toBe(3);
    const [later, next, now] = await versions(plan.id);
    expect([later, next, now].map((one) => one?.holds_now)).toEqual([false, false, true]);
    const take = (id: string | undefined) => ask(who, 'DELETE', `/${kind}/${plan.id}/versions/${id}`);
    expectStatus(await take(next?.id), 204);
    expect((await take(next?.id)).status).toBe(404);
    expect(refused(await take(now?.id))).toEqual([409, 'CONFLICT']);
    const left = await read(`/${kind}/${plan.id}`);
    expect(left).toMatchObject({ version: 4, next_valid_from: later?.valid_from, rates: LOCAL });
  });

  test.each([
    ['the past', () => ({ rates: DEARER, valid_from: days(-1) }), 'valid_from'],
    ['more than two years ahead', () => ({ rates: DEARER, valid_from: days(740) }), 'valid_from'],
    ['no moment', () => ({ rates: DEARER, valid_from: 'tomorrow' }), 'valid_from'],
    ['a moment without rates', () => ({ valid_from: days(1) }), 'rates'],
    ['a way of pricing without rates', () => ({ pricing: 'BY_CLASS' }), 'rates'],
    ['a deck, which is imported', () => ({ rates: DEARER, pricing: 'DECK' }), 'pricing'],
  ])('of %s are refused', async (_, body, field) => {
    const plan = await made();
    expect(refused(await change(plan.id, body()))).toEqual([400, 'INVALID_REQUEST', field]);
    expect(await read(`/${kind}/${plan.id}`)).toEqual(plan);
  });

  test('beside a deck are replaced and leave the deck; by class leaves it behind', async () => {
    const plan = await made();
    const imported = await addDeck(ref(plan.id), { '55': 10, '5511': 11 }, [rate('PREMIUM', 3)]);
    expect(await read(`/${kind}/${plan.id}`)).toMatchObject({
      pricing: 'DECK',
      deck_rows: 2,
      version_id: imported,
      rates: [rate('PREMIUM', 3)],
    });
    expect(refused(await change(plan.id, { rates: [rate('PREMIUM', 3), ...LOCAL] }))).toEqual([
      400,
      'INVALID_REQUEST',
      'rates.1.call_class',
    ]);
    const beside = [rate('COLLECT', 5), rate('PREMIUM', 4)];
    const after = expectStatus(await change(plan.id, { rates: beside }), 200).body;
    expect(after).toMatchObject({ pricing: 'DECK', deck_rows: 2, rates: beside, version: 2 });
    const { rows } = await api().database.pool.query(
      'select prefix, locality, price_micros_per_minute::text as price from deck_rates where rate_version_id = $1 order by prefix',
      [after.version_id],
    );
    expect(rows).toEqual([
      { prefix: '55', locality: 'em 55', price: '10' },
      { prefix: '5511', locality: 'em 5511', price: '11' },
    ]);
    // The same prices by class are another thing without the deck.
    const without = expectStatus(await change(plan.id, { rates: beside, pricing: 'BY_CLASS' }), 200).body;
    expect(without).toMatchObject({ pricing: 'BY_CLASS', deck_rows: 0, rates: beside, version: 3 });
    expect((await versions(plan.id)).map(({ pricing, deck_rows }) => [pricing, deck_rows])).toEqual([
      ['BY_CLASS', 0],
      ['DECK', 2],
      ['DECK', 2],
      ['BY_CLASS', 0],
    ]);
  });

  test('of another plan are not to be found through this one', async () => {
    const [one, other] = [await made(), await made()];
    await change(other.id, { rates: DEARER, valid_from: days(1) });
    const [planned] = await versions(other.id);
    expect((await ask(who, 'DELETE', `/${kind}/${one.id}/versions/${planned?.id}`)).status).toBe(404);
    expect(await versions(other.id)).toHaveLength(2);
  });

  test('go with a plan that nobody used, and are written down as they came', async () => {
    const plan = await made();
    await change(plan.id, { rates: DEARER });
    const about = (await read('/audit?object_type=rate_versions&limit=500')).items as {
      action: string;
      after: Record<string, unknown> | null;
    }[];
    const column = kind === 'sales-plans' ? 'sales_plan_id' : 'cost_plan_id';
    const written = about.filter(({ after }) => after?.[column] === plan.id);
    expect(written.map(({ action, after }) => [action, after?.class_rates])).toEqual([
      ['INSERT', DEARER],
      ['INSERT', LOCAL],
    ]);
    const headers = { 'if-match': '"2"' };
    expectStatus(await ask(who, 'DELETE', `/${kind}/${plan.id}`, { headers }), 204);
    const { rows } = await api().database.pool.query(`select from rate_versions where ${column} = $1`, [
      plan.id,
    ]);
    expect(rows).toEqual([]);
  });
});

describe('cost plans', () => {
  test('a reseller reads the one that it buys by and no other, and changes none', async () => {
    const { cost_plan_id } = town.ours;
    const mine = await read('/cost-plans', 'reseller');
    expect(mine.items.map(({ id }: { id: string }) => id)).toEqual([cost_plan_id]);
    expect(mine.items[0].rates).toHaveLength(1);
    expect((await read(`/cost-plans/${cost_plan_id}/versions`, 'reseller')).items).toHaveLength(1);
    const stranger = town.stranger.cost_plan_id;
    expect((await ask('reseller', 'GET', `/cost-plans/${stranger}`)).status).toBe(404);
    expect((await ask('reseller', 'GET', `/cost-plans/${stranger}/versions`)).status).toBe(404);
    for (const method of ['PATCH', 'DELETE'])
      expect(
        (await ask('reseller', method, `/cost-plans/${cost_plan_id}`, { headers: { 'if-match': '"1"' } }))
          .status,
      ).toBe(404);
    expect((await ask('subscriber', 'GET', '/cost-plans')).status).toBe(404);
  });

  test('hang on resellers and trunks, which keep them', async () => {
    const body = { name: 'Só do tronco', rates: [] };
    const { id } = expectStatus(await ask('master', 'POST', '/cost-plans', { body }), 201).body;
    const set = (at: string, cost_plan_id: string | null, version: number) =>
      ask('master', 'PATCH', at, { body: { cost_plan_id }, headers: { 'if-match': `"${version}"` } });
    const trunk = `/trunks/${town.trunk_id}`;
    const gone = crypto.randomUUID();
    const reseller = `/resellers/${town.stranger.reseller_id}`;
    for (const at of [trunk, reseller]) {
      const { version } = await read(at);
      expect(refused(await set(at, gone, version))).toEqual([404, 'NOT_FOUND', 'cost_plan_id']);
    }
    expect((await set(trunk, id, 1)).body).toMatchObject({ cost_plan_id: id, version: 2 });
    const remove = () => ask('master', 'DELETE', `/cost-plans/${id}`, { headers: { 'if-match': '"1"' } });
    expect(refused(await remove())).toEqual([409, 'CONFLICT']);
    expect((await set(trunk, null, 2)).body).toMatchObject({ cost_plan_id: null, version: 3 });
    expectStatus(await remove(), 204);
  });

  test('that calls were rated by stay, though nothing has them any more', async () => {
    const body = { name: 'Usado uma vez', rates: LOCAL };
    const plan = expectStatus(await ask('master', 'POST', '/cost-plans', { body }), 201).body;
    const { ours, server_id } = town;
    await api().database.pool.query(
      `insert into calls (id, server_id, reseller_id, subscriber_id, line_id, dialled, number, call_class, created_at,
         ended_at, talk_ms, billed_seconds, bundle_seconds, paid_seconds, total_micros, sales_plan_id, granted_seconds,
         end_reason, wholesale)
       values ('used once', $1, $2, $3, $4, '1', '1', 'FIXED_LOCAL', now(), now(), 0, 0, 0, 0, 0, $5, 0, 'HANGUP', $6)`,
      [
        ...[server_id, ours.reseller_id, ours.subscriber_id, ours.line_id, ours.sales_plan_id],
        JSON.stringify({ version_id: plan.version_id }),
      ],
    );
    const remove = () =>
      ask('master', 'DELETE', `/cost-plans/${plan.id}`, { headers: { 'if-match': '"1"' } });
    expect(refused(await remove())).toEqual([409, 'CONFLICT']);
  });
});
