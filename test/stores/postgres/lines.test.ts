import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { addSubscriber } from '../../../dev/world/tenants.ts';
import { versionAt } from '../../../src/domain/rate-table.ts';
import type { Db } from '../../../src/stores/postgres/connect.ts';
import { findLineFacts, findNumberFacts, findTrunkFacts } from '../../../src/stores/postgres/lines.ts';
import {
  addClassVersion,
  listVersionStarts,
  type PlanRef,
  readRateTable,
} from '../../../src/stores/postgres/rate-versions.ts';
import { addServer, addTenant, type Tenant, useDatabase } from './use-tenants.ts';

const database = useDatabase();

async function factsOf(username: string) {
  const facts = await findLineFacts(database().db, username);
  if (!facts) throw new Error(`no line ${username}`);
  return facts;
}

async function addLine(tenant: Tenant, extension: string, status: 'ACTIVE' | 'BLOCKED' = 'ACTIVE') {
  const sip_username = `${extension}u${tenant.username}`.slice(0, 32);
  await database()
    .db.insertInto('lines')
    .values({
      subscriber_id: tenant.subscriber_id,
      extension,
      name: extension,
      sip_username,
      sip_ha1: '0'.repeat(32),
      area_code: '21',
      allowed_classes: ['INTERNAL'],
      max_concurrent_calls: 1,
      status,
    })
    .execute();
  return sip_username;
}

async function addPlan(db: Db, reseller_id: string, price_micros_per_minute: bigint): Promise<string> {
  const { id } = await db
    .insertInto('sales_plans')
    .values({ reseller_id, name: `Preços ${price_micros_per_minute}` })
    .returning('id')
    .executeTakeFirstOrThrow();
  await addVersion(db, { sales_plan_id: id }, '2000-01-01T00:00:00Z', price_micros_per_minute);
  return id;
}

async function addCostPlan(db: Db): Promise<string> {
  const values = { name: `Custo ${randomUUID()}` };
  const plan = await db.insertInto('cost_plans').values(values).returning('id').executeTakeFirstOrThrow();
  return plan.id;
}

/** Prices of one class from a moment on. */
function addVersion(
  db: Db,
  plan: PlanRef,
  valid_from: string,
  price_micros_per_minute = 42n,
): Promise<string> {
  const cadence = { initial_seconds: 60, increment_seconds: 6, free_threshold_seconds: 0 };
  const price = price_micros_per_minute.toString();
  return db.transaction().execute((tx) =>
    addClassVersion(tx, {
      plan,
      valid_from: new Date(valid_from),
      author: 'test',
      class_rates: [{ call_class: 'MOBILE_LDN', price_micros_per_minute: price, ...cadence }],
    }),
  );
}

const LONG_AGO_ms = Date.parse('2000-01-01T00:00:00Z');

/** A number of a tenant with limits of its own. */
async function addNumber(db: Db, { reseller_id, subscriber_id, line_id }: Tenant, number: string) {
  const limits = { max_concurrent_calls: 4, max_concurrent_out: 3, max_concurrent_in: 2 };
  const { id } = await db
    .insertInto('dids')
    .values({ reseller_id, subscriber_id, target_line_id: line_id, number, ...limits })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
const LIMITS = { max_calls: 4, max_calls_out: 3, max_calls_in: 2 };

describe('the facts of a number', () => {
  test('are its own, with its limits; a line has those of the one that it shows, while that is active', async () => {
    const { db } = database();
    const tenant = await addTenant(db, { billing_mode: 'PREPAID' });
    const did_id = await addNumber(db, tenant, '+551140009876');
    expect(await findNumberFacts(db, '+551140009876')).toMatchObject({ did_id, active: true, ...LIMITS });
    expect((await factsOf(tenant.username)).caller_id_limits).toBeNull();
    await db
      .updateTable('lines')
      .set({ caller_id_did_id: did_id })
      .where('id', '=', tenant.line_id)
      .execute();
    const shown = { caller_id: '+551140009876', caller_id_limits: { did_id, ...LIMITS } };
    expect(await factsOf(tenant.username)).toMatchObject(shown);
    await db.updateTable('dids').set({ status: 'INACTIVE' }).where('id', '=', did_id).execute();
    expect(await factsOf(tenant.username)).toMatchObject({ caller_id: null, caller_id_limits: null });
  });
});

describe('the facts of a line', () => {
  test('are its own, its subscriber’s and its reseller’s', async () => {
    const { db } = database();
    const tenant = await addTenant(db, {
      billing_mode: 'BUNDLE',
      name: 'Padaria São João',
      credit_limit_micros: 9_007_199_254_740n,
      max_concurrent_calls: 7,
      bundles: { FIXED_LOCAL: 60, MOBILE_LDN: 60 },
      ldn_mobile_uses_local: true,
      priced: ['FIXED_LOCAL'],
      rate: { price_micros_per_minute: 123_457n, cadence: [30, 6, 3] },
    });
    await db
      .updateTable('resellers')
      .set({ max_concurrent_calls: 77, credit_limit_micros: 9_007_199_254_741n })
      .where('id', '=', tenant.reseller_id)
      .execute();
    await db
      .updateTable('subscribers')
      .set({
        ...{ cycle_day: 31, allow_loss_calls: true, intl_dialing: 'AUTO', auto_ninth_digit: false },
        ...{ max_concurrent_out: 6, max_concurrent_in: 5, reserved_in: 2, max_calls_per_second: 9 },
        ...{ internal_calls_take_slots: false, warn_seconds: 20, switch_tone: true },
        daily_spend_cap_micros: 9_007_199_254_742n,
      })
      .where('id', '=', tenant.subscriber_id)
      .execute();
    await db
      .updateTable('lines')
      .set({ max_calls_per_second: 3, max_call_seconds: 600, max_ring_seconds: 20 })
      .where('id', '=', tenant.line_id)
      .execute();
    const facts = await factsOf(tenant.username);
    expect(facts).toMatchObject({
      line_id: tenant.line_id,
      sip_username: tenant.username,
      extension: '201',
      area_code: '11',
      line_status: 'ACTIVE',
      line_max_calls: 50,
      line_calls_per_second: 3,
      max_call_seconds: 600,
      max_ring_seconds: 20,
      plan_id: tenant.sales_plan_id,
      sale_versions: [{ version_id: expect.any(String), valid_from_ms: LONG_AGO_ms }],
    });
    const version_id = facts.sale_versions[0]?.version_id ?? '';
    expect(await readRateTable(db, version_id)).toEqual({
      version_id,
      deck: null,
      class_rates: new Map([
        [
          'FIXED_LOCAL',
          {
            price_micros_per_minute: 123_457n,
            cadence: { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
          },
        ],
      ]),
    });
    expect(facts.allowed_classes.has('FIXED_LOCAL')).toBe(true);
    expect(facts.subscriber).toEqual({
      subscriber_id: tenant.subscriber_id,
      reseller_id: tenant.reseller_id,
      name: 'Padaria São João',
      billing_mode: 'BUNDLE',
      status: 'ACTIVE',
      max_calls: 7,
      max_calls_out: 6,
      max_calls_in: 5,
      reserved_in: 2,
      calls_per_second: 9,
      internal_calls_take_slots: false,
      warn_seconds: 20,
      switch_tone: true,
      daily_cap_micros: 9_007_199_254_742n,
      reseller_max_calls: 77,
      credit_limit_micros: 9_007_199_254_740n,
      reseller_credit_micros: 9_007_199_254_741n,
      wholesale_versions: null,
      allow_loss_calls: true,
      intl_dialing: 'AUTO',
      auto_ninth_digit: false,
      cycle_day: 31,
      ldn_fixed_uses_local: false,
      ldn_mobile_uses_local: true,
      slots: new Set(['FIXED_LOCAL', 'MOBILE_LDN']),
      extensions: new Map([['201', tenant.username]]),
      groups: new Map(),
    });
  });

  test('of a stranger are none', async () => {
    expect(await findLineFacts(database().db, "x' or true --")).toBeNull();
  });

  test.each([
    ['PREPAID', 0n],
    ['POSTPAID', 5_000n],
    ['BUNDLE', 5_000n],
  ] as const)('%s: a credit limit of %s', async (billing_mode, limit) => {
    const tenant = await addTenant(database().db, { billing_mode, credit_limit_micros: 5_000n });
    expect((await factsOf(tenant.username)).subscriber.credit_limit_micros).toBe(limit);
  });

  test.each([
    // reseller, subscriber, what the decision sees
    ['ACTIVE', 'ACTIVE', 'ACTIVE'],
    ['ACTIVE', 'SUSPENDED', 'SUSPENDED'],
    ['SUSPENDED', 'ACTIVE', 'SUSPENDED'],
    ['INACTIVE', 'ACTIVE', 'INACTIVE'],
    ['BLOCKED', 'SUSPENDED', 'BLOCKED'],
  ] as const)('reseller %s, subscriber %s: %s', async (reseller, subscriber, seen) => {
    const { db } = database();
    const tenant = await addTenant(db);
    await db
      .updateTable('resellers')
      .set({ status: reseller })
      .where('id', '=', tenant.reseller_id)
      .execute();
    await db
      .updateTable('subscribers')
      .set({ status: subscriber })
      .where('id', '=', tenant.subscriber_id)
      .execute();
    expect((await factsOf(tenant.username)).subscriber.status).toBe(seen);
  });
});

test('extensions: the active lines of the subscriber, and its own whatever its status', async () => {
  const { db } = database();
  const tenant = await addTenant(db);
  const other = await addTenant(db);
  await addLine(other, '299');
  const active = await addLine(tenant, '202');
  const blocked = await addLine(tenant, '203', 'BLOCKED');
  expect((await factsOf(tenant.username)).subscriber.extensions).toEqual(
    new Map([
      ['201', tenant.username],
      ['202', active],
    ]),
  );
  expect((await factsOf(blocked)).subscriber.extensions).toEqual(
    new Map([
      ['201', tenant.username],
      ['202', active],
      ['203', blocked],
    ]),
  );
  expect((await factsOf(blocked)).line_status).toBe('BLOCKED');
});

describe('the plan', () => {
  test('of the line goes before the subscriber’s, with its versions and no other', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const plan = await addPlan(db, tenant.reseller_id, 42n);
    await db.updateTable('lines').set({ sales_plan_id: plan }).where('id', '=', tenant.line_id).execute();
    const facts = await factsOf(tenant.username);
    expect(facts.plan_id).toBe(plan);
    const versions = await listVersionStarts(db, { sales_plan_id: plan });
    expect(versions).toHaveLength(1);
    expect(facts.sale_versions).toEqual(versions);
    const second = await addLine(tenant, '202');
    expect((await factsOf(second)).plan_id).toBe(tenant.sales_plan_id);
  });

  test('that is not active has no prices; the subscriber’s does not step in', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const plan = await addPlan(db, tenant.reseller_id, 42n);
    await db.updateTable('lines').set({ sales_plan_id: plan }).where('id', '=', tenant.line_id).execute();
    await db.updateTable('sales_plans').set({ status: 'INACTIVE' }).where('id', '=', plan).execute();
    expect((await factsOf(tenant.username)).sale_versions).toEqual([]);
    await db.updateTable('sales_plans').set({ status: 'ACTIVE' }).where('id', '=', plan).execute();
    expect((await factsOf(tenant.username)).sale_versions).toHaveLength(1);
  });

  test('has its versions in the order of their beginning; of those that begin together the later counts', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const plan = { sales_plan_id: tenant.sales_plan_id };
    const added: string[] = [];
    for (const from of ['2026-03-01T00:00:00Z', '2026-01-01T00:00:00.123Z', '2026-03-01T00:00:00Z'])
      added.push(await addVersion(db, plan, from));
    const { sale_versions } = await factsOf(tenant.username);
    const [first, ...later] = sale_versions;
    expect(first?.valid_from_ms).toBe(LONG_AGO_ms);
    expect(later).toEqual([
      { version_id: added[1], valid_from_ms: Date.parse('2026-01-01T00:00:00.123Z') },
      { version_id: added[0], valid_from_ms: Date.parse('2026-03-01T00:00:00Z') },
      { version_id: added[2], valid_from_ms: Date.parse('2026-03-01T00:00:00Z') },
    ]);
    expect(versionAt(sale_versions, Date.parse('2026-03-01T00:00:00Z'))).toBe(added[2]);
    expect(versionAt(sale_versions, Date.parse('2026-02-28T23:59:59.999Z'))).toBe(added[1]);
  });

  test('without franquias leaves no slots', async () => {
    const tenant = await addTenant(database().db, { billing_mode: 'PREPAID', priced: [] });
    expect((await factsOf(tenant.username)).subscriber.slots.size).toBe(0);
  });
});

describe('what a reseller buys by', () => {
  test('is its cost plan; one that is not active has no prices, which is not the same as none', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const wholesale = async () => (await factsOf(tenant.username)).subscriber.wholesale_versions;
    const cost_plan_id = await addCostPlan(db);
    await db.updateTable('resellers').set({ cost_plan_id }).where('id', '=', tenant.reseller_id).execute();
    expect(await wholesale()).toEqual([]);
    const version_id = await addVersion(db, { cost_plan_id }, '2026-01-01T00:00:00Z');
    expect(await wholesale()).toEqual([{ version_id, valid_from_ms: Date.parse('2026-01-01T00:00:00Z') }]);
    await db.updateTable('cost_plans').set({ status: 'INACTIVE' }).where('id', '=', cost_plan_id).execute();
    expect(await wholesale()).toEqual([]);
    await db
      .updateTable('resellers')
      .set({ cost_plan_id: null })
      .where('id', '=', tenant.reseller_id)
      .execute();
    expect(await wholesale()).toBeNull();
  });
});

test('lines of two subscribers do not see each other’s', async () => {
  const { db } = database();
  const tenant = await addTenant(db);
  const neighbour = await addSubscriber(db, tenantAt(tenant), { billing_mode: 'PREPAID' });
  const line = await neighbour.addLine({ extension: '201' });
  expect((await factsOf(line.username)).subscriber.extensions).toEqual(new Map([['201', line.username]]));
});

const tenantAt = ({ reseller_id, server_id }: Tenant) => ({ reseller_id, server_id });

describe('the trunk of a server', () => {
  const trunk = (
    server_id: string,
    code: string,
    priority: number,
    status: 'ACTIVE' | 'INACTIVE' = 'ACTIVE',
  ) => ({
    server_id,
    code,
    name: code,
    host: '127.0.0.1',
    port: 5060,
    max_concurrent_calls: 30,
    priority,
    status,
  });

  test('is the first active one by priority, then by code', async () => {
    const { db } = database();
    const [server, other] = [await addServer(db), await addServer(db)];
    expect(await findTrunkFacts(db, server)).toBeNull();
    await db
      .insertInto('trunks')
      .values([
        trunk(other, 'aaa', 0),
        trunk(server, 'off', 0, 'INACTIVE'),
        trunk(server, 'b', 1),
        trunk(server, 'a', 1),
        trunk(server, '0', 2),
      ])
      .execute();
    expect(await findTrunkFacts(db, server)).toEqual({
      trunk_id: expect.any(String),
      code: 'a',
      max_calls: 30,
      reserved_in: 0,
      cost_versions: null,
    });
    const cost_plan_id = await addCostPlan(db);
    await db.updateTable('trunks').set({ cost_plan_id }).where('code', '=', 'a').execute();
    expect((await findTrunkFacts(db, server))?.cost_versions).toEqual([]);
    const version_id = await addVersion(db, { cost_plan_id }, '2026-01-01T00:00:00Z');
    expect((await findTrunkFacts(db, server))?.cost_versions).toMatchObject([{ version_id }]);
    await db.updateTable('trunks').set({ status: 'INACTIVE' }).where('server_id', '=', server).execute();
    expect(await findTrunkFacts(db, server)).toBeNull();
  });
});
