import { request } from 'node:http';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { addReseller } from '../../dev/world/tenants.ts';
import { importSalesDeckRoute, listSalesDeckRoute, previewSalesDeckRoute } from '../../src/contract/decks.ts';
import { readJobRoute } from '../../src/contract/jobs.ts';
import { MOST_UPLOADED_bytes } from '../../src/contract/route.ts';
import { useApi } from './use-api.ts';

const api = useApi();
let keys: { master: string; ours: string; theirs: string };
let plans: { ours: string; theirs: string; cost: string; strange: string };

async function insertPlan(reseller_id: string, name: string): Promise<string> {
  const values = { reseller_id, name };
  const { db } = api().database;
  return (await db.insertInto('sales_plans').values(values).returning('id').executeTakeFirstOrThrow()).id;
}

beforeAll(async () => {
  const { db } = api().database;
  const [ours, theirs] = [await addReseller(db), await addReseller(db)];
  const insertCost = async (name: string) =>
    (await db.insertInto('cost_plans').values({ name }).returning('id').executeTakeFirstOrThrow()).id;
  plans = {
    ours: await insertPlan(ours, 'Nosso'),
    theirs: await insertPlan(theirs, 'Deles'),
    cost: await insertCost('Atacado'),
    strange: await insertCost('Outro'),
  };
  await db.updateTable('resellers').set({ cost_plan_id: plans.cost }).where('id', '=', ours).execute();
  keys = {
    master: await api().key({ role: 'MASTER' }),
    ours: await api().key({ role: 'RESELLER', reseller_id: ours }),
    theirs: await api().key({ role: 'RESELLER', reseller_id: theirs }),
  };
});

const CSV = { 'content-type': 'text/csv' };
const sales = (plan: string, rest: string) => `/api/v1/sales-plans/${plan}/${rest}`;
const cost = (plan: string, rest: string) => `/api/v1/cost-plans/${plan}/${rest}`;
const upload = (key: string | null, url: string, file: string | Uint8Array, headers: object = CSV) =>
  api().ask(key, 'POST', url, { body: file, headers: headers as Record<string, string> });

/** The job once it is over. */
async function over(key: string, job_id: string, language = 'en') {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const { body } = await api().ask(key, 'GET', `/api/v1/jobs/${job_id}`, {
      headers: { 'accept-language': language },
    });
    if (body.state === 'DONE' || body.state === 'FAILED') return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the job is not over');
}

const FIRST = '5511;São Paulo;F;0,10;30/6/3;1\n5521;Rio;F;0,20;30/6/3;1\n55119;SP móvel;C;0,50;30/6/3;0\n';
const SECOND = '5511;São Paulo;F;0,08;30/6/3;1\n5521;Rio;F;0,25;30/6/3;1\n351;Portugal;;1;60/60;1\n';

describe('a deck', () => {
  test('is uploaded by a reseller, read in the background, and replaced whole; the old one stays', async () => {
    const client = api().client(keys.ours);
    const params = { sales_plan_id: plans.ours };
    const ordered = await client(importSalesDeckRoute, { params, body: Buffer.from(FIRST) });
    expect(ordered).toMatchObject({ kind: 'IMPORT_DECK', author: 'test', result: null, fault_count: 0 });
    const first = await over(keys.ours, ordered.id);
    expect(first).toMatchObject({
      state: 'DONE',
      done: 3,
      total: 3,
      faults: [],
      result: { rows: 3, active: 2 },
    });
    expect((await client(listSalesDeckRoute, { params })).items).toEqual([
      {
        prefix: '5511',
        locality: 'São Paulo',
        kind: 'FIXED',
        price_micros_per_minute: '100000',
        initial_seconds: 30,
        increment_seconds: 6,
        free_threshold_seconds: 3,
        active: true,
      },
      expect.objectContaining({ prefix: '55119', kind: 'MOBILE', active: false }),
      expect.objectContaining({ prefix: '5521' }),
    ]);
    const second = await client(importSalesDeckRoute, { params, body: Buffer.from(SECOND) });
    await over(keys.ours, second.id);
    const prefixes = async (query: object) =>
      (await client(listSalesDeckRoute, { params, query })).items.map(({ prefix }) => prefix);
    expect(await prefixes({})).toEqual(['351', '5511', '5521']);
    expect(await prefixes({ version_id: first.result.version_id })).toEqual(['5511', '55119', '5521']);
    expect(await prefixes({ q: '55' })).toEqual(['5511', '5521']);
    expect(await prefixes({ q: 'SAO' })).toEqual(['5511']);
    expect(await prefixes({ q: '511' })).toEqual([]);
    const page = await client(listSalesDeckRoute, { params, query: { limit: 2, sort: '-prefix' } });
    expect(page.items.map(({ prefix }) => prefix)).toEqual(['5521', '5511']);
    expect(await prefixes({ limit: 2, sort: '-prefix', cursor: page.next_cursor })).toEqual(['351']);
  });

  test('that was exported can be imported as it is', async () => {
    const read = async () => (await api().ask(keys.ours, 'GET', sales(plans.ours, 'deck'))).body.items;
    const before = await read();
    const csv = await api().ask(keys.ours, 'GET', sales(plans.ours, 'deck'), {
      headers: { accept: 'text/csv' },
    });
    expect(csv.text).toContain('price_brl_per_minute');
    const preview = await upload(keys.ours, sales(plans.ours, 'deck-previews'), csv.text);
    expect(preview.body).toMatchObject({
      fault_count: 0,
      difference: { unchanged: before.length, changed: 0 },
    });
  });

  test('is previewed: counts, rows as understood, and what would change; nothing is saved', async () => {
    const params = { sales_plan_id: plans.ours };
    const file =
      '5511;São Paulo;F;0,09;30/6/3;1\n5521;Rio;F;0,20;30/6/3;1\n351;Portugal;;1;60/60;0\n1;USA;;1;6/6;1';
    const preview = await api().client(keys.ours)(previewSalesDeckRoute, { params, body: Buffer.from(file) });
    expect(preview).toMatchObject({
      rows: 4,
      active: 3,
      fault_count: 0,
      faults: [],
      difference: { added: 1, removed: 0, dearer: 1, cheaper: 1, changed: 1, unchanged: 0 },
    });
    expect(preview.first_rows[0]).toMatchObject({ prefix: '5511', price_micros_per_minute: '90000' });
    const { body } = await api().ask(keys.ours, 'GET', sales(plans.ours, 'deck'));
    expect(body.items).toMatchObject([{ prefix: '351' }, { price_micros_per_minute: '80000' }, {}]);
    const fresh = await insertPlan((await resellerOf(plans.ours)) ?? '', 'Sem deck');
    const other = await upload(keys.ours, sales(fresh, 'deck-previews'), file);
    expect(other.body.difference).toEqual({
      added: 4,
      removed: 0,
      dearer: 0,
      cheaper: 0,
      changed: 0,
      unchanged: 0,
    });
    expect((await api().ask(keys.ours, 'GET', sales(fresh, 'deck'))).body).toEqual({
      items: [],
      next_cursor: null,
    });
  });

  test('with faults is refused whole and says where, in the reader’s language', async () => {
    const file = `${FIRST}011;x;F;-1;30/6;1\n`;
    const preview = await upload(keys.ours, sales(plans.ours, 'deck-previews'), file);
    expect(preview.body).toMatchObject({ rows: 4, fault_count: 2, difference: null });
    const { body: ordered, status } = await upload(keys.ours, sales(plans.ours, 'decks'), file);
    expect(status).toBe(202);
    const job = await over(keys.ours, ordered.id, 'pt');
    expect(job).toMatchObject({ state: 'FAILED', fault_count: 2, result: null });
    expect(job.faults).toEqual([
      { line: 4, column: 'prefixo', value: '011', reason: expect.stringContaining('começa com 0') },
      { line: 4, column: 'preço', value: '-1', reason: 'não pode ser negativo' },
    ]);
    expect(preview.body.faults[1]).toEqual({
      line: 4,
      column: 'price',
      value: '-1',
      reason: 'must not be negative',
    });
    expect((await api().ask(keys.ours, 'GET', sales(plans.ours, 'deck'))).body.items).toHaveLength(3);
  });

  test('may begin later, never earlier', async () => {
    const past = await upload(keys.ours, sales(plans.ours, 'decks?valid_from=2020-01-01T00:00:00Z'), FIRST);
    expect(past).toMatchObject({ status: 400, body: { errors: [{ field: 'valid_from' }] } });
    const later = new Date(Date.now() + 86_400_000).toISOString();
    const { body } = await upload(keys.ours, sales(plans.ours, `decks?valid_from=${later}`), FIRST);
    const job = await over(keys.ours, body.id);
    const now = await api().ask(keys.ours, 'GET', sales(plans.ours, 'deck'));
    expect(now.body.items.map(({ prefix }: { prefix: string }) => prefix)).toContain('351');
    const then = await api().ask(
      keys.ours,
      'GET',
      sales(plans.ours, `deck?version_id=${job.result.version_id}`),
    );
    expect(then.body.items).toHaveLength(3);
  });
});

async function resellerOf(plan: string) {
  const { db } = api().database;
  const rows = db.selectFrom('sales_plans').select('reseller_id').where('id', '=', plan);
  return (await rows.executeTakeFirst())?.reseller_id;
}

describe('whose it is', () => {
  test.each(['decks', 'deck-previews'])('%s of somebody else’s plan are not there', async (rest) => {
    expect((await upload(keys.theirs, sales(plans.ours, rest), FIRST)).status).toBe(404);
    // Cost is the platform's: a reseller reads the one it buys by, and writes none.
    expect((await upload(keys.ours, cost(plans.cost, rest), FIRST)).status).toBe(404);
    expect((await upload(null, sales(plans.ours, rest), FIRST)).status).toBe(401);
  });

  test('a reseller reads the deck that it buys by, and no other', async () => {
    const { body } = await upload(keys.master, cost(plans.cost, 'decks'), FIRST);
    expect(await over(keys.master, body.id)).toMatchObject({ state: 'DONE', reseller_id: null });
    const read = (key: string, plan: string) => api().ask(key, 'GET', cost(plan, 'deck'));
    expect((await read(keys.ours, plans.cost)).body.items).toHaveLength(3);
    expect((await read(keys.theirs, plans.cost)).status).toBe(404);
    expect((await read(keys.ours, plans.strange)).status).toBe(404);
    expect((await read(keys.master, plans.strange)).body.items).toEqual([]);
  });

  test('a version is of its plan only', async () => {
    const { body } = await upload(keys.theirs, sales(plans.theirs, 'decks'), FIRST);
    const { result } = await over(keys.theirs, body.id);
    const url = (plan: string) => sales(plan, `deck?version_id=${result.version_id}`);
    expect((await api().ask(keys.theirs, 'GET', url(plans.theirs))).status).toBe(200);
    expect((await api().ask(keys.ours, 'GET', url(plans.ours))).status).toBe(404);
    expect((await api().ask(keys.master, 'GET', url(plans.ours))).status).toBe(404);
  });

  test('a job is of its reseller and of the master', async () => {
    const { body } = await upload(keys.master, sales(plans.ours, 'decks'), 'x');
    await over(keys.ours, body.id);
    await expect(
      api().client(keys.theirs)(readJobRoute, { params: { job_id: body.id } }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const list = async (key: string, query = '') =>
      (await api().ask(key, 'GET', `/api/v1/jobs${query}`)).body.items as { id: string; state: string }[];
    expect((await list(keys.theirs)).map(({ id }) => id)).not.toContain(body.id);
    expect((await list(keys.ours, '?state=FAILED'))[0]).toMatchObject({ id: body.id, fault_count: 1 });
    expect((await list(keys.ours, '?state=FAILED'))[0]).not.toHaveProperty('faults');
    expect(new Set((await list(keys.ours, '?state=DONE')).map(({ state }) => state))).toEqual(
      new Set(['DONE']),
    );
    expect(await list(keys.ours, '?kind=RE_RATE')).toEqual([]);
    expect((await list(keys.master)).length).toBeGreaterThan((await list(keys.ours)).length);
  });
});

describe('a body', () => {
  test.each([
    ['JSON', '{"a":1}', { 'content-type': 'application/json' }],
    ['a form', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['nothing', '', {}],
    ['an empty file', '', CSV],
    ['bytes that are no text', Buffer.from([0, 1, 2]), CSV],
    ['a spreadsheet', Buffer.from('PK\u0003\u0004'), { 'content-type': 'application/octet-stream' }],
  ])('of %s is refused at once', async (_, file, headers) => {
    const answer = await api().ask(keys.ours, 'POST', sales(plans.ours, 'decks'), {
      ...(Object.keys(headers).length === 0 ? {} : { body: file }),
      headers: headers as Record<string, string>,
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  });

  test('is taken as octets too, and not where there is JSON to send', async () => {
    const octets = { 'content-type': 'application/octet-stream' };
    expect((await upload(keys.ours, sales(plans.ours, 'deck-previews'), FIRST, octets)).status).toBe(200);
    expect((await upload(keys.ours, '/api/v1/sales-plans', FIRST)).status).toBe(400);
  });

  test('of any bytes at all is answered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const { status, text } = await upload(keys.ours, sales(plans.ours, 'deck-previews'), bytes);
        expect(status, text).toBeLessThan(500);
      }),
      { numRuns: 50 },
    );
  });

  /** Sends so many bytes over a socket, as long as it may. Gives the answer and how much went out. */
  function send(key: string | null, size: number, headers: Record<string, string | number>) {
    return new Promise<{ status: number; text: string; sent: number }>((resolve, reject) => {
      const piece = Buffer.alloc(1024 * 1024, '5');
      let sent = 0;
      const outgoing = request(
        {
          port: api().port,
          method: 'POST',
          path: sales(plans.ours, 'decks'),
          headers: { ...CSV, ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
        },
        (incoming) => {
          let text = '';
          incoming.on('data', (chunk) => (text += chunk));
          incoming.on('end', () => {
            resolve({ status: incoming.statusCode ?? 0, text, sent });
            outgoing.destroy();
          });
        },
      );
      outgoing.on('error', reject);
      const more = () => {
        if (sent >= size || outgoing.destroyed) return outgoing.end();
        sent += piece.length;
        outgoing.write(piece, (error) => error || setImmediate(more));
      };
      more();
    });
  }

  test('of 100 MB is refused with the limit, before it was sent', async () => {
    const size = 100 * 1024 * 1024;
    const answer = await send(keys.ours, size, { 'content-length': size });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'TOO_LARGE',
      detail: expect.stringContaining('16 MiB'),
    });
    expect(answer.sent).toBeLessThan(size / 2);
  });

  test('that never ends is refused when it has passed the limit', async () => {
    const answer = await send(keys.ours, 100 * 1024 * 1024, { 'transfer-encoding': 'chunked' });
    expect(answer.status).toBe(413);
    expect(answer.sent).toBeLessThan(2 * MOST_UPLOADED_bytes);
  });

  test('of nobody is refused before it is read', async () => {
    const answer = await send(null, 100 * 1024 * 1024, { 'transfer-encoding': 'chunked' });
    expect(answer.status).toBe(401);
    expect(answer.sent).toBeLessThan(MOST_UPLOADED_bytes);
  });

  test('of exactly the limit is taken', async () => {
    const row = '5511;São Paulo;F;0,10;30/6/3;1\n';
    const file = Buffer.concat([
      Buffer.from(row),
      Buffer.alloc(MOST_UPLOADED_bytes - Buffer.byteLength(row), '\n'),
    ]);
    expect((await upload(keys.ours, sales(plans.ours, 'decks'), file)).status).toBe(202);
    const more = await upload(
      keys.ours,
      sales(plans.ours, 'decks'),
      Buffer.concat([file, Buffer.from('\n')]),
    );
    expect(more).toMatchObject({ status: 413, body: { detail: 'the body is too large: 16 MiB at most' } });
  });
});
