import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { waitUntil } from '../../../dev/services/process.ts';
import { redisRunId } from '../../../src/stores/redis/connect.ts';
import { callOf, claim, extend, holders, useStore } from './use-store.ts';

const bench = useStore();

const NO_EPOCH = { code: 'NO_EPOCH' };

const ready = (redis: Redis) =>
  waitUntil(() => redis.status === 'ready', { timeout_ms: 10_000, what: 'the link to Redis' });
const closed = (redis: Redis) =>
  waitUntil(() => redis.status !== 'ready', { timeout_ms: 10_000, what: 'the loss of the link to Redis' });

test('nothing is admitted before the epoch begins, and everything after', async () => {
  const { redis, connect } = bench();
  await redis.flushall();
  const { store } = await connect();
  expect(store.ready()).toBe(false);
  expect(await store.epochHolds()).toBe(false);
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  await store.beginEpoch();
  expect(store.ready()).toBe(true);
  expect((await store.admit(callOf())).code).toBe('ADMITTED');
});

test('a second connection finds the epoch that holds', async () => {
  const { store } = await bench().connect();
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  expect(await store.epochHolds()).toBe(true);
  expect((await store.admit(callOf())).code).toBe('ADMITTED');
});

test('forgetting everything ends it, for every connection', async () => {
  const { store, redis, connect } = bench();
  const other = await connect();
  expect(await other.store.epochHolds()).toBe(true);
  const claims = [claim('LINE', 'forgotten', 1)];
  await store.admit(callOf({ claims }));
  await redis.set('not-ours', 1);
  await store.forgetAll();
  expect(await redis.keys('*')).toEqual(['not-ours']);
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  // This one believes that its epoch holds: the script itself must know better.
  expect(await other.store.admit(callOf())).toEqual(NO_EPOCH);
  expect(await store.epochHolds()).toBe(false);
});

test('one that another control plane began is not ours', async () => {
  const { store, redis } = bench();
  await redis.set('pabx:epoch', 'another');
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  expect(store.ready()).toBe(false);
  expect(await store.epochHolds()).toBe(false);
});

test('more keys than one scan finds are all forgotten', async () => {
  const { store, redis } = bench();
  const pipeline = redis.pipeline();
  for (let i = 0; i < 3_000; i += 1) pipeline.set(`pabx:done:many-${i}`, 1);
  await pipeline.exec();
  await store.forgetAll();
  expect(await redis.keys('pabx:*')).toEqual([]);
});

test('a Redis that was flushed under a running control plane is found out by the first call', async () => {
  const { redis, connect } = bench();
  const { store, lost } = await connect();
  await store.epochHolds();
  await redis.flushall();
  expect(store.ready()).toBe(true);
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  // Else nobody rebuilds it: whoever asks `ready` goes on believing in it.
  expect(store.ready()).toBe(false);
  expect(lost()).toBe(1);
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  expect(lost()).toBe(1);
});

test('and by the next slice of a call that runs; not by one of a call that is over', async () => {
  const { redis, connect } = bench();
  const { store, lost } = await connect();
  await store.epochHolds();
  expect(await extend(store, callOf({ call_id: 'over' }))).toBeNull();
  expect([store.ready(), lost()]).toEqual([true, 0]);
  await redis.flushall();
  expect(await extend(store, callOf({ call_id: 'running' }))).toBeNull();
  expect([store.ready(), lost()]).toEqual([false, 1]);
});

test.each([
  ['in order', async () => {}],
  ['after a crash', () => bench().server.kill()],
])('a restart with its append-only file, %s, is another epoch', async (_, before) => {
  const { store, redis, server } = bench();
  const claims = [claim('LINE', 'restarted', 1)];
  const call = callOf({ claims });
  await redis.config('SET', 'appendfsync', 'always');
  expect((await store.admit(call)).code).toBe('ADMITTED');
  const runId = await redisRunId(redis);
  await before();
  const restarted = server.restart();
  await closed(redis);
  await restarted;
  expect(store.ready()).toBe(false);
  await ready(redis);
  // The file brought everything back, the old epoch too; who served meanwhile nobody knows.
  expect(await redis.get('pabx:epoch')).toBe(runId);
  expect(await holders(redis, claims[0] as (typeof claims)[0])).toEqual([call.call_id]);
  expect(await redisRunId(redis)).not.toBe(runId);
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  expect(await store.epochHolds()).toBe(false);
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  await store.forgetAll();
  await store.beginEpoch();
  expect((await store.admit(callOf({ claims }))).code).toBe('ADMITTED');
});

test('a link that was lost for a moment needs no new epoch, but must ask', async () => {
  const { store, redis } = bench();
  const gone = once(redis, 'close');
  redis.stream.destroy();
  await gone;
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  await ready(redis);
  expect(store.ready()).toBe(false);
  expect(await store.epochHolds()).toBe(true);
  expect((await store.admit(callOf())).code).toBe('ADMITTED');
});

test('while Redis is away a question fails at once', async () => {
  const { store, redis, server } = bench();
  await server.kill();
  await closed(redis);
  const before = performance.now();
  await expect(store.end('x', 'y')).rejects.toThrow();
  await expect(extend(store, callOf())).rejects.toThrow();
  expect(performance.now() - before).toBeLessThan(1_000);
  await server.restart();
  await ready(redis);
});

test('scripts that Redis has forgotten are told to it again', async () => {
  const { store, redis } = bench();
  await store.admit(callOf());
  await redis.script('FLUSH');
  const claims = [claim('LINE', 'flushed', 5)];
  const answers = await Promise.all(Array.from({ length: 50 }, () => store.admit(callOf({ claims }))));
  expect(answers.filter(({ code }) => code === 'ADMITTED')).toHaveLength(5);
});
