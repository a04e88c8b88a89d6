import { afterEach, describe, expect, test } from 'vitest';
import { createAdmissions } from '../../src/calls/admission.ts';
import { type CallFacts, decodeFacts } from '../../src/calls/live-call.ts';
import { openWallet } from '../../src/stores/postgres/wallets.ts';
import { accountsOf, addTenant, CYCLE, type Tenant } from '../stores/postgres/use-tenants.ts';
import { claim, heldOf } from '../stores/redis/use-store.ts';
import { factsOf as anyFacts, useStores } from './use-stores.ts';

const stores = useStores();

afterEach(() => stores().toPostgres.heal());

/** Facts of a call of this tenant that draws on its minutes first. */
const factsOf = ({ username: _, sales_plan_id: plan_id, ...ids }: Tenant, more: Partial<CallFacts> = {}) =>
  anyFacts({
    ...ids,
    plan_id,
    slot: 'FIXED_LOCAL',
    claims: [claim('LINE', ids.line_id, 2)],
    cycle_start: CYCLE,
    ...more,
  });

const withMeans = () =>
  addTenant(stores().database.db, {
    billing_mode: 'BUNDLE',
    bundles: { FIXED_LOCAL: 100 },
    balance_micros: 1_000_000n,
  });

const admissions = () => createAdmissions(stores().db, stores().store, 60);

describe('the first call of a payer', () => {
  test('loads its wallet and renews its minutes; the next ones ask no database', async () => {
    const { database, toPostgres, store } = stores();
    const tenant = await withMeans();
    const facts = factsOf(tenant);
    expect(await admissions().admit(facts)).toMatchObject({
      admitted: true,
      grant: { bundle_seconds: 48, paid_seconds: 0 },
    });
    expect((await accountsOf(database.db, tenant)).wallet).toEqual({
      money: 1_000_000,
      minutes: { [CYCLE]: { FIXED_LOCAL: 100 } },
    });
    await toPostgres.cut();
    expect(await admissions().admit(factsOf(tenant))).toMatchObject({ admitted: true });
    const stored = await store.callsOf(tenant.server_id);
    expect(stored.map((call) => decodeFacts(call.facts))).toContainEqual(facts);
  });

  test('cannot be decided while Postgres is away, and takes nothing', async () => {
    const { toPostgres, store } = stores();
    const tenant = await withMeans();
    await toPostgres.cut();
    await expect(admissions().admit(factsOf(tenant))).rejects.toThrow();
    expect(await store.callsOf(tenant.server_id)).toEqual([]);
  });

  test('by twenty at once renews once, and holds no more than there is', async () => {
    const { database, looking } = stores();
    const tenant = await withMeans();
    const all = Array.from({ length: 20 }, () => factsOf(tenant, { claims: [] }));
    const answers = await Promise.all(all.map((facts) => admissions().admit(facts)));
    expect(answers.some(({ admitted }) => admitted)).toBe(true);
    const held = await heldOf(looking, tenant.subscriber_id);
    expect(held['held:FIXED_LOCAL']).toBeLessThanOrEqual(100);
    expect(held.held).toBeLessThanOrEqual(1_000_000);
    expect((await accountsOf(database.db, tenant)).ledger.minutes).toEqual({
      [CYCLE]: { FIXED_LOCAL: 100 },
    });
  });
});

describe('what is refused', () => {
  test('with the limit that was reached, and who holds it', async () => {
    const tenant = await withMeans();
    const [first, second] = [factsOf(tenant), factsOf(tenant)];
    for (const facts of [first, second]) await admissions().admit(facts);
    const answer = await admissions().admit(factsOf(tenant));
    expect(answer).toMatchObject({
      admitted: false,
      refusal: { reason: 'LIMIT_REACHED', limit: { level: 'LINE', limit: 2 } },
    });
    const holders = answer.admitted ? [] : answer.refusal?.limit?.holders;
    expect(new Set(holders)).toEqual(new Set([first.call_id, second.call_id]));
  });

  test('without credit', async () => {
    const tenant = await addTenant(stores().database.db, { billing_mode: 'PREPAID' });
    expect(await admissions().admit(factsOf(tenant, { slot: null }))).toEqual({
      admitted: false,
      refusal: { reason: 'NO_CREDIT' },
    });
  });

  test('nobody, when the call is over', async () => {
    const tenant = await withMeans();
    const facts = factsOf(tenant);
    const { call_id, server_id, subscriber_id: payer, reseller_id } = facts;
    await stores().store.settle({ call_id, server_id, payer, reseller_id }, null, null);
    expect(await admissions().admit(facts)).toEqual({ admitted: false, refusal: null });
    await admissions().adopt(facts, { bundle_seconds: 30, paid_seconds: 0 });
    expect(await stores().store.callsOf(tenant.server_id)).toEqual([]);
  });
});

describe('a new cycle', () => {
  test('is opened by its first call', async () => {
    const tenant = await withMeans();
    await admissions().admit(factsOf(tenant));
    const next = factsOf(tenant, { cycle_start: '2026-12-01' });
    expect(await admissions().admit(next)).toMatchObject({ admitted: true });
    const wallet = await openWallet(stores().database.db, tenant, '2026-12-01');
    expect(wallet.left_seconds).toEqual({
      [CYCLE]: { FIXED_LOCAL: 100 },
      '2026-12-01': { FIXED_LOCAL: 100 },
    });
  });

  test.each([
    // The clocks of two switches differ by a moment at midnight; or the cycle day was moved back: from 1 to 20.
    ['a call of the cycle before', '2026-10-01'],
    ['a call whose subscriber’s cycle day was moved', '2026-10-20'],
  ])('has begun: %s is still admitted, by the wallet as it is', async (_, cycle_start) => {
    const tenant = await withMeans();
    await admissions().admit(factsOf(tenant, { slot: null }));
    expect(await admissions().admit(factsOf(tenant, { cycle_start }))).toMatchObject({
      admitted: true,
      grant: { bundle_seconds: 48, paid_seconds: 0 },
    });
  });
});

test('a running call is adopted, its wallet loaded, whatever its means and limits', async () => {
  const { looking } = stores();
  const tenant = await addTenant(stores().database.db, { billing_mode: 'PREPAID' });
  const facts = factsOf(tenant, { claims: [claim('LINE', tenant.line_id, 0)], slot: null });
  await admissions().adopt(facts, { bundle_seconds: 0, paid_seconds: 60 });
  expect(await heldOf(looking, tenant.subscriber_id)).toEqual({ held: 100_000 });
  await admissions().adopt(facts, { bundle_seconds: 0, paid_seconds: 600 });
  expect(await heldOf(looking, tenant.subscriber_id)).toEqual({ held: 100_000 });
});
