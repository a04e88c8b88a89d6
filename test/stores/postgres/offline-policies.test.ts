import { expect, test } from 'vitest';
import { readOfflinePolicies } from '../../../src/stores/postgres/offline-policies.ts';
import { addDeckVersion } from '../../../src/stores/postgres/rate-versions.ts';
import { addTenant, type Tenant, useDatabase } from './use-tenants.ts';

const database = useDatabase();

/** A subscriber with a budget and one line that may call everywhere within the country. */
const tenantWithBudget = () =>
  addTenant(database().db, {
    billing_mode: 'PREPAID',
    max_concurrent_calls: 9,
    offline: { offline_budget_seconds: 600, offline_call_seconds: 60, offline_calls: 3 },
  });

const policyOf = async ({ server_id, username }: Tenant) =>
  (await readOfflinePolicies(database().db, server_id)).get(username);

test('a line has what its subscriber allows without the control plane', async () => {
  expect(await policyOf(await tenantWithBudget())).toEqual({
    area_code: '11',
    auto_ninth_digit: true,
    caller_id: null,
    classes: ['FIXED_LDN', 'FIXED_LOCAL', 'MOBILE_LDN', 'MOBILE_LOCAL'],
    budget_seconds: 600,
    call_seconds: 60,
    calls: 3,
  });
});

test.each<[string, string, unknown]>([
  ['no budget', 'update subscribers set offline_budget_seconds = 0 where id = $1', undefined],
  ['a suspended subscriber', "update subscribers set status = 'SUSPENDED' where id = $1", undefined],
  ['a blocked line', "update lines set status = 'BLOCKED' where subscriber_id = $1", undefined],
  [
    'an inactive reseller',
    "update resellers set status = 'INACTIVE' where id = (select reseller_id from subscribers where id = $1)",
    undefined,
  ],
  [
    'a plan that is not active',
    "update sales_plans set status = 'INACTIVE' where id = (select sales_plan_id from subscribers where id = $1)",
    undefined,
  ],
  ['no call out at all', 'update subscribers set max_concurrent_out = 0 where id = $1', undefined],
  [
    'no class in common',
    "update lines set allowed_classes = '{INTERNAL,INTL_FIXED}' where subscriber_id = $1",
    undefined,
  ],
  [
    'two classes in common',
    "update lines set allowed_classes = '{FIXED_LOCAL,FIXED_LDN,INTL_FIXED}' where subscriber_id = $1",
    { classes: ['FIXED_LDN', 'FIXED_LOCAL'] },
  ],
  [
    'classes of the subscriber',
    "update subscribers set offline_classes = '{MOBILE_LDN}' where id = $1",
    { classes: ['MOBILE_LDN'] },
  ],
  ['a narrower limit of calls', 'update subscribers set max_concurrent_out = 2 where id = $1', { calls: 2 }],
  [
    'what is kept for calls in',
    'update subscribers set max_concurrent_calls = 4, reserved_in = 3 where id = $1',
    { calls: 1 },
  ],
  [
    'a shorter longest call',
    'update lines set max_call_seconds = 30 where subscriber_id = $1',
    { call_seconds: 30 },
  ],
])('%s', async (_, change, expected) => {
  const tenant = await tenantWithBudget();
  await database().pool.query(change, [tenant.subscriber_id]);
  const policy = await policyOf(tenant);
  if (expected === undefined) expect(policy).toBeUndefined();
  else expect(policy).toMatchObject(expected as object);
});

test('only classes of which each number has a price, at the reseller too', async () => {
  const { db, pool } = database();
  const tenant = await tenantWithBudget();
  const cadence = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
  const row = (prefix: string, active = true) => ({
    prefix,
    locality: 'x',
    kind: null,
    price_micros_per_minute: 1n,
    cadence,
    active,
  });
  const addDeck = (
    plan: { sales_plan_id: string } | { cost_plan_id: string },
    rows: ReturnType<typeof row>[],
  ) =>
    db
      .transaction()
      .execute((tx) => addDeckVersion(tx, { plan, valid_from: null, author: 'test', class_rates: [] }, rows));
  await addDeck({ sales_plan_id: tenant.sales_plan_id }, [row('5511'), row('55', false), row('551199')]);
  expect(await policyOf(tenant)).toMatchObject({ classes: ['FIXED_LOCAL', 'MOBILE_LOCAL'] });

  const plan = await db
    .insertInto('cost_plans')
    .values({ name: 'Atacado' })
    .returning('id')
    .executeTakeFirstOrThrow();
  await pool.query('update resellers set cost_plan_id = $1 where id = $2', [plan.id, tenant.reseller_id]);
  expect(await policyOf(tenant)).toBeUndefined();
  await addDeck(
    { cost_plan_id: plan.id },
    ['2', '3', '4', '5'].map((digit) => row(`5511${digit}`)),
  );
  expect(await policyOf(tenant)).toMatchObject({ classes: ['FIXED_LOCAL'] });
});
