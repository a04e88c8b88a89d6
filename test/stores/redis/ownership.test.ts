import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type RunningRedis, startRedis } from '../../../dev/services/redis.ts';
import { connectRedis } from '../../../src/stores/redis/connect.ts';
import { createLiveCallStore } from '../../../src/stores/redis/live-calls.ts';
import { createOwnership, NotOwner, type Ownership } from '../../../src/stores/redis/ownership.ts';
import { callOf, claim, holders, STANDARD, walletOf } from './use-store.ts';

const SERVER = 'server-1';
const owner = `pabx:owner:${SERVER}`;

let server: RunningRedis;
let redis: Redis;
const links: Redis[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = await connect();
});
beforeEach(async () => {
  await redis.flushall();
  await begin(createOwnership(redis, () => {}));
});
afterAll(async () => {
  for (const link of links) link.disconnect();
  await server.stop();
});

async function connect(): Promise<Redis> {
  const link = connectRedis(server.url, () => {});
  links.push(link);
  await once(link, 'ready');
  return link;
}

async function begin(ownership: Ownership): Promise<void> {
  const rebuild = await ownership.rebuild();
  if (!rebuild.kept) await ownership.open(rebuild.name, []);
}

/** A process of its own, as far as Redis knows. */
async function another(): Promise<Ownership> {
  const ownership = createOwnership(await connect(), () => {});
  await ownership.epochHolds();
  return ownership;
}

const hold = (one: Ownership) => one.hold([SERVER]);
/** As if the lease had run so long, without the waiting. */
const age = async (ms: number) => redis.hincrby(owner, 'ends', -ms * 1000);
const token = () => redis.hget(owner, 'token');

describe('a server', () => {
  test('has one owner, however many ask at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, another));
    await Promise.all(all.flatMap((one) => [hold(one), hold(one), hold(one)]));
    expect(all.filter((one) => one.isOurs(SERVER))).toHaveLength(1);
    expect(all.filter((one) => one.holds(SERVER))).toHaveLength(1);
    expect(all.filter((one) => one.isHeld(SERVER))).toHaveLength(8);
  });

  test('stays with its owner as long as it asks, under one token', async () => {
    const [one, other] = [await another(), await another()];
    expect(await hold(one)).toMatchObject({ gained: [SERVER], lost: [] });
    const first = await token();
    for (let round = 0; round < 3; round += 1) {
      await age(2_900);
      expect(await hold(one)).toMatchObject({ gained: [], lost: [], free_in_ms: null });
      expect(await hold(other)).toMatchObject({ gained: [], lost: [] });
    }
    expect(await token()).toBe(first);
  });

  test('whose owner fell silent goes to the next one, under a new token', async () => {
    const [one, other] = [await another(), await another()];
    await hold(one);
    const first = Number(await token());
    const waiting = await hold(other);
    expect(waiting.free_in_ms).toBeGreaterThan(1_000);
    expect(waiting.free_in_ms).toBeLessThanOrEqual(3_000);
    await age(3_000);
    expect(await hold(other)).toMatchObject({ gained: [SERVER] });
    expect(Number(await token())).toBeGreaterThan(first);
    expect(await hold(one)).toMatchObject({ gained: [], lost: [SERVER] });
    expect([one.isOurs(SERVER), one.isHeld(SERVER)]).toEqual([false, true]);
  });

  test('that nobody took meanwhile goes on under the same token', async () => {
    const one = await another();
    await hold(one);
    const first = await token();
    await age(60_000);
    expect(await hold(one)).toMatchObject({ gained: [], lost: [] });
    expect(await token()).toBe(first);
  });

  test('that is given back is free at once; one that was lost is not given away', async () => {
    const [one, other] = [await another(), await another()];
    await hold(one);
    await one.release();
    expect(one.isOurs(SERVER)).toBe(false);
    expect(await hold(other)).toMatchObject({ gained: [SERVER] });
    await age(3_000);
    const third = await another();
    await hold(third);
    await other.release();
    expect(await hold(other)).toMatchObject({ gained: [] });
    expect(await hold(third)).toMatchObject({ lost: [] });
  });

  test('whose lease ends in an hour, because the clock of Redis was set back, is free after one lease', async () => {
    const [one, other] = [await another(), await another()];
    await hold(one);
    await age(-3_600_000);
    expect((await hold(other)).free_in_ms).toBeLessThanOrEqual(3_000);
    await age(3_000);
    expect(await hold(other)).toMatchObject({ gained: [SERVER] });
  });

  test('holds by our own clock, counted from before we asked', async () => {
    const one = await another();
    await hold(one);
    const start = performance.now();
    const clock = vi.spyOn(performance, 'now');
    clock.mockReturnValue(start + 2_500);
    expect(one.holds(SERVER)).toBe(true);
    clock.mockReturnValue(start + 3_000);
    expect([one.holds(SERVER), one.isOurs(SERVER)]).toEqual([false, true]);
    clock.mockRestore();
  });
});

describe('a Redis that was emptied', () => {
  test('gives a server back to who held it, under its token, before anybody else', async () => {
    const [one, other] = [await another(), await another()];
    await hold(one);
    const first = await token();
    await redis.flushall();
    // Nothing is said, and nothing taken, before the rebuild has begun.
    expect(await hold(one)).toEqual({ gained: [], lost: [], free_in_ms: null });
    expect(one.isOurs(SERVER)).toBe(true);
    await other.rebuild();
    expect(await hold(other)).toMatchObject({ gained: [] });
    expect(await hold(one)).toMatchObject({ gained: [], lost: [] });
    expect(await token()).toBe(first);
    expect(await hold(other)).toMatchObject({ gained: [] });
  });

  test('gives it to another when that one says nothing', async () => {
    const [one, other] = [await another(), await another()];
    await hold(one);
    await redis.flushall();
    await other.rebuild();
    const waiting = await hold(other);
    expect(waiting).toMatchObject({ gained: [] });
    expect(waiting.free_in_ms).toBeGreaterThan(0);
    await redis.hincrby('pabx:rebuild', 'began', -1_500_000);
    expect(await hold(other)).toMatchObject({ gained: [SERVER] });
    expect(await hold(one)).toMatchObject({ lost: [SERVER] });
  });

  test('with two that each believe it theirs: one of them', async () => {
    const [paused, present] = [await another(), await another()];
    await hold(paused);
    await age(3_000);
    await hold(present);
    await redis.flushall();
    await present.rebuild();
    await Promise.all([hold(paused), hold(present)]);
    expect([paused, present].filter((one) => one.isOurs(SERVER))).toHaveLength(1);
  });
});

describe('who lost a server', () => {
  const claims = [claim('LINE', 'fenced', 5)];
  const call = () => callOf({ payer: 'fenced', rate: STANDARD, claims });

  /** Each changes a call of the server; run by who does not know yet that the server is not its own. */
  const ACTS: [
    string,
    (store: ReturnType<typeof createLiveCallStore>, call_id: string) => Promise<unknown>,
  ][] = [
    ['admit', (store) => store.admit(call())],
    ['adopt', (store) => store.admit({ ...call(), adopt: { bundle_seconds: 0, paid_seconds: 60 } })],
    ['extend', (store, call_id) => store.extend({ ...call(), call_id, turn_seconds: null })],
    ['answer', (store, call_id) => store.answer(call_id, SERVER, 1)],
    ['end', (store, call_id) => store.end(call_id, SERVER)],
    ['settle', (store, call_id) => store.settle({ ...call(), call_id }, null, null)],
    ['renew', (store, call_id) => store.renew(SERVER, [call_id], true)],
  ];

  test.each(ACTS)('changes nothing: %s', async (_, act) => {
    const [old, present] = [await another(), await another()];
    await hold(old);
    const stores = [old, present].map((one) => createLiveCallStore(redis, one));
    const [stale, fresh] = stores as [(typeof stores)[0], (typeof stores)[0]];
    await fresh.loadWallet(walletOf('fenced', 10_000_000n));
    const running = call();
    expect(await stale.admit(running)).toMatchObject({ code: 'ADMITTED' });
    await age(3_000);
    await hold(present);

    const all = async () => {
      const keys = (await redis.keys('pabx:*')).filter((key) => !key.startsWith('pabx:owner:')).sort();
      return Promise.all(keys.map(async (key) => [key, await redis.dump(key).then(String)]));
    };
    const before = await all();
    await expect(act(stale, running.call_id)).rejects.toThrow(NotOwner);
    expect(await all()).toEqual(before);
    expect(await holders(redis, claims[0] as (typeof claims)[0])).toEqual([running.call_id]);
    // The same act is the new owner's to do.
    await act(fresh, running.call_id);
  });

  test('shows nothing', async () => {
    const [old, present] = [await another(), await another()];
    await hold(old);
    await age(3_000);
    await hold(present);
    await expect(old.show(SERVER, 'rebuild')).rejects.toThrow(NotOwner);
    await hold(old);
    await expect(old.show(SERVER, 'rebuild')).rejects.toThrow(NotOwner);
  });
});
