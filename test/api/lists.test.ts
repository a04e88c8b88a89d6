import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ROUTES } from '../../src/contract/routes.ts';
import { cnpj, expectStatus, fieldsOf } from './people.ts';
import { addTown, type Town } from './tenants.ts';
import { type Asking, useApi } from './use-api.ts';

const api = useApi();
let town: Town;

beforeAll(async () => {
  town = await addTown(api());
});

const V1 = '/api/v1';
const ask = (method: string, at: string, asking?: Asking) =>
  api().ask(town.keys.master, method, `${V1}${at}`, asking);
const plan = (name: string) => ({ reseller_id: town.ours.reseller_id, name, rates: [] });
const made = async (at: string, body: object) => expectStatus(await ask('POST', at, { body }), 201).body;

describe('pages', () => {
  interface List {
    readonly at: string;
    readonly table: string;
    readonly q: string;
    readonly body: (n: number) => object;
  }
  const LISTS: Record<string, List> = {
    listSalesPlans: {
      at: '/sales-plans',
      table: 'sales_plans',
      q: 'pagina',
      body: (n) => plan(`Página ${n}`),
    },
    listMinuteBundles: {
      at: '/minute-bundles',
      table: 'minute_bundles',
      q: 'pagina',
      body: (n) => ({
        reseller_id: town.ours.reseller_id,
        name: `Página ${n}`,
        included_seconds: 60,
        monthly_price_micros: '0',
      }),
    },
    listLines: {
      at: '/lines',
      table: 'lines',
      q: 'pagina',
      // Of one name all, and with extensions that texts would sort otherwise.
      body: (n) => ({
        subscriber_id: town.ours.subscriber_id,
        extension: String(8 + n * 991),
        name: 'Página',
        area_code: '11',
      }),
    },
    listNumbers: {
      at: '/numbers',
      table: 'dids',
      q: '+55117',
      body: (n) => ({
        reseller_id: town.ours.reseller_id,
        number: `+55117${String(10_000_000 + n * 7_919)}`,
      }),
    },
    listUsers: {
      at: '/users',
      table: 'users',
      q: 'pagina',
      body: (n) => ({ username: `pagina.${n}`, name: 'Página' }),
    },
    listApiKeys: {
      at: '/api-keys',
      table: 'api_keys',
      q: 'pagina',
      body: () => ({ name: 'Página', scopes: ['READ'], expires_at: null }),
    },
    listResellers: {
      at: '/resellers',
      table: 'resellers',
      q: 'pagina',
      body: () => ({ name: 'Página', max_concurrent_calls: 1 }),
    },
    listTrunks: {
      at: '/trunks',
      table: 'trunks',
      q: 'pagina',
      body: (n) => ({
        server_id: town.server_id,
        code: `p${n}`,
        name: 'Página',
        host: 'x',
        max_concurrent_calls: 1,
        priority: 1 + (n % 3),
      }),
    },
  };

  const sortsOf = (name: string) => {
    const query = ROUTES.find((one) => one.name === name)?.query ?? z.never();
    const { properties = {} } = z.toJSONSchema(query, { io: 'input', unrepresentable: 'any' });
    return (properties.sort as { enum: string[] }).enum;
  };
  const cases = Object.keys(LISTS).flatMap((name) => sortsOf(name).map((sort) => [name, sort] as const));
  let serial = 1;

  test.each(cases)('%s by %s: each row once, while rows come and go', async (name, sort) => {
    const { at, table, q, body } = LISTS[name] as List;
    const { pool } = api().database;
    const add = async () => (await made(at, body(serial++))).id as string;
    const drop = (id: unknown) => pool.query(`delete from ${table} where id = $1`, [id]);
    const first: string[] = [];
    for (let n = 0; n < 7; n += 1) first.push(await add());
    // Three of one instant: the id alone says which comes first.
    await pool.query(`update ${table} set created_at = '2026-01-02 03:04:05.678901+00' where id = any($1)`, [
      first.slice(2, 5),
    ]);
    const seen: string[] = [];
    const gone: string[] = [];
    const added: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = `?q=${encodeURIComponent(q)}&sort=${sort}&limit=3${cursor ? `&cursor=${cursor}` : ''}`;
      const page: { items: { id: string }[]; next_cursor: string | null } = expectStatus(
        await ask('GET', at + query),
        200,
      ).body;
      expect(page.items.length).toBeLessThanOrEqual(3);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
      const next = first.find((id) => !seen.includes(id));
      // The row where the page ended goes, and one that was to come; another comes.
      if (cursor && gone.length < 2) {
        for (const id of [seen.at(-1), next]) if (id) gone.push(id);
        for (const id of gone.slice(-2)) await drop(id);
        added.push(await add());
      }
    } while (cursor);
    expect(new Set(seen).size).toBe(seen.length);
    expect(first.filter((id) => !seen.includes(id) && !gone.includes(id))).toEqual([]);
    const rest = seen.filter((id) => !gone.includes(id));
    const { body: whole } = await ask('GET', `${at}?q=${encodeURIComponent(q)}&sort=${sort}&limit=500`);
    const order = whole.items.map(({ id }: { id: string }) => id);
    expect(rest).toEqual(order.filter((id: string) => rest.includes(id)));
    for (const id of [...first, ...added]) await drop(id);
  });

  test('sorts as people count, and backwards', async () => {
    const extensions = ['30', '200', '1000'];
    const subscriber_id = town.stranger.subscriber_id;
    for (const extension of extensions)
      await made('/lines', { subscriber_id, extension, name: 'Ordem', area_code: '11' });
    const sorted = async (sort: string) =>
      (await ask('GET', `/lines?q=ordem&sort=${sort}`)).body.items.map(
        (line: { extension: string }) => line.extension,
      );
    expect(await sorted('extension')).toEqual(extensions);
    expect(await sorted('-extension')).toEqual([...extensions].reverse());
  });

  const encoded = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
  test('a cursor of another sort, and one that is none, is refused', async () => {
    for (const name of ['a', 'b']) await made('/sales-plans', plan(`Cursor ${name}`));
    const { next_cursor } = (await ask('GET', '/sales-plans?limit=1&sort=name')).body;
    expectStatus(await ask('GET', `/sales-plans?limit=1&sort=name&cursor=${next_cursor}`), 200);
    for (const query of [
      `sort=-name&cursor=${next_cursor}`,
      `sort=created_at&cursor=${next_cursor}`,
      'cursor=AAAA',
      `cursor=${encoded(['name', 'x'])}`,
      `cursor=${encoded(['name', 1, 2])}`,
      'cursor=a%20b',
    ]) {
      const answer = await ask('GET', `/sales-plans?${query}`);
      expect([answer.status, fieldsOf(answer)], query).toEqual([400, ['cursor']]);
    }
    for (const cursor of [encoded(['name', 'x', 'no id']), encoded(['name', 'a\u0000', next_cursor])])
      expect((await ask('GET', `/sales-plans?cursor=${cursor}`)).status).toBe(400);
  });
});

describe('searching', () => {
  beforeAll(async () => {
    for (const name of ['João D’Ávila', 'AÇÃO', '100% grátis', 'sub_linha', 'sublinha', 'barra\\invertida'])
      await made('/sales-plans', plan(name));
  });
  const searches: [string, string[]][] = [
    ['joao', ['João D’Ávila']],
    ['JOÃO', ['João D’Ávila']],
    ['avila', ['João D’Ávila']],
    ['acao', ['AÇÃO']],
    ['%', ['100% grátis']],
    ['0%_g', []],
    ['sub_l', ['sub_linha']],
    ['_', ['sub_linha']],
    ['\\', ['barra\\invertida']],
    ["' or true --", []],
  ];
  test.each(searches)('%j finds %j', async (q, names) => {
    const { items } = expectStatus(await ask('GET', `/sales-plans?q=${encodeURIComponent(q)}`), 200).body;
    expect(items.map(({ name }: { name: string }) => name)).toEqual(names);
  });
});

describe('CSV', () => {
  /** Rows of cells (RFC 4180 with `;`), without the BOM. */
  function cells(text: string): string[][] {
    const rows: string[][] = [];
    for (const line of text.replace('\uFEFF', '').matchAll(/((?:"(?:[^"]|"")*"|[^"\n])*)\n/g)) {
      const found = [...`${line[1]};`.matchAll(/("(?:[^"]|"")*"|[^;"]*);/g)];
      rows.push(
        found.map(([, cell = '']) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell)),
      );
    }
    return rows;
  }
  const asCsv = async (at: string, key = town.keys.master) =>
    api().ask(key, 'GET', `${V1}${at}`, { headers: { accept: 'text/csv' } });
  const records = (text: string) => {
    const [header = [], ...rows] = cells(text);
    return rows.map((row) => Object.fromEntries(header.map((name, n) => [name, row[n]])));
  };

  test('tells names, amounts and texts so that a spreadsheet reads what is meant', async () => {
    const { reseller_id, sales_plan_id } = town.stranger;
    const common = {
      reseller_id,
      sales_plan_id,
      person_type: 'COMPANY',
      billing_mode: 'POSTPAID',
      max_concurrent_calls: 1,
    };
    const names = ['=1+1', '+55', '-2', '@sum', '"aspas"; e ponto', 'João'];
    for (const [n, name] of names.entries())
      await made('/subscribers', {
        ...common,
        name,
        document: cnpj(500 + n),
        credit_limit_micros: '1234567',
      });
    const { pool } = api().database;
    await pool.query("update subscribers set legal_name = E'duas\\nlinhas' where name = '=1+1'");
    const balances =
      'insert into wallets (subscriber_id, balance_micros) select id, $1 from subscribers where name = $2';
    await pool.query(balances, ['-1500000', '=1+1']);
    await pool.query(balances, ['-7', '+55']);
    await pool.query("update subscribers set daily_spend_cap_micros = 2500000 where name = 'João'");
    const answer = expectStatus(await asCsv('/subscribers?sort=name&limit=1'), 200);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="subscribers.csv"',
      'cache-control': 'no-store',
    });
    expect(answer.text.startsWith('\uFEFFid;reseller_id;name;')).toBe(true);
    const rows = records(answer.text);
    const found = (name: string) => rows.find((row) => row.name === name);
    for (const name of names) expect(found(/^[=+@-]/.test(name) ? `'${name}` : name), name).toBeDefined();
    expect(found("'=1+1")).toMatchObject({
      legal_name: 'duas\nlinhas',
      balance_brl: '-1,500000',
      credit_limit_brl: '1,234567',
    });
    expect(found("'+55")).toMatchObject({
      balance_brl: '-0,000007',
      daily_spend_cap_brl: '',
      allow_loss_calls: 'false',
    });
    // None in the first row, and in its column all the same.
    expect(found('João')).toMatchObject({ daily_spend_cap_brl: '2,500000' });
    expect(Object.keys(rows[0] ?? {}).filter((name) => /_micros$|^can$|^contacts$/.test(name))).toEqual([]);
    expect(rows).toHaveLength(names.length + 3);
  });

  test('holds all rows of all pages, in order and once', async () => {
    const { reseller_id } = town.neighbour;
    await api().database.pool.query(
      "insert into dids (reseller_id, number) select $1, '+5519' || (40000000 + n) from generate_series(1, 1200) n",
      [reseller_id],
    );
    const numbers = (text: string) => records(text).map(({ number }) => number);
    const all = numbers(expectStatus(await asCsv('/numbers?q=%2B5519&sort=-number'), 200).text);
    expect(all).toHaveLength(1_200);
    expect(all).toEqual([...new Set(all)].sort().reverse());
    expect(all[0], 'disarmed, as every text that starts like a formula').toBe("'+551940001200");
    const key = await api().key({ role: 'RESELLER', reseller_id: town.stranger.reseller_id });
    expect(numbers((await asCsv('/numbers?q=%2B5519', key)).text)).toEqual([]);
    expect(numbers((await asCsv('/numbers?q=%2B5519&limit=1&cursor=AAAA')).text)).toHaveLength(1_200);
  });

  test('is for lists that have it, and refusals are problems all the same', async () => {
    const routes = ROUTES.filter(({ csv }) => csv);
    expect(routes.length).toBeGreaterThan(5);
    for (const { path } of routes) {
      const own: Record<string, unknown> = { ...town.ours };
      const at = path.replace(V1, '').replace(/:(\w+)/g, (_, name: string) => String(own[name]));
      const answer = expectStatus(await asCsv(at), 200);
      expect(String(answer.headers['content-type']), at).toContain('text/csv');
      const refusal = await asCsv(`${at}?sort=nothing`);
      expect([refusal.status, fieldsOf(refusal)], at).toEqual([400, ['sort']]);
    }
    expect((await asCsv('/trunks')).body.items).toHaveLength(1);
    expect((await asCsv('/lines', 'pabx_nobody')).status).toBe(401);
  });
});
