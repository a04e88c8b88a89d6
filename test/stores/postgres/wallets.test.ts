import { describe, expect, test } from 'vitest';
import type { BundleSlot } from '../../../src/domain/call-class.ts';
import { proveLedger } from '../../../src/stores/postgres/prove-ledger.ts';
import { settleCalls } from '../../../src/stores/postgres/settlements.ts';
import { openWallet, readWallets } from '../../../src/stores/postgres/wallets.ts';
import {
  accountsOf,
  addTenant,
  CYCLE,
  movementsOf,
  splitRecord,
  type Tenant,
  topUpWallet,
  useDatabase,
} from './use-tenants.ts';

const database = useDatabase();

type Left = Partial<Record<BundleSlot, number>>;

const withBundles = (bundles: Left) => addTenant(database().db, { billing_mode: 'BUNDLE', bundles });

/** Both the wallet and the ledger say so. */
async function expectMinutes(tenant: Tenant, minutes: Record<string, Left>): Promise<void> {
  const accounts = await accountsOf(database().db, tenant);
  expect(accounts.wallet.minutes).toEqual(minutes);
  expect(accounts.ledger.minutes).toEqual(minutes);
}

async function addBundle(tenant: Tenant, slot: BundleSlot, included_seconds: number): Promise<void> {
  const { db } = database();
  const { subscriber_id, reseller_id } = tenant;
  const { id: bundle_id } = await db
    .insertInto('minute_bundles')
    .values({
      reseller_id,
      name: `${subscriber_id} ${slot} ${included_seconds}`,
      included_seconds,
      monthly_price_micros: 0n,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db.insertInto('bundle_slots').values({ subscriber_id, slot, bundle_id }).execute();
}

const removeBundle = (tenant: Tenant, slot: BundleSlot) =>
  database()
    .db.deleteFrom('bundle_slots')
    .where('subscriber_id', '=', tenant.subscriber_id)
    .where('slot', '=', slot)
    .execute();

describe('a wallet is opened', () => {
  test('with the minutes of its bundles', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 6_000, MOBILE_LOCAL: 600 });
    const wallet = await openWallet(db, tenant, '2026-11-01');
    expect(wallet).toEqual({
      subscriber_id: tenant.subscriber_id,
      version: 1n,
      balance_micros: 0n,
      cycle_start: '2026-11-01',
      spend_day: '2000-01-01',
      spent_micros: 0n,
      left_seconds: { '2026-11-01': { FIXED_LOCAL: 6_000, MOBILE_LOCAL: 600 } },
    });
    await expectMinutes(tenant, { '2026-11-01': { FIXED_LOCAL: 6_000, MOBILE_LOCAL: 600 } });
    const renewal = {
      reseller_id: tenant.reseller_id,
      kind: 'BUNDLE_RENEWAL',
      cycle_start: '2026-11-01',
      author: 'cycle',
      wallet_version: 1n,
    };
    expect(await movementsOf(db, tenant)).toMatchObject([renewal, renewal]);
  });

  test('without bundles: money alone, and no movement', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const wallet = await openWallet(db, tenant, '2026-11-01');
    expect(wallet).toMatchObject({ balance_micros: 0n, cycle_start: '2026-11-01', left_seconds: {} });
    expect(await movementsOf(db, tenant)).toEqual([]);
  });

  test('by twenty at once: renewed once', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 6_000 });
    const wallets = await Promise.all(Array.from({ length: 20 }, () => openWallet(db, tenant, '2026-11-01')));
    expect(new Set(wallets.map(({ version }) => version))).toEqual(new Set([1n]));
    await expectMinutes(tenant, { '2026-11-01': { FIXED_LOCAL: 6_000 } });
    expect(await movementsOf(db, tenant)).toHaveLength(1);
  });

  test('again in the same cycle, or an older one: as it is', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 6_000 });
    await openWallet(db, tenant, '2026-11-01');
    await settleCalls(db, [splitRecord(tenant, 60, 0)]);
    for (const cycle of ['2026-11-01', '2026-10-01', '2026-10-31']) {
      const wallet = await openWallet(db, tenant, cycle);
      expect(wallet).toMatchObject({
        version: 2n,
        cycle_start: '2026-11-01',
        left_seconds: { '2026-11-01': { FIXED_LOCAL: 5_940 } },
      });
    }
    expect(await movementsOf(db, tenant)).toHaveLength(2);
  });
});

describe('a new cycle', () => {
  test('has its own minutes, and what is left of the old ones stays where it was', async () => {
    const { db } = database();
    const bundles = { FIXED_LOCAL: 6_000, FIXED_LDN: 600, MOBILE_LOCAL: 300 };
    const tenant = await withBundles(bundles);
    await openWallet(db, tenant, '2026-11-01');
    await settleCalls(db, [splitRecord(tenant, 5_970, 0)]);
    const minutes = { '2026-11-01': { ...bundles, FIXED_LOCAL: 30 }, '2026-12-01': bundles };
    const wallets = await Promise.all(Array.from({ length: 20 }, () => openWallet(db, tenant, '2026-12-01')));
    for (const wallet of wallets)
      expect(wallet).toMatchObject({ version: 3n, cycle_start: '2026-12-01', left_seconds: minutes });
    await expectMinutes(tenant, minutes);
    const renewals = (await movementsOf(db, tenant)).filter((move) => move.kind === 'BUNDLE_RENEWAL');
    expect(renewals.map((move) => `${move.cycle_start} ${move.leg}`).sort()).toEqual(
      Object.keys(minutes).flatMap((cycle) =>
        Object.keys(bundles)
          .sort()
          .map((slot) => `${cycle} ${slot}`),
      ),
    );
    expect(await proveLedger(db)).toEqual([]);
  });

  test('is told of with the one before it, and no older one', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 100 });
    for (const cycle of ['2026-10-01', '2026-11-01', '2026-12-01']) await openWallet(db, tenant, cycle);
    const wallet = await openWallet(db, tenant, '2026-12-01');
    expect(wallet.left_seconds).toEqual({
      '2026-11-01': { FIXED_LOCAL: 100 },
      '2026-12-01': { FIXED_LOCAL: 100 },
    });
  });

  test('has the minutes of the bundle that the slot holds when it is opened', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 6_000 });
    await openWallet(db, tenant, '2026-11-01');
    await removeBundle(tenant, 'FIXED_LOCAL');
    await addBundle(tenant, 'FIXED_LOCAL', 120);
    const same = await openWallet(db, tenant, '2026-11-01');
    expect(same.left_seconds).toEqual({ '2026-11-01': { FIXED_LOCAL: 6_000 } });
    await openWallet(db, tenant, '2026-12-01');
    await expectMinutes(tenant, {
      '2026-11-01': { FIXED_LOCAL: 6_000 },
      '2026-12-01': { FIXED_LOCAL: 120 },
    });
    const rows = await database()
      .db.selectFrom('bundle_allocations')
      .select(['bundle_name', 'included_seconds'])
      .where('subscriber_id', '=', tenant.subscriber_id)
      .orderBy('cycle_start')
      .execute();
    expect(rows).toMatchObject([
      { included_seconds: 6_000 },
      { included_seconds: 120, bundle_name: expect.stringContaining('120') },
    ]);
  });

  test('is not short of what was used beyond, and cycles in which nobody asked are skipped', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 100 });
    await openWallet(db, tenant, CYCLE);
    await settleCalls(db, [splitRecord(tenant, 130, 0)]);
    await openWallet(db, tenant, '2027-03-01');
    await expectMinutes(tenant, { [CYCLE]: { FIXED_LOCAL: -30 }, '2027-03-01': { FIXED_LOCAL: 100 } });
    expect(await movementsOf(db, tenant)).toHaveLength(3);
  });

  test('leaves the money alone', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 100 });
    await topUpWallet(db, tenant, 7_000n, `m ${tenant.subscriber_id}`, 'test');
    await openWallet(db, tenant, '2026-11-01');
    expect(await openWallet(db, tenant, '2026-12-01')).toMatchObject({ balance_micros: 7_000n });
  });

  test('has no minutes in a slot that has lost its bundle', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 100, MOBILE_LOCAL: 200 });
    await openWallet(db, tenant, '2026-11-01');
    await removeBundle(tenant, 'FIXED_LOCAL');
    const wallet = await openWallet(db, tenant, '2026-12-01');
    expect(wallet.left_seconds['2026-12-01']).toEqual({ MOBILE_LOCAL: 200 });
    await expectMinutes(tenant, {
      '2026-11-01': { FIXED_LOCAL: 100, MOBILE_LOCAL: 200 },
      '2026-12-01': { MOBILE_LOCAL: 200 },
    });
  });

  test.each(['PREPAID', 'POSTPAID'] as const)('gives a %s subscriber no minutes', async (billing_mode) => {
    const { db } = database();
    const tenant = await addTenant(db, { billing_mode, bundles: { FIXED_LOCAL: 100 } });
    const wallet = await openWallet(db, tenant, '2026-11-01');
    expect(wallet).toMatchObject({ cycle_start: '2026-11-01', left_seconds: {} });
    await expectMinutes(tenant, {});
  });
});

describe('a bundle in mid-cycle', () => {
  test('that is new to its slot gives its minutes at once, and the others stay', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 100 });
    await openWallet(db, tenant, '2026-11-01');
    await settleCalls(db, [splitRecord(tenant, 60, 0)]);
    await addBundle(tenant, 'MOBILE_LOCAL', 300);
    const wallets = await Promise.all(Array.from({ length: 10 }, () => openWallet(db, tenant, '2026-11-01')));
    expect(wallets.map(({ version }) => version)).toEqual(wallets.map(() => 3n));
    await expectMinutes(tenant, { '2026-11-01': { FIXED_LOCAL: 40, MOBILE_LOCAL: 300 } });
  });

  test('that is taken away and given again refills nothing', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 100 });
    await openWallet(db, tenant, '2026-11-01');
    await settleCalls(db, [splitRecord(tenant, 60, 0)]);
    await removeBundle(tenant, 'FIXED_LOCAL');
    await openWallet(db, tenant, '2026-11-01');
    await addBundle(tenant, 'FIXED_LOCAL', 101);
    await openWallet(db, tenant, '2026-11-01');
    await expectMinutes(tenant, { '2026-11-01': { FIXED_LOCAL: 40 } });
  });

  test('given again in a later cycle holds all its minutes', async () => {
    const { db } = database();
    const tenant = await withBundles({ FIXED_LOCAL: 100 });
    await openWallet(db, tenant, '2026-11-01');
    await settleCalls(db, [splitRecord(tenant, 60, 0)]);
    await removeBundle(tenant, 'FIXED_LOCAL');
    await openWallet(db, tenant, '2026-12-01');
    await addBundle(tenant, 'FIXED_LOCAL', 100);
    await openWallet(db, tenant, '2026-12-01');
    await expectMinutes(tenant, { '2026-11-01': { FIXED_LOCAL: 40 }, '2026-12-01': { FIXED_LOCAL: 100 } });
  });
});

describe('a top-up', () => {
  test('adds money, once per reference', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const reference = `top-up ${tenant.subscriber_id}`;
    const first = await topUpWallet(db, tenant, 5_000_000n, reference, 'master');
    expect(first).toMatchObject({ balance_micros: 5_000_000n, version: 1n });
    for (const amount of [5_000_000n, 1n]) {
      await expect(topUpWallet(db, tenant, amount, reference, 'master')).rejects.toMatchObject({
        code: '23505',
      });
    }
    expect((await readWallets(db, [tenant.subscriber_id])).get(tenant.subscriber_id)).toEqual(first);
    expect(await movementsOf(db, tenant)).toMatchObject([{ kind: 'TOP_UP', reference, author: 'master' }]);
    expect((await accountsOf(db, tenant)).ledger.money).toBe(5_000_000);
  });

  test('twenty at once: each with its own reference counts, each reference once', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        topUpWallet(db, tenant, 1_000n, `${tenant.subscriber_id} ${i % 10}`, 'test'),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    const accounts = await accountsOf(db, tenant);
    expect(accounts).toMatchObject({ wallet: { money: 10_000 }, ledger: { money: 10_000 }, version: 10n });
  });

  test('of a subscriber that does not exist changes nothing', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    const stranger = { ...tenant, subscriber_id: '00000000-0000-4000-8000-000000000000' };
    await expect(topUpWallet(db, stranger, 1n, 'stranger', 'test')).rejects.toMatchObject({ code: '23503' });
    expect(await readWallets(db, [stranger.subscriber_id])).toEqual(new Map());
  });
});
