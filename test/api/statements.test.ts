import { describe, expect, test } from 'vitest';
import { blockOverdue, closeCycles } from '../../src/admin/close-cycle.ts';
import { runLedgerProof } from '../../src/admin/run-ledger-proof.ts';
import type { PermissionSet } from '../../src/domain/permissions.ts';
import { settleCalls } from '../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../src/stores/postgres/wallets.ts';
import { callOf } from '../stores/postgres/billed-calls.ts';
import { refusal, useMoneyDesk } from './money-desk.ts';
import { expectStatus } from './people.ts';
import { useApi } from './use-api.ts';

const api = useApi();
const desk = useMoneyDesk(api);
const said: object[] = [];
const LOG = {
  info: (fields: object) => void said.push(fields),
  error: (fields: object) => void said.push({ failed: fields }),
};

const system = () => api().database.db;

/** A subscriber with 600 s for fixed local calls at R$ 30 a month, and a line. */
async function addBundled() {
  const subscriber = await desk.add({
    billing_mode: 'BUNDLE',
    bundles: { FIXED_LOCAL: 600 },
    balance_micros: 0n,
  });
  const { line_id, extension } = await subscriber.addLine();
  const { sales_plan_id } = await system()
    .updateTable('minute_bundles')
    .set({ monthly_price_micros: 30_000_000n })
    .where('id', 'in', (e) =>
      e.selectFrom('bundle_slots').select('bundle_id').where('subscriber_id', '=', subscriber.id),
    )
    .executeTakeFirst()
    .then(() =>
      system()
        .selectFrom('subscribers')
        .select('sales_plan_id')
        .where('id', '=', subscriber.id)
        .executeTakeFirstOrThrow(),
    );
  const ids = { subscriber_id: subscriber.id, reseller_id: desk.reseller_id };
  return { ...ids, server_id: desk.server_id, sales_plan_id, line_id, extension, username: 'x' };
}
type Bundled = Awaited<ReturnType<typeof addBundled>>;

const talk = (of: Bundled, cycle_start: string, bundle_seconds: number, total_micros = 0n) => {
  const { extension: _, ...tenant } = of;
  return settleCalls(system(), [
    callOf(tenant, [{ cycle_start, bundle_seconds, total_micros }], { bundle_slot: 'FIXED_LOCAL' }),
  ]);
};

/** March of 2025 with a call of 60 s in minutes and R$ 1.234567 in money, closed. */
async function addStatement(): Promise<Bundled & { statement_id: string }> {
  const tenant = await addBundled();
  await openWallet(system(), tenant, '2025-03-01');
  await talk(tenant, '2025-03-01', 60, 1_234_567n);
  await closeCycles(system(), new Date('2025-04-01T12:00:00Z'), LOG, () => {});
  const [first] = (await desk.get(`/subscribers/${tenant.subscriber_id}/statements`)).body.items;
  return { ...tenant, statement_id: first.id };
}

async function keyOf(subscriber_id: string, permissions: PermissionSet = {}): Promise<string> {
  await system()
    .updateTable('subscribers')
    .set({ permissions: JSON.stringify(permissions) })
    .where('id', '=', subscriber_id)
    .execute();
  return api().key({ role: 'SUBSCRIBER', reseller_id: desk.reseller_id, subscriber_id });
}
const look = (key: string, path: string) => api().ask(key, 'GET', `/api/v1${path}`);

describe('statements', () => {
  test('are read whole, and shown to the cent by rounding once', async () => {
    const { subscriber_id, statement_id } = await addStatement();
    const { body } = expectStatus(await desk.get(`/statements/${statement_id}`), 200);
    expect(body).toMatchObject({
      subscriber_id,
      cycle_start: '2025-03-01',
      cycle_end: '2025-04-01',
      opening_balance_micros: '0',
      closing_balance_micros: '-31234567',
      due_micros: '31234567',
      due_shown: 'R$ 31,23',
      due_on: '2025-04-10',
      block_on: '2025-04-20',
      usage: [{ call_class: 'FIXED_LOCAL', calls: 1, bundle_seconds: 60, amount_micros: '1234567' }],
      bundles: [{ slot: 'FIXED_LOCAL', included_seconds: 600, used_seconds: 60, expired_seconds: 540 }],
      totals: [
        { kind: 'CALL', amount_micros: '-1234567' },
        { kind: 'MONTHLY_FEE', amount_micros: '-30000000' },
      ],
    });
  });

  test('are listed by subscriber, by cycle and by what is due', async () => {
    const { subscriber_id, statement_id } = await addStatement();
    const ids = async (query: string) =>
      (await desk.get(`/statements?${query}`)).body.items.map(({ id }: { id: string }) => id);
    const of = `subscriber_id=${subscriber_id}`;
    expect(await ids(of)).toEqual([statement_id]);
    expect(await ids(`${of}&cycle_start=2025-03-01&is_due=true`)).toEqual([statement_id]);
    expect(await ids(`${of}&is_due=false`)).toEqual([]);
    expect(await ids(`${of}&cycle_start=2025-04-01`)).toEqual([]);
    expect(await ids('sort=due_on')).toContain(statement_id);
    expect(refusal(await desk.get('/statements?is_due=maybe'))).toEqual([400, 'INVALID_REQUEST', 'is_due']);
  });

  test('are a subscriber’s own, and not there for who may not see balance or costs', async () => {
    const [mine, theirs] = [await addStatement(), await addStatement()];
    const at = `/statements/${mine.statement_id}`;
    expect((await look(await keyOf(mine.subscriber_id), at)).status).toBe(200);
    expect((await look(await keyOf(theirs.subscriber_id), at)).status).toBe(404);
    expect((await desk.get(at, 'other')).status).toBe(404);
    for (const field of ['section.statements', 'call.cost', 'subscriber.balance'] as const) {
      const key = await keyOf(mine.subscriber_id, { [field]: { level: 'HIDDEN' } });
      for (const path of [at, '/statements', `/subscribers/${mine.subscriber_id}/statements`])
        expect((await look(key, path)).status, `${field} ${path}`).toBe(404);
    }
  });
});

describe('movements', () => {
  test('tell calls, renewals and fees with what they moved, and filter by kind and time', async () => {
    const { subscriber_id } = await addStatement();
    const at = `/subscribers/${subscriber_id}/movements`;
    const { items } = (await desk.get(at)).body;
    expect(items).toMatchObject([
      {
        kind: 'MONTHLY_FEE',
        amount_micros: '-30000000',
        seconds: 0,
        reference: '2025-03-01',
        author: 'cycle',
      },
      { kind: 'CALL', amount_micros: '-1234567', seconds: -60, author: 'call', cycle_start: '2025-03-01' },
      { kind: 'BUNDLE_RENEWAL', amount_micros: '0', seconds: 600, reference: '2025-03-01', call_id: null },
    ]);
    expect(items[1].call_id).toBe(items[1].reference);
    const kinds = async (query: string) =>
      (await desk.get(`${at}?${query}`)).body.items.map(({ kind }: { kind: string }) => kind);
    expect(await kinds('kind=CALL')).toEqual(['CALL']);
    expect(await kinds('to=2020-01-01T00:00:00Z')).toEqual([]);
    expect(await kinds('from=2020-01-01T00:00:00Z&limit=2')).toEqual(['MONTHLY_FEE', 'CALL']);
    expect(await kinds('sort=id&limit=1')).toEqual(['BUNDLE_RENEWAL']);
  });

  test('come as a file whose sums are those of the ledger', async () => {
    const { subscriber_id } = await addStatement();
    const path = `/subscribers/${subscriber_id}/movements`;
    const { text } = await desk.ask('reseller', 'GET', path, undefined, { accept: 'text/csv' });
    expect(text.split('\n')[1]).toContain(';-30,000000;');
  });

  test('hide what calls cost from who may not see it, and nothing else', async () => {
    const { subscriber_id } = await addStatement();
    const key = await keyOf(subscriber_id, { 'call.cost': { level: 'HIDDEN' } });
    const { items } = (await look(key, `/subscribers/${subscriber_id}/movements`)).body;
    expect(items.map((item: { amount_micros?: string }) => item.amount_micros)).toEqual([
      '-30000000',
      undefined,
      '0',
    ]);
  });
});

describe('who was blocked for owing', () => {
  async function addBlocked(): Promise<string> {
    const { subscriber_id } = await addStatement();
    await blockOverdue(system(), new Date('2025-04-21T12:00:00Z'), LOG);
    expect((await desk.get(`/subscribers/${subscriber_id}`)).body.status).toBe('BLOCKED');
    return subscriber_id;
  }
  const status = async (id: string) => (await desk.get(`/subscribers/${id}`)).body.status;
  const owed = '31234567';

  const payments: [string, (id: string) => Promise<unknown>][] = [
    ['top-up', (id) => desk.post(`/subscribers/${id}/top-ups`, { amount_micros: owed, reference: 'p' })],
    [
      'correction',
      (id) =>
        desk.post(`/subscribers/${id}/corrections`, {
          amount_micros: owed,
          reference: 'p',
          reason: 'acordo',
        }),
    ],
    [
      'transfer',
      async (id) => {
        const from = (await desk.add({ balance_micros: 40_000_000n })).id;
        const ends = { from_subscriber_id: from, to_subscriber_id: id };
        return desk.post('/transfers', { ...ends, amount_micros: owed, reference: from, reason: 'acordo' });
      },
    ],
  ];
  test.each(payments)('calls again after a %s', async (_, pay) => {
    const id = await addBlocked();
    await pay(id);
    expect(await status(id)).toBe('ACTIVE');
  });

  test('stays blocked by people once people said so', async () => {
    const id = await addBlocked();
    const { body } = await desk.get(`/subscribers/${id}`);
    const change = (status: string, version: number) =>
      desk.ask('reseller', 'PATCH', `/subscribers/${id}`, { status }, { 'if-match': `"${version}"` });
    const suspended = expectStatus(await change('SUSPENDED', body.version), 200);
    expectStatus(await change('BLOCKED', suspended.body.version), 200);
    await desk.post(`/subscribers/${id}/top-ups`, { amount_micros: owed, reference: 'p' });
    expect(await status(id)).toBe('BLOCKED');
  });

  test('may be let go by people before', async () => {
    const id = await addBlocked();
    const { body } = await desk.get(`/subscribers/${id}`);
    const headers = { 'if-match': `"${body.version}"` };
    expectStatus(
      await desk.ask('reseller', 'PATCH', `/subscribers/${id}`, { status: 'ACTIVE' }, headers),
      200,
    );
    expect(await status(id)).toBe('ACTIVE');
  });
});

describe('usage of franquias', () => {
  test('of a cycle says what was used, by which line', async () => {
    const tenant = await addBundled();
    await openWallet(system(), tenant, '2025-03-01');
    await talk(tenant, '2025-03-01', 60);
    await talk(tenant, '2025-03-01', 30);
    const at = `/subscribers/${tenant.subscriber_id}`;
    const { body } = expectStatus(await desk.get(`${at}/bundle-usage?cycle_start=2025-03-01`), 200);
    expect(body).toMatchObject({
      cycle_start: '2025-03-01',
      cycle_end: '2025-04-01',
      slots: [
        {
          slot: 'FIXED_LOCAL',
          included_seconds: 600,
          used_seconds: 90,
          left_seconds: 510,
          used_percent: 15,
          ends_at: null,
          by_line: [{ line_id: tenant.line_id, extension: tenant.extension, seconds: 90, calls: 2 }],
        },
      ],
    });
    await openWallet(system(), tenant, '2025-04-01');
    const { items } = (await desk.get(`${at}/bundle-cycles`)).body;
    expect(items).toMatchObject([
      { cycle_start: '2025-04-01', slot: 'FIXED_LOCAL', used_seconds: 0, monthly_price_micros: '30000000' },
      { cycle_start: '2025-03-01', slot: 'FIXED_LOCAL', used_seconds: 90, left_seconds: 510 },
    ]);
  });

  test('of the cycle that runs is whole before anybody called, and has no line of another cycle', async () => {
    const tenant = await addBundled();
    await openWallet(system(), tenant, '2025-03-01');
    await talk(tenant, '2025-03-01', 60);
    const { body } = expectStatus(await desk.get(`/subscribers/${tenant.subscriber_id}/bundle-usage`), 200);
    expect(body.slots).toMatchObject([
      { included_seconds: 600, used_seconds: 0, used_percent: 0, ends_at: null, by_line: [] },
    ]);
  });

  test('tells when minutes end that do not last', async () => {
    const tenant = await addBundled();
    const { body } = await desk.get(`/subscribers/${tenant.subscriber_id}/bundle-usage`);
    await openWallet(system(), tenant, body.cycle_start);
    await talk(tenant, body.cycle_start, 599);
    const [slot] = (await desk.get(`/subscribers/${tenant.subscriber_id}/bundle-usage`)).body.slots;
    expect(slot).toMatchObject({ used_percent: 99, left_seconds: 1 });
    const ends_ms = Date.parse(slot.ends_at);
    expect(ends_ms).toBeGreaterThan(Date.now() - 60_000);
    expect(ends_ms).toBeLessThan(Date.parse(`${body.cycle_end}T23:59:59Z`));
  });

  test('near its end is an alert, seen by reseller and subscriber', async () => {
    const tenant = await addBundled();
    await openWallet(system(), tenant, '2025-03-01');
    await talk(tenant, '2025-03-01', 480);
    const of = `/bundle-alerts?subscriber_id=${tenant.subscriber_id}`;
    const percents = (answer: { body: { items: { percent: number }[] } }) =>
      answer.body.items.map(({ percent }) => percent).sort();
    expect(percents(await desk.get(of))).toEqual([50, 80]);
    expect(percents(await look(await keyOf(tenant.subscriber_id), '/bundle-alerts'))).toEqual([50, 80]);
    expect(percents(await desk.get(of, 'other'))).toEqual([]);
  });
});

describe('the proof of the ledger as a job', () => {
  const metric = async () => {
    const { payload } = await api().app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' });
    return /^pabx_ledger_differences (\d+)$/m.exec(payload)?.[1];
  };

  test('keeps what it found, and says aloud that something differs', async () => {
    expect(await metric()).toBeUndefined();
    expect(await runLedgerProof(system(), LOG)).toEqual([]);
    expect(await metric()).toBe('0');
    await api().database.pool.query(
      'update wallets set balance_micros = balance_micros + 1 where subscriber_id = $1',
      [desk.id],
    );
    said.length = 0;
    expect(await runLedgerProof(system(), LOG)).toHaveLength(1);
    expect(said).toMatchObject([{ failed: { differences: 1, first: { id: desk.id } } }]);
    expect(await metric()).toBe('1');
    const { rows } = await api().database.pool.query('select differences from ledger_proofs order by id');
    expect(rows).toEqual([{ differences: 0 }, { differences: 1 }]);
  });
});
