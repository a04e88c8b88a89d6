import { describe, expect, test } from 'vitest';
import { addSubscriber } from '../../../dev/world/tenants.ts';
import type { Db } from '../../../src/stores/postgres/connect.ts';
import { findLineFacts, findTrunkFacts } from '../../../src/stores/postgres/lines.ts';
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
    .values({ reseller_id, name: `Plano ${price_micros_per_minute}` })
    .returning('id')
    .executeTakeFirstOrThrow();
  const cadence = { initial_seconds: 60, increment_seconds: 6, free_threshold_seconds: 0 };
  await db
    .insertInto('sales_plan_rates')
    .values({ sales_plan_id: id, call_class: 'MOBILE_LDN', price_micros_per_minute, ...cadence })
    .execute();
  return id;
}

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
      .set({ max_concurrent_calls: 77 })
      .where('id', '=', tenant.reseller_id)
      .execute();
    await db
      .updateTable('subscribers')
      .set({ cycle_day: 31 })
      .where('id', '=', tenant.subscriber_id)
      .execute();
    const facts = await factsOf(tenant.username);
    expect(facts).toMatchObject({
      line_id: tenant.line_id,
      sip_username: tenant.username,
      extension: '201',
      area_code: '11',
      line_status: 'ACTIVE',
      line_max_calls: 50,
      plan_id: tenant.sales_plan_id,
    });
    expect([...facts.rates]).toEqual([
      [
        'FIXED_LOCAL',
        {
          price_micros_per_minute: 123_457n,
          cadence: { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
        },
      ],
    ]);
    expect(facts.allowed_classes.has('FIXED_LOCAL')).toBe(true);
    expect(facts.subscriber).toEqual({
      subscriber_id: tenant.subscriber_id,
      reseller_id: tenant.reseller_id,
      name: 'Padaria São João',
      billing_mode: 'BUNDLE',
      status: 'ACTIVE',
      max_calls: 7,
      reseller_max_calls: 77,
      credit_limit_micros: 9_007_199_254_740n,
      cycle_day: 31,
      ldn_fixed_uses_local: false,
      ldn_mobile_uses_local: true,
      slots: new Set(['FIXED_LOCAL', 'MOBILE_LDN']),
      extensions: new Map([['201', tenant.username]]),
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
  test('of the line goes before the subscriber’s, with all its rates and no other', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const plan = await addPlan(db, tenant.reseller_id, 42n);
    await db.updateTable('lines').set({ sales_plan_id: plan }).where('id', '=', tenant.line_id).execute();
    const facts = await factsOf(tenant.username);
    expect(facts.plan_id).toBe(plan);
    expect([...facts.rates.keys()]).toEqual(['MOBILE_LDN']);
    const second = await addLine(tenant, '202');
    expect((await factsOf(second)).plan_id).toBe(tenant.sales_plan_id);
  });

  test('that is not active has no rates; the subscriber’s does not step in', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const plan = await addPlan(db, tenant.reseller_id, 42n);
    await db.updateTable('lines').set({ sales_plan_id: plan }).where('id', '=', tenant.line_id).execute();
    await db.updateTable('sales_plans').set({ status: 'INACTIVE' }).where('id', '=', plan).execute();
    expect((await factsOf(tenant.username)).rates.size).toBe(0);
    await db.updateTable('sales_plans').set({ status: 'ACTIVE' }).where('id', '=', plan).execute();
    expect((await factsOf(tenant.username)).rates.size).toBe(1);
  });

  test('without rates has none', async () => {
    const tenant = await addTenant(database().db, { billing_mode: 'PREPAID', priced: [] });
    const facts = await factsOf(tenant.username);
    expect([facts.rates.size, facts.subscriber.slots.size]).toEqual([0, 0]);
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
    });
    await db.updateTable('trunks').set({ status: 'INACTIVE' }).where('server_id', '=', server).execute();
    expect(await findTrunkFacts(db, server)).toBeNull();
  });
});
