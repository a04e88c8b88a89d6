import { afterEach, describe, expect, test } from 'vitest';
import { factsOf as anyFacts } from '../../dev/world/call-facts.ts';
import { createAdmissions } from '../../src/calls/admission.ts';
import { type CallFacts, decodeFacts } from '../../src/calls/live-call.ts';
import { moveResellerMoney } from '../../src/stores/postgres/reseller-wallets.ts';
import { openWallet } from '../../src/stores/postgres/wallets.ts';
import {
  accountsOf,
  addTenant,
  BY_THE_SECOND,
  CYCLE,
  NEXT_CYCLE,
  type Tenant,
} from '../stores/postgres/use-tenants.ts';
import { claim, heldOf } from '../stores/redis/use-store.ts';
import { useStores } from './use-stores.ts';

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

const admissions = () => createAdmissions(stores().db, stores().store, () => 60);

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

describe('the reseller’s wallet', () => {
  /** A subscriber with plenty, whose reseller has so much and buys at 1,000 micros a second. */
  async function withReseller(balance: bigint) {
    const { database } = stores();
    const tenant = await addTenant(database.db, { billing_mode: 'PREPAID', balance_micros: 10_000_000n });
    if (balance > 0n) {
      const move = { amount: balance, reference: tenant.reseller_id, author: 'test', reason: null } as const;
      await database.db
        .transaction()
        .execute((tx) => moveResellerMoney(tx, { ...move, kind: 'TOP_UP', reseller_id: tenant.reseller_id }));
    }
    const facts = (more: Partial<CallFacts> = {}) =>
      factsOf(tenant, { slot: null, claims: [], rate: BY_THE_SECOND, wholesale: BY_THE_SECOND, ...more });
    const held = async () =>
      Number((await stores().looking.hget(`pabx:wallet:reseller:${tenant.reseller_id}`, 'held')) ?? 0);
    return { tenant, facts, held };
  }

  test('is loaded with the subscriber’s by the first call, and pays for it', async () => {
    const { toPostgres } = stores();
    const { facts, held } = await withReseller(100_000n);
    expect(await admissions().admit(facts())).toMatchObject({ admitted: true, more_seconds: 50 });
    expect(await held()).toBe(50_000);
    await toPostgres.cut();
    expect(await admissions().admit(facts())).toMatchObject({ admitted: true, more_seconds: 25 });
  });

  test('that is empty refuses the call, and nothing is held of the subscriber’s', async () => {
    const { looking } = stores();
    const { tenant, facts, held } = await withReseller(0n);
    const refused = { admitted: false, refusal: { reason: 'RESELLER_NO_CREDIT' } };
    expect(await admissions().admit(facts())).toEqual(refused);
    expect(await heldOf(looking, tenant.subscriber_id)).toEqual({});
    expect(await held()).toBe(0);
    expect(await admissions().admit(facts({ reseller_credit_micros: 999n }))).toEqual(refused);
    expect(await admissions().admit(facts({ reseller_credit_micros: 1_000n }))).toMatchObject({
      admitted: true,
    });
    expect(await held()).toBe(1_000);
  });

  test('is not asked when the reseller is charged nothing', async () => {
    const { facts } = await withReseller(0n);
    expect(await admissions().admit(facts({ wholesale: null }))).toMatchObject({ admitted: true });
  });

  test('does not save a subscriber without money', async () => {
    const { facts } = await withReseller(100_000n);
    const poor = await addTenant(stores().database.db, { billing_mode: 'PREPAID' });
    const { subscriber_id } = poor;
    expect(await admissions().admit(facts({ subscriber_id }))).toEqual({
      admitted: false,
      refusal: { reason: 'NO_CREDIT' },
    });
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
    ['a call of the cycle before', '2026-10-01', '2026-11-01'],
    ['a call whose subscriber’s cycle day was moved', '2026-10-20', '2026-11-20'],
  ])('has begun: %s is admitted by the cycle that is open', async (_, cycle_start, next_cycle_start) => {
    const { looking } = stores();
    const tenant = await withMeans();
    await openWallet(stores().database.db, tenant, CYCLE);
    const asked = factsOf(tenant, { cycle_start, next_cycle_start });
    const answer = await admissions().admit(asked);
    expect(answer).toMatchObject({ admitted: true, grant: { bundle_seconds: 48, paid_seconds: 0 } });
    if (!answer.admitted) return;
    expect(answer.facts).toEqual({
      ...asked,
      cycle_start: CYCLE,
      next_cycle_start: next_cycle_start > CYCLE ? next_cycle_start : '2026-12-01',
    });
    expect(await heldOf(looking, tenant.subscriber_id)).toEqual({ 'held:FIXED_LOCAL': 48 });
    const [stored] = await stores().store.callsOf(tenant.server_id);
    expect(decodeFacts(stored?.facts ?? '{}')).toEqual(answer.facts);
  });

  test('has begun: a call of the one before draws on what that one has left', async () => {
    const { looking, database } = stores();
    const tenant = await withMeans();
    for (const cycle of [CYCLE, NEXT_CYCLE]) await openWallet(database.db, tenant, cycle);
    const asked = factsOf(tenant);
    expect(await admissions().admit(asked)).toMatchObject({ admitted: true, facts: asked });
    expect(await looking.hget(`pabx:wallet:${tenant.subscriber_id}`, `held:${CYCLE}:FIXED_LOCAL`)).toBe('48');
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
