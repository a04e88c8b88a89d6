import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { createReserve, type Leaving } from '../../src/calls/reserve.ts';
import type { Holder } from '../../src/domain/ledger.ts';
import { moveResellerMoney } from '../../src/stores/postgres/reseller-wallets.ts';
import { readWallets, type Wallet } from '../../src/stores/postgres/wallets.ts';
import { addTenant, BY_THE_SECOND, type Tenant, topUpWallet } from '../stores/postgres/use-tenants.ts';
import { callOf, heldOf } from '../stores/redis/use-store.ts';
import { keepLog, useStores } from './use-stores.ts';

const stores = useStores();

afterEach(async () => {
  const { toRedis, toPostgres, store } = stores();
  await toPostgres.heal();
  await toRedis.heal();
  await waitUntil(() => store.epochHolds().catch(() => false), { timeout_ms: 10_000, what: 'Redis' });
});

const reserve = (leaving: Leaving) => {
  const { db, store } = stores();
  return createReserve(db, store, keepLog())(leaving);
};

/** A subscriber with 1,000,000 micros that Redis has not heard of yet. */
const withMoney = () =>
  addTenant(stores().database.db, { billing_mode: 'PREPAID', balance_micros: 1_000_000n });

const leavingOf = (holder: Holder, amount: bigint, credit_micros = 0n): Leaving => ({
  holder,
  amount,
  credit_micros,
});

const holderOf = ({ subscriber_id, reseller_id }: Tenant): Holder => ({ subscriber_id, reseller_id });

/** Runs a call of this subscriber that holds so many seconds at 1,000 micros each. */
async function hold(tenant: Tenant, seconds: number, more: Partial<Parameters<typeof callOf>[0]> = {}) {
  const { store } = stores();
  const call = callOf({
    call_id: randomUUID(),
    payer: tenant.subscriber_id,
    reseller_id: tenant.reseller_id,
    rate: BY_THE_SECOND,
    adopt: { bundle_seconds: 0, paid_seconds: seconds },
    ...more,
  });
  expect(await store.admit(call)).toMatchObject({ code: 'ADMITTED' });
  return call;
}

/** What calls hold of a subscriber's money, and what moves have set apart of it. */
async function held({ subscriber_id }: Tenant): Promise<number> {
  const moving = await stores().looking.hget(`pabx:wallet:${subscriber_id}`, 'moving');
  return ((await heldOf(stores().looking, subscriber_id)).held ?? 0) + Number(moving ?? 0);
}

const isNotFree = { code: 'CONFLICT', errors: [{ field: 'amount_micros' }] };
const isUnknown = { code: 'UNAVAILABLE' };

async function walletOf(tenant: Tenant): Promise<Wallet | null> {
  const wallets = await readWallets(stores().database.db, [tenant.subscriber_id]);
  return wallets.get(tenant.subscriber_id) ?? null;
}

const untilFree = (tenant: Tenant) =>
  waitUntil(async () => (await held(tenant)) === 0, { timeout_ms: 5_000, what: 'the money to be let go of' });

describe('money that is about to be moved', () => {
  test('is set apart, out of a wallet that is loaded on demand', async () => {
    const tenant = await withMoney();
    const moved = await reserve(leavingOf(holderOf(tenant), 600_000n));
    expect(await held(tenant)).toBe(600_000);
    const { store } = stores();
    const call = callOf({ call_id: randomUUID(), payer: tenant.subscriber_id, rate: BY_THE_SECOND });
    // 400 s are left for calls: 60 of a slice, and 340 more.
    expect(await store.admit({ ...call, slice_seconds: 60 })).toMatchObject({ more_seconds: 340 });
    moved(await walletOf(tenant));
    await waitUntil(async () => (await held(tenant)) === 60_000, { timeout_ms: 5_000, what: 'the release' });
  });

  test('cannot be what running calls hold', async () => {
    const tenant = await withMoney();
    await stores().store.loadWallet((await walletOf(tenant)) as Wallet);
    const call = await hold(tenant, 700);
    await expect(reserve(leavingOf(holderOf(tenant), 300_001n))).rejects.toMatchObject(isNotFree);
    expect(await held(tenant)).toBe(700_000);
    const moved = await reserve(leavingOf(holderOf(tenant), 300_000n));
    moved(null);
    await waitUntil(async () => (await held(tenant)) === 700_000, { timeout_ms: 5_000, what: 'the release' });
    await stores().store.settle(call, null, null);
    await reserve(leavingOf(holderOf(tenant), 1_000_000n));
    expect(await held(tenant)).toBe(1_000_000);
  });

  test('by many at once: only as much as is free', async () => {
    const tenant = await withMoney();
    const asked = Array.from({ length: 12 }, () => reserve(leavingOf(holderOf(tenant), 300_000n)));
    const answers = await Promise.allSettled(asked);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject(isNotFree);
    expect(await held(tenant)).toBe(900_000);
  });

  test('is free again when nothing was moved', async () => {
    const tenant = await withMoney();
    const moved = await reserve(leavingOf(holderOf(tenant), 1_000_000n));
    await expect(reserve(leavingOf(holderOf(tenant), 1n))).rejects.toMatchObject(isNotFree);
    moved(null);
    await untilFree(tenant);
    await reserve(leavingOf(holderOf(tenant), 1_000_000n));
  });

  test('that was moved is neither held nor there any more', async () => {
    const { database, looking } = stores();
    const tenant = await withMoney();
    const moved = await reserve(leavingOf(holderOf(tenant), 400_000n));
    moved(await topUpWallet(database.db, tenant, -400_000n, `away ${tenant.subscriber_id}`, 'test'));
    await untilFree(tenant);
    expect(await looking.hget(`pabx:wallet:${tenant.subscriber_id}`, 'balance')).toBe('600000');
    await expect(reserve(leavingOf(holderOf(tenant), 600_001n))).rejects.toMatchObject(isNotFree);
  });

  test('goes down to the credit limit, and not a micro further', async () => {
    const tenant = await withMoney();
    await expect(reserve(leavingOf(holderOf(tenant), 1_000_006n, 5n))).rejects.toMatchObject(isNotFree);
    await reserve(leavingOf(holderOf(tenant), 1_000_005n, 5n));
  });

  test('of somebody who never had a wallet is the credit alone', async () => {
    const { database } = stores();
    const tenant = await addTenant(database.db, { billing_mode: 'POSTPAID' });
    await expect(reserve(leavingOf(holderOf(tenant), 1n))).rejects.toMatchObject(isNotFree);
    await expect(reserve(leavingOf(holderOf(tenant), 6n, 5n))).rejects.toMatchObject(isNotFree);
    await reserve(leavingOf(holderOf(tenant), 5n, 5n));
    expect(await held(tenant)).toBe(5);
  });

  test('is let go of by its lease when its process died', async () => {
    const { looking } = stores();
    const tenant = await withMoney();
    await reserve(leavingOf(holderOf(tenant), 1_000_000n));
    await expect(reserve(leavingOf(holderOf(tenant), 1n))).rejects.toMatchObject(isNotFree);
    const moves = (await looking.zrange('pabx:moves', 0, '-1', 'WITHSCORES')) as string[];
    const left_ms = Number(moves.at(-1)) - Date.now();
    expect(left_ms).toBeGreaterThan(50_000);
    expect(left_ms).toBeLessThanOrEqual(60_000);
    for (let i = 0; i < moves.length; i += 2) await looking.zadd('pabx:moves', 0, moves[i] as string);
    const moved = await reserve(leavingOf(holderOf(tenant), 1_000_000n));
    expect(await held(tenant)).toBe(1_000_000);
    moved(null);
    await untilFree(tenant);
    expect(await looking.keys('pabx:move:*')).toEqual([]);
    expect(await looking.zcard('pabx:moves')).toBe(0);
  });

  test('is swept when its lease has ended, and the wallet is read anew: nobody told whether it moved', async () => {
    const { database, looking, store } = stores();
    const tenant = await withMoney();
    await reserve(leavingOf(holderOf(tenant), 900_000n));
    // It took place, and its process died before it could say so.
    await topUpWallet(database.db, tenant, -900_000n, randomUUID(), 'test');
    await store.sweepMoves();
    expect(await held(tenant), 'its lease has not ended').toBe(900_000);
    for (const id of (await looking.zrange('pabx:moves', 0, '-1')) as string[])
      await looking.zadd('pabx:moves', 0, id);
    await store.sweepMoves();
    await store.sweepMoves();
    await untilFree(tenant);
    const call = callOf({
      call_id: randomUUID(),
      payer: tenant.subscriber_id,
      reseller_id: tenant.reseller_id,
      rate: BY_THE_SECOND,
    });
    expect(await store.admit(call)).toEqual({ code: 'WALLET_UNKNOWN' });
  });

  test('told twice to be over is let go of once', async () => {
    const tenant = await withMoney();
    const other = await reserve(leavingOf(holderOf(tenant), 100_000n));
    const moved = await reserve(leavingOf(holderOf(tenant), 200_000n));
    moved(null);
    moved(null);
    await waitUntil(async () => (await held(tenant)) <= 100_000, { timeout_ms: 5_000, what: 'the release' });
    other(null);
    await untilFree(tenant);
  });
});

describe('a reseller’s money', () => {
  test('is set apart the same way: what its subscribers’ calls hold stays', async () => {
    const { database, looking, store } = stores();
    const tenant = await withMoney();
    const { reseller_id } = tenant;
    const holder: Holder = { subscriber_id: null, reseller_id };
    await expect(reserve(leavingOf(holder, 1n))).rejects.toMatchObject(isNotFree);
    const wallet = await database.db.transaction().execute((tx) =>
      moveResellerMoney(tx, {
        reseller_id,
        kind: 'TOP_UP',
        amount: 100_000n,
        reference: randomUUID(),
        author: 'test',
        reason: null,
      }),
    );
    await store.loadResellerWallet(wallet);
    await store.loadWallet((await walletOf(tenant)) as Wallet);
    await hold(tenant, 60, { wholesale: BY_THE_SECOND });
    await expect(reserve(leavingOf(holder, 40_001n))).rejects.toMatchObject(isNotFree);
    await reserve(leavingOf(holder, 40_000n));
    const key = `pabx:wallet:reseller:${reseller_id}`;
    expect(await looking.hmget(key, 'held', 'moving')).toEqual(['60000', '40000']);
  });
});

describe('nothing is moved', () => {
  test('while Redis is away, whether we know it yet or not', async () => {
    const { toRedis, store } = stores();
    const tenant = await withMoney();
    await toRedis.cut();
    await expect(reserve(leavingOf(holderOf(tenant), 1n))).rejects.toMatchObject(isUnknown);
    await waitUntil(() => !store.ready(), { timeout_ms: 5_000, what: 'the loss to be noticed' });
    await expect(reserve(leavingOf(holderOf(tenant), 1n))).rejects.toMatchObject(isUnknown);
  });

  test('while a Redis that was emptied is not rebuilt, whether we know it yet or not', async () => {
    const { store, looking, ownership } = stores();
    const tenant = await withMoney();
    await looking.flushall();
    expect(store.ready()).toBe(true);
    await expect(reserve(leavingOf(holderOf(tenant), 1n))).rejects.toMatchObject(isUnknown);
    await expect(reserve(leavingOf(holderOf(tenant), 1n))).rejects.toMatchObject(isUnknown);
    await ownership.begin();
    await reserve(leavingOf(holderOf(tenant), 1n));
  });

  test('while Postgres is away and the wallet is not known', async () => {
    const { toPostgres } = stores();
    const tenant = await withMoney();
    await toPostgres.cut();
    await expect(reserve(leavingOf(holderOf(tenant), 1n))).rejects.toMatchObject(isUnknown);
    await toPostgres.heal();
    expect(await held(tenant)).toBe(0);
  });
});
