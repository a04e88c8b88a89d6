import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../../dev/services/process.ts';
import { freeFrom } from './any-server.ts';
import { callOf, claim, extend, holders, SERVER, useStore } from './use-store.ts';

const bench = useStore();

const NO_EPOCH = { code: 'NO_EPOCH' };

const ready = (redis: Redis) =>
  waitUntil(() => redis.status === 'ready', { timeout_ms: 10_000, what: 'the link to Redis' });
const closed = (redis: Redis) =>
  waitUntil(() => redis.status !== 'ready', { timeout_ms: 10_000, what: 'the loss of the link to Redis' });

const runIdOf = async (redis: Redis) => /run_id:(\w+)/.exec(await redis.info('server'))?.[1] ?? '';

test('nothing is admitted before the epoch begins, and everything after', async () => {
  const { redis, connect } = bench();
  await redis.flushall();
  const { store, ownership } = await connect();
  expect(store.ready()).toBe(false);
  expect(await store.epochHolds()).toBe(false);
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  await ownership.begin();
  expect(store.ready()).toBe(true);
  expect((await store.admit(callOf())).code).toBe('ADMITTED');
});

test('a second connection finds the epoch that holds', async () => {
  const { store } = await bench().connect();
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  expect(await store.epochHolds()).toBe(true);
  expect((await store.admit(callOf({ server_id: 'server-2' }))).code).toBe('ADMITTED');
});

test('one of another Redis process is not ours, and begins a rebuild that forgets everything once', async () => {
  const { ownership, store, redis, connect } = bench();
  const other = await connect();
  const claims = [claim('LINE', 'forgotten', 1)];
  await store.admit(callOf({ claims }));
  await redis.set('not-ours', 1);
  // More keys than one scan finds.
  await redis.mset(Array.from({ length: 3_000 }, (_, i) => [`pabx:done:many-${i}`, 1]).flat());
  await redis.set('pabx:epoch', 'another');
  expect(await store.epochHolds()).toBe(false);
  const begun = await ownership.rebuild();
  expect(begun).toMatchObject({ kept: false, begun: true });
  expect((await redis.keys('*')).sort()).toEqual(['not-ours', 'pabx:rebuild']);
  await redis.set('pabx:done:since', 1);
  expect(await other.ownership.rebuild()).toEqual({ ...begun, begun: false });
  expect(await redis.exists('pabx:done:since')).toBe(1);
});

describe('admission opens', () => {
  const SERVERS = ['server-1', 'server-2'];

  async function twoOwners() {
    const { redis, connect } = bench();
    await redis.flushall();
    const [one, other] = [await connect(), await connect()];
    const rebuild = await one.ownership.rebuild();
    if (rebuild.kept) throw new Error('nothing to rebuild');
    expect(await other.ownership.rebuild()).toMatchObject({ name: rebuild.name });
    await freeFrom(redis);
    await one.ownership.hold(['server-1']);
    await other.ownership.hold(['server-2']);
    return { redis, one, other, name: rebuild.name };
  }

  test('when every server was shown, whoever owns it', async () => {
    const { one, other, name } = await twoOwners();
    await one.ownership.show('server-1', name);
    expect(await one.ownership.open(name, SERVERS)).toBe(false);
    expect(one.store.ready()).toBe(false);
    await other.ownership.show('server-2', name);
    expect(await other.ownership.open(name, SERVERS)).toBe(true);
    expect(await one.store.epochHolds()).toBe(true);
    for (const [index, { store }] of [one, other].entries())
      expect((await store.admit(callOf({ server_id: SERVERS[index] as string }))).code).toBe('ADMITTED');
  });

  test('only by what was shown since it was emptied last', async () => {
    const { redis, one, other, name } = await twoOwners();
    await one.ownership.show('server-1', name);
    await redis.flushall();
    const again = await other.ownership.rebuild();
    if (again.kept) throw new Error('nothing to rebuild');
    await other.ownership.hold(['server-2']);
    await one.ownership.hold(['server-1']);
    // Told before it was emptied, or by who has not noticed it: counts for nothing.
    await one.ownership.show('server-1', name);
    await other.ownership.show('server-2', again.name);
    expect(await other.ownership.open(again.name, SERVERS)).toBe(false);
    expect(await one.ownership.open(name, SERVERS)).toBe(false);
    await one.ownership.show('server-1', again.name);
    expect(await other.ownership.open(again.name, SERVERS)).toBe(true);
  });

  test('for a process that slept through it under another name than it knew', async () => {
    const { one, other } = await twoOwners();
    await one.ownership.begin();
    await other.ownership.begin();
    const before = other.ownership.epoch();
    await bench().redis.flushall();
    await one.ownership.begin();
    expect(await other.store.epochHolds()).toBe(false);
    expect(other.lost()).toBe(1);
    expect(await other.store.epochHolds()).toBe(true);
    expect(other.ownership.epoch()).not.toBe(before);
  });
});

test('a Redis that was flushed under a running control plane is found out by the first call', async () => {
  const { redis, connect } = bench();
  const { store, lost } = await connect();
  await store.epochHolds();
  const server_id = 'server-2';
  await store.admit(callOf({ server_id }));
  await redis.flushall();
  expect(store.ready()).toBe(true);
  expect(await store.admit(callOf({ server_id }))).toEqual(NO_EPOCH);
  // Else nobody rebuilds it: whoever asks `ready` goes on believing in it.
  expect(store.ready()).toBe(false);
  expect(lost()).toBe(1);
  expect(await store.admit(callOf({ server_id }))).toEqual(NO_EPOCH);
  expect(lost()).toBe(1);
});

test('and by the next slice of a call that runs; not by one of a call that is over', async () => {
  const { redis, connect } = bench();
  const { store, lost } = await connect();
  await store.epochHolds();
  const server_id = 'server-2';
  expect(await extend(store, callOf({ call_id: 'over', server_id }))).toBeNull();
  expect([store.ready(), lost()]).toEqual([true, 0]);
  await redis.flushall();
  await expect(extend(store, callOf({ call_id: 'running', server_id }))).rejects.toThrow('emptied');
  expect([store.ready(), lost()]).toEqual([false, 1]);
});

test.each([
  ['in order', async () => {}],
  ['after a crash', () => bench().server.kill()],
])('a restart with its append-only file, %s, is another epoch', async (_, before) => {
  const { store, redis, server, ownership } = bench();
  const claims = [claim('LINE', 'restarted', 1)];
  const call = callOf({ claims });
  await redis.config('SET', 'appendfsync', 'always');
  expect((await store.admit(call)).code).toBe('ADMITTED');
  const runId = await runIdOf(redis);
  await before();
  const restarted = server.restart();
  await closed(redis);
  await restarted;
  expect(store.ready()).toBe(false);
  await ready(redis);
  // The file brought everything back, the old epoch too; who served meanwhile nobody knows.
  expect(await redis.get('pabx:epoch')).toMatch(runId);
  expect(await holders(redis, claims[0] as (typeof claims)[0])).toEqual([call.call_id]);
  expect(await runIdOf(redis)).not.toBe(runId);
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  expect(await store.epochHolds()).toBe(false);
  expect(await store.admit(callOf())).toEqual(NO_EPOCH);
  await ownership.begin();
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
  await expect(store.end('x', SERVER)).rejects.toThrow();
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
