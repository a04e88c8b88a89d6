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
const refused = (answer: Answer) => [answer.status, answer.body.code, ...fieldsOf(answer)];
const days = (n: number) => new Date(Date.now() + n * 86_400_000);

const CADENCE = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
const rates = (prices: Record<string, number>) =>
  Object.entries(prices).map(([call_class, price]) => ({
    call_class,
    price_micros_per_minute: String(price),
    ...CADENCE,
  }));

interface Rows {
  readonly rows: Record<string, number>;
  readonly beside?: Record<string, number>;
  readonly valid_from?: Date;
}

const addDeck = (plan: PlanRef, { rows, beside = {}, valid_from }: Rows) =>
  api()
    .database.db.transaction()
    .execute((tx) =>
      addDeckVersion(
        tx,
        { plan, valid_from: valid_from ?? null, author: 'import', class_rates: rates(beside) as never },
        Object.entries(rows).map(([prefix, price]) => ({
          prefix,
          locality: `em ${prefix}`,
          kind: null,
          price_micros_per_minute: BigInt(price),
          cadence: CADENCE,
          active: true,
        })),
      ),
    );

let serial = 0;
async function made(
  kind: 'sales-plans' | 'cost-plans',
  prices: Record<string, number> = {},
): Promise<string> {
  const owner = kind === 'sales-plans' ? { reseller_id: town.ours.reseller_id } : {};
  const body = { ...owner, name: `Perdas ${++serial}`, rates: rates(prices) };
  return expectStatus(await ask('master', 'POST', `/${kind}`, { body }), 201).body.id;
}

interface Item {
  readonly prefix: string | null;
  readonly call_class: string | null;
  readonly cost_prefix: string | null;
  readonly cost_class: string | null;
  readonly locality: string | null;
  readonly kind: string;
  readonly loss_micros_per_minute: string | null;
  readonly loss_up_to_seconds: number | null;
}
const say = ({ prefix, call_class, cost_prefix, cost_class, kind, loss_micros_per_minute: loss }: Item) =>
  `${prefix ?? call_class} over ${cost_prefix ?? cost_class ?? '-'}: ${kind}${loss === null ? '' : ` ${loss}`}`;

/** All losses, page after page. */
async function losses(sale: string, cost: string, limit = 500, who: Who = 'master'): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = `?limit=${limit}&cost_plan_id=${cost}${cursor && `&cursor=${cursor}`}`;
    const page: { items: Item[]; next_cursor: string | null } = expectStatus(
      await ask(who, 'GET', `/sales-plans/${sale}/losses${query}`),
      200,
    ).body;
    expect(page.items.length).toBeLessThanOrEqual(limit);
    found.push(...page.items.map(say));
    cursor = page.next_cursor;
  }
  return found;
}

const SALE = { '1': 50, '33': 10, '55': 10, '5511': 20, '870': 99 };
const COST = { '1': 40, '1787': 60, '5': 9, '5511': 19, '551199': 25, '5592': 30, '87': 98 };
const IN_DECKS = [
  '1 over 1787: PRICE 10',
  '33 over -: NO_COST',
  '5511 over 551199: PRICE 5',
  '55 over 5592: PRICE 20',
];

describe('what a plan sells below cost', () => {
  test('deck over deck: exactly where it loses, then what is priced by class', async () => {
    const [sale, cost] = [await made('sales-plans'), await made('cost-plans')];
    await addDeck({ sales_plan_id: sale }, { rows: SALE, beside: { PREMIUM: 5, COLLECT: 5 } });
    await addDeck({ cost_plan_id: cost }, { rows: COST, beside: { PREMIUM: 6 } });
    const all = [...IN_DECKS, 'COLLECT over -: NO_COST', 'PREMIUM over PREMIUM: PRICE 1'];
    for (const limit of [500, 6, 3, 1]) expect(await losses(sale, cost, limit), String(limit)).toEqual(all);
  });

  test('tells prices, cadences and the place', async () => {
    const [sale, cost] = [await made('sales-plans'), await made('cost-plans')];
    await addDeck({ sales_plan_id: sale }, { rows: { '55': 10 } });
    await addDeck({ cost_plan_id: cost }, { rows: { '55': 9, '5592': 30 } });
    const { items } = (await ask('master', 'GET', `/sales-plans/${sale}/losses?cost_plan_id=${cost}`)).body;
    expect(items).toEqual([
      {
        prefix: '55',
        call_class: null,
        cost_prefix: '5592',
        cost_class: null,
        locality: 'em 5592',
        price_micros_per_minute: '10',
        cadence: '30/6/3',
        cost_micros_per_minute: '30',
        cost_cadence: '30/6/3',
        kind: 'PRICE',
        loss_micros_per_minute: '20',
        loss_up_to_seconds: null,
      },
    ]);
    const csv = await ask('master', 'GET', `/sales-plans/${sale}/losses?cost_plan_id=${cost}`, {
      headers: { accept: 'text/csv' },
    });
    expect(csv.text.split('\n')[1]).toMatch(/^55;;5592;;em 5592;0,000010;/);
  });

  test('class over class, class over deck, deck over class', async () => {
    const sale = await made('sales-plans', { FIXED_LOCAL: 10, MOBILE_LDN: 10, PREMIUM: 10 });
    const cost = await made('cost-plans', { FIXED_LOCAL: 11, MOBILE_LDN: 10 });
    expect(await losses(sale, cost)).toEqual([
      'FIXED_LOCAL over FIXED_LOCAL: PRICE 1',
      'PREMIUM over -: NO_COST',
    ]);
    const deck = await made('cost-plans');
    await addDeck({ cost_plan_id: deck }, { rows: { '55': 9, '55113': 12, '55119': 13 } });
    expect(await losses(sale, deck, 1)).toEqual([
      'FIXED_LOCAL over 55113: PRICE 2',
      'MOBILE_LDN over 55119: PRICE 3',
      'PREMIUM over -: NO_COST',
    ]);
    const prefixes = await made('sales-plans');
    await addDeck({ sales_plan_id: prefixes }, { rows: { '1': 1, '55113': 10, '55': 11 } });
    expect(await losses(prefixes, cost, 1)).toEqual(['1 over -: NO_COST', '55113 over FIXED_LOCAL: PRICE 1']);
  });

  test('by the plan that the reseller buys by; by none there is no loss', async () => {
    const sale = await made('sales-plans', { FIXED_LOCAL: 99_999 });
    const at = `/sales-plans/${sale}/losses`;
    const mine = expectStatus(await ask('reseller', 'GET', at), 200).body;
    expect(mine.items.map(say)).toEqual(['FIXED_LOCAL over FIXED_LOCAL: PRICE 1']);
    expect((await ask('reseller', 'GET', `${at}?cost_plan_id=${town.ours.cost_plan_id}`)).body).toEqual(mine);
    for (const cost_plan_id of [town.stranger.cost_plan_id, crypto.randomUUID()])
      expect(refused(await ask('reseller', 'GET', `${at}?cost_plan_id=${cost_plan_id}`))).toEqual([
        404,
        'NOT_FOUND',
        'cost_plan_id',
      ]);
    const { pool } = api().database;
    const buysBy = (id: string | null) =>
      pool.query('update resellers set cost_plan_id = $1 where id = $2', [id, town.ours.reseller_id]);
    await buysBy(null);
    expect((await ask('reseller', 'GET', at)).body).toEqual({ items: [], next_cursor: null });
    await buysBy(town.ours.cost_plan_id);
  });

  test('of another version: of the past by the costs of now, a planned one by those of its first moment', async () => {
    const sale = await made('sales-plans', { FIXED_LOCAL: 10 });
    const cost = await made('cost-plans', { FIXED_LOCAL: 10 });
    const plan = (kind: string, id: string, price: number, day: number) =>
      ask('master', 'PATCH', `/${kind}/${id}`, {
        body: { rates: rates({ FIXED_LOCAL: price }), valid_from: days(day).toISOString() },
        headers: { 'if-match': '"1"' },
      });
    expectStatus(await plan('cost-plans', cost, 15, 5), 200);
    expectStatus(await plan('sales-plans', sale, 13, 10), 200);
    const [planned, now] = (await ask('master', 'GET', `/sales-plans/${sale}/versions`)).body.items;
    const of = async (version_id: string) => {
      const at = `/sales-plans/${sale}/losses?cost_plan_id=${cost}&version_id=${version_id}`;
      return (await ask('master', 'GET', at)).body.items.map(say);
    };
    expect(await of(now.id)).toEqual([]);
    expect(await of(planned.id)).toEqual(['FIXED_LOCAL over FIXED_LOCAL: PRICE 2']);
    const at = `/sales-plans/${sale}/losses?version_id=${town.ours.version_id}`;
    expect(refused(await ask('master', 'GET', at))).toEqual([404, 'NOT_FOUND', 'version_id']);
  });

  test('the cursor of another list is none', async () => {
    const { next_cursor } = (await ask('master', 'GET', '/sales-plans?limit=1')).body;
    const at = `/sales-plans/${town.ours.sales_plan_id}/losses?cursor=${next_cursor}`;
    expect(refused(await ask('master', 'GET', at))).toEqual([400, 'INVALID_REQUEST', 'cursor']);
  });

  test('a hundred thousand rows over a hundred thousand, from any page on', async () => {
    const [sale, cost] = [await made('sales-plans'), await made('cost-plans')];
    const fill = `
      insert into deck_rates (rate_version_id, prefix, locality, kind, price_micros_per_minute, initial_seconds,
        increment_seconds, free_threshold_seconds, active)
      select $1, (900000 + n)::text, 'x', null, $2::bigint, 30, $3::smallint, 3, true from generate_series(1, 99999) n`;
    const { pool } = api().database;
    await pool.query('update resellers set cost_plan_id = $1 where id = $2', [cost, town.ours.reseller_id]);
    const sold = await addDeck({ sales_plan_id: sale }, { rows: { '55': 10 } });
    const bought = await addDeck({ cost_plan_id: cost }, { rows: { '5592': 11, '55': 10 } });
    await pool.query(fill, [sold, 1_000_000, 6]);
    await pool.query(fill, [bought, 300_000, 30]);
    // Others get their turn meanwhile, after every page of rows: how long it all takes is the machine's affair.
    let turns = 0;
    const watch = setInterval(() => {
      turns += 1;
    }, 0);
    expect(await losses(sale, cost, 500, 'reseller')).toEqual(['55 over 5592: PRICE 1']);
    clearInterval(watch);
    expect(turns).toBeGreaterThan(40);
  }, 60_000);
});
