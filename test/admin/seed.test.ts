import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createDatabase, type Database } from '../../dev/world/database.ts';
import { sipDigest } from '../../src/admin/create-line.ts';
import { AlreadySeededError, type Seeded, seed } from '../../src/admin/seed.ts';
import { classifyDialled, type DialContext } from '../../src/domain/dialled-number.ts';
import { hashToken } from '../../src/stores/postgres/api-keys.ts';
import { proveLedger } from '../../src/stores/postgres/prove-ledger.ts';
import { listSubscribers } from '../../src/stores/postgres/subscribers.ts';

let database: Database;
let server_id: string;
let seeded: Seeded;

async function addServer({ db }: Database): Promise<string> {
  const { id } = await db
    .insertInto('asterisk_servers')
    .values({
      name: 'srv1',
      token_sha256: hashToken('no token'),
      ari_url: 'http://127.0.0.1:1',
      ami_host: '127.0.0.1',
      ami_port: 1,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

const TABLES = [
  'resellers',
  'sales_plans',
  'rate_versions',
  'cost_plans',
  'minute_bundles',
  'subscribers',
  'bundle_slots',
  'lines',
  'wallets',
  'bundle_allocations',
  'ledger_movements',
  'ledger_entries',
  'calls',
] as const;

async function countRows({ db }: Database): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of TABLES) {
    const { rows } = await sql<{ n: bigint }>`select count(*) as n from ${sql.table(table)}`.execute(db);
    counts[table] = Number(rows[0]?.n);
  }
  return counts;
}

function dialledFrom(areaCode: string, extensions: ReadonlySet<string> = new Set()): DialContext {
  return { areaCode, extensions, intlDialing: 'NO_CSP', autoNinthDigit: true };
}

const byName = async (name: string) => {
  const { items } = await listSubscribers(database.db, { limit: 100, sort: 'name' });
  const row = items.find((subscriber) => subscriber.name === name);
  if (!row) throw new Error(`no subscriber ${name}`);
  return row;
};

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  server_id = await addServer(database);
  seeded = await seed(database.db, { server_id });
});

afterAll(() => database.close());

test('one reseller with two full plans, its franquias, subscribers and lines', async () => {
  expect(await countRows(database)).toMatchObject({
    resellers: 1,
    sales_plans: 2,
    cost_plans: 1,
    rate_versions: 3,
    minute_bundles: 6,
    subscribers: 8,
    bundle_slots: 14,
    lines: 24,
  });
  const versions = await database.db.selectFrom('rate_versions').select('class_rates').execute();
  const rates = versions.flatMap(({ class_rates }) => class_rates);
  expect(rates).toHaveLength(27);
  const byTenths = rates.filter(
    ({ initial_seconds, increment_seconds, free_threshold_seconds }) =>
      `${initial_seconds}/${increment_seconds}/${free_threshold_seconds}` === '30/6/3',
  );
  expect(byTenths.length).toBeGreaterThan(rates.length / 2);
});

test('every modality is there, and the special cases', async () => {
  const subscribers = await database.db.selectFrom('subscribers').selectAll().execute();
  expect(new Set(subscribers.map((row) => row.billing_mode))).toEqual(
    new Set(['PREPAID', 'POSTPAID', 'BUNDLE']),
  );
  expect(subscribers.some((row) => row.ldn_fixed_uses_local && row.ldn_mobile_uses_local)).toBe(true);
  expect(subscribers.some((row) => row.max_concurrent_calls === 2)).toBe(true);
  for (const row of subscribers) {
    if (row.billing_mode === 'PREPAID') expect(row.credit_limit_micros).toBe(0n);
    else expect(row.credit_limit_micros).toBeGreaterThan(0n);
  }
  const slots = (await byName('Hotel Mar Azul')).bundles.map((bundle) => bundle.slot);
  expect(slots).toHaveLength(6);
});

test('one is nearly out of minutes and one nearly out of money', async () => {
  const mobile = (await byName('Moura & Lins Advocacia')).bundles.find(({ slot }) => slot === 'MOBILE_LOCAL');
  expect(mobile).toMatchObject({ included_seconds: 3_600, left_seconds: 48 });
  expect((await byName('Pizzaria Bella Massa')).balance_micros).toBe(550_000n);
});

test('credentials belong to the lines, and their extensions can be dialled', async () => {
  for (const subscriber of seeded.subscribers) {
    expect(subscriber.lines.length).toBeGreaterThanOrEqual(2);
    expect(subscriber.lines.length).toBeLessThanOrEqual(4);
    const extensions = new Set(subscriber.lines.map((line) => line.extension));
    for (const line of subscriber.lines) {
      const row = await database.db
        .selectFrom('lines')
        .selectAll()
        .where('id', '=', line.line_id)
        .executeTakeFirstOrThrow();
      expect(row).toMatchObject({
        subscriber_id: subscriber.subscriber_id,
        extension: line.extension,
        area_code: line.area_code,
        sip_ha1: sipDigest(line.sip_username, line.sip_password),
      });
      expect(classifyDialled(line.extension, dialledFrom(line.area_code, extensions))).toMatchObject({
        class: 'INTERNAL',
      });
    }
  }
});

test('the numbers of past calls are of the class that was charged, and no two calls overlap', async () => {
  const calls = await database.db
    .selectFrom('calls as c')
    .innerJoin('lines as l', 'l.id', 'c.line_id')
    .selectAll('c')
    .select('l.area_code')
    .orderBy('c.line_id')
    .orderBy('c.created_at')
    .execute();
  expect(calls.length).toBeGreaterThan(20);
  for (const [index, call] of calls.entries()) {
    expect(classifyDialled(call.dialled, dialledFrom(call.area_code))).toMatchObject({
      class: call.call_class,
      number: call.number,
    });
    expect(call.talk_ms).toBeGreaterThanOrEqual(30_000);
    expect(call.billed_seconds * 1000).toBe(call.talk_ms);
    const next = calls[index + 1];
    if (next?.line_id === call.line_id) expect(call.ended_at < next.created_at).toBe(true);
    expect(call.ended_at < new Date()).toBe(true);
  }
});

test('the ledger sums to zero, and wallets and records agree with it', async () => {
  const { db } = database;
  const sums = await sql`select unit, sum(amount) as sum from ledger_entries group by unit`.execute(db);
  expect(sums.rows).toEqual(
    expect.arrayContaining([
      { unit: 'MICROS', sum: '0' },
      { unit: 'SECONDS', sum: '0' },
    ]),
  );
  expect(await proveLedger(db)).toEqual([]);
  const uncharged = await sql`
    select c.id from calls c where not exists (select from ledger_movements where reference = c.id)`.execute(
    db,
  );
  expect(uncharged.rows).toEqual([]);
});

test('a second run is refused and changes nothing', async () => {
  const before = await countRows(database);
  await expect(seed(database.db, { server_id })).rejects.toThrow(AlreadySeededError);
  expect(await countRows(database)).toEqual(before);
});

test('of two runs at the same moment one is refused', async () => {
  const other = await createDatabase(inject('postgresUrl'));
  try {
    const at = { server_id: await addServer(other) };
    const results = await Promise.allSettled([seed(other.db, at), seed(other.db, at)]);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = results.find((result) => result.status === 'rejected');
    expect(refused?.reason).toBeInstanceOf(AlreadySeededError);
    expect(await countRows(other)).toEqual(await countRows(database));
  } finally {
    await other.close();
  }
});

test('an unknown server leaves nothing behind', async () => {
  const other = await createDatabase(inject('postgresUrl'));
  try {
    const unknown = { server_id: '00000000-0000-4000-8000-000000000000' };
    await expect(seed(other.db, unknown)).rejects.toThrow(/server_id/);
    expect((await countRows(other)).resellers).toBe(0);
  } finally {
    await other.close();
  }
});
