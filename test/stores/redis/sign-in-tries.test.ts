import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningRedis, startRedis } from '../../../dev/services/redis.ts';
import { connectRedis } from '../../../src/stores/redis/connect.ts';
import { createSignInTries, type SignInTries } from '../../../src/stores/redis/sign-in-tries.ts';

let server: RunningRedis;
let redis: Redis;
let tries: SignInTries;

beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis(server.url, () => {});
  await once(redis, 'ready');
  tries = createSignInTries(redis);
});
beforeEach(async () => {
  await redis.flushall();
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const HOME = '203.0.113.7';
const AWAY = '198.51.100.9';

const wait = async (account: string, address: string) => (await tries.mayTry(account, address)).wait_seconds;
/** Tries and fails, unless it has to wait. */
async function guess(account: string, address: string): Promise<number> {
  const seconds = await wait(account, address);
  if (seconds === 0) await tries.failed(account, address);
  return seconds;
}
/** Lets time pass for everything that is counted, as if Redis' clock had gone on. */
async function pass(seconds: number): Promise<void> {
  const back_ms = -seconds * 1_000;
  for (const key of await redis.keys('pabx-web:tries:*')) {
    if ((await redis.type(key)) === 'list') {
      const times = await redis.lrange(key, 0, -1);
      for (const [i, time] of times.entries()) await redis.lset(key, i, Number(time) + back_ms);
    } else for (const field of ['failed_at', 'claimed_at']) await redis.hincrby(key, field, back_ms);
  }
}
/** Fails that often, waiting whatever it must in between, and gives the waits. */
async function fail(times: number, account: string, address: string): Promise<number[]> {
  const waits: number[] = [];
  while (waits.length < times) {
    const seconds = await guess(account, address);
    waits.push(seconds);
    if (seconds === 0) continue;
    await pass(seconds);
    expect(await guess(account, address)).toBe(0);
  }
  return waits;
}
const addresses = (count: number) => Array.from({ length: count }, (_, i) => `192.0.2.${i + 1}`);

describe('an account from one address', () => {
  test('fails three times for free; then the delay doubles up to 15 minutes', async () => {
    const waits = await fail(15, 'ana', HOME);
    // The account's own delay, up to 30 s, is below the pair's from the tenth on.
    expect(waits).toEqual([0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  });

  test('asking too early does not make the wait longer', async () => {
    await fail(5, 'ana', HOME);
    await pass(1);
    const asked = await Promise.all(Array.from({ length: 20 }, () => wait('ana', HOME)));
    expect(Math.max(...asked)).toBe(3);
    await pass(3);
    expect(await wait('ana', HOME)).toBe(0);
  });

  test('a hundred guesses at once: four pass before the first failure is counted', async () => {
    const waits = await Promise.all(Array.from({ length: 100 }, () => wait('ana', HOME)));
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(4);
    expect(waits.filter((seconds) => seconds > 0).every((seconds) => seconds <= 2)).toBe(true);
  });

  test('once delayed, of a hundred guesses at once only one passes', async () => {
    await fail(6, 'ana', HOME);
    await pass(8);
    const waits = await Promise.all(Array.from({ length: 100 }, () => wait('ana', HOME)));
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(1);
  });

  test('does not delay another account, nor itself from elsewhere', async () => {
    await fail(8, 'ana', HOME);
    expect(await wait('ana', HOME)).toBeGreaterThan(10);
    expect(await wait('bia', HOME)).toBe(0);
    expect(await wait('ana', AWAY)).toBe(0);
  });

  test('is one account however its name is typed', async () => {
    await fail(8, 'ana', HOME);
    expect(await wait(' ANA', HOME)).toBeGreaterThan(10);
  });

  test('success forgets what failed', async () => {
    await fail(4, 'ana', HOME);
    await pass(2);
    expect(await wait('ana', HOME)).toBe(0);
    await tries.succeeded('ana', HOME);
    expect(await fail(4, 'ana', HOME)).toEqual([0, 0, 0, 0]);
  });

  test('an hour without a failure forgets; 59 minutes do not, nor do asking and claiming keep it', async () => {
    await fail(8, 'ana', HOME);
    await pass(3_540);
    expect(await guess('ana', HOME)).toBe(0);
    expect(await wait('ana', HOME)).toBe(64);
    await pass(3_540);
    expect(await wait('ana', HOME)).toBe(0);
    await pass(60);
    expect(await fail(4, 'ana', HOME)).toEqual([0, 0, 0, 0]);
    // Nothing stays in Redis for longer than it counts.
    for (const key of await redis.keys('*')) {
      const ttl_seconds = await redis.ttl(key);
      expect(ttl_seconds > 0 && ttl_seconds <= 3_600, key).toBe(true);
    }
  });

  test('a claim given back counts for nothing; one nobody told of ends by itself', async () => {
    for (let i = 0; i < 10; i++) {
      expect(await wait('ana', HOME)).toBe(0);
      await tries.released('ana', HOME);
    }
    for (let i = 0; i < 4; i++) expect(await wait('ana', HOME)).toBe(0);
    expect(await wait('ana', HOME)).toBe(2);
    await pass(30);
    expect(await fail(4, 'ana', HOME)).toEqual([0, 0, 0, 0]);
  });
});

describe('an account from everywhere', () => {
  test('is delayed from the tenth failure on, by 30 s at most', async () => {
    const waits: number[] = [];
    for (const address of addresses(20)) waits.push(...(await fail(1, 'ana', address)));
    expect(waits).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30]);
    expect(await wait('bia', HOME)).toBe(0);
  });

  test('a hundred addresses at once: ten pass', async () => {
    const waits = await Promise.all(addresses(100).map((address) => wait('ana', address)));
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(10);
  });

  test('success of the owner forgives the own failures, not those of strangers', async () => {
    for (const address of addresses(12)) await fail(1, 'ana', address);
    await pass(4);
    await fail(2, 'ana', HOME);
    await pass(16);
    expect(await wait('ana', HOME)).toBe(0);
    await tries.succeeded('ana', HOME);
    expect(await wait('ana', AWAY)).toBe(0);
    await tries.failed('ana', AWAY);
    expect(await wait('ana', AWAY)).toBe(8);
  });
});

describe('an address', () => {
  test('tries 30 times a minute over all accounts, in any minute', async () => {
    for (let i = 0; i < 15; i++) expect(await guess(`user-${i}`, HOME)).toBe(0);
    await pass(40);
    for (let i = 15; i < 30; i++) expect(await guess(`user-${i}`, HOME)).toBe(0);
    expect(await wait('one-more', HOME)).toBe(20);
    expect(await wait('one-more', AWAY)).toBe(0);
    await pass(20);
    for (let i = 30; i < 45; i++) expect(await guess(`user-${i}`, HOME)).toBe(0);
    expect(await wait('one-more', HOME)).toBe(40);
  });

  test('all at once: 30 pass', async () => {
    const waits = await Promise.all(Array.from({ length: 100 }, (_, i) => wait(`user-${i}`, HOME)));
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(30);
  });

  test.each([
    ['of one IPv6 network', '2001:db8:1:2::1', '2001:0DB8:1:2:ffff::9', true],
    ['of two IPv6 networks', '2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['with zeros left out', '2001:db8::1', '2001:db8:0:0:8::', true],
    ['written as IPv4 in IPv6', '::ffff:203.0.113.7', HOME, true],
    ['of one IPv4 network', '203.0.113.8', HOME, false],
  ])('two %s: %s and %s are one: %s', async (_, one, other, same) => {
    await fail(8, 'ana', one);
    expect((await wait('ana', other)) > 10).toBe(same);
  });
});

test('hostile names form no keys', async () => {
  await guess('*:pair\r\nFLUSHALL', 'x:y\nz');
  await guess('a\nb', 'c');
  await guess('b', 'c\na');
  const keys = await redis.keys('*');
  expect(keys.filter((key) => !/^pabx-web:tries:(pair|account|address):[0-9a-f]{64}$/.test(key))).toEqual([]);
});
