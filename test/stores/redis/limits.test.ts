import { describe, expect, test } from 'vitest';
import type { LimitClaim } from '../../../src/domain/limits.ts';
import type { AdmitAnswer, AdmitInput } from '../../../src/stores/redis/live-calls.ts';
import {
  callOf,
  claim,
  extend,
  granted,
  heldOf,
  holders,
  leftovers,
  newId,
  SERVER,
  STANDARD,
  type StoreLink,
  slotsKey,
  useStore,
  walletOf,
} from './use-store.ts';

const bench = useStore();

/** Asks for all of them at once over several connections. */
async function atOnce(inputs: readonly AdmitInput[]): Promise<AdmitAnswer[]> {
  const links: StoreLink[] = await Promise.all([1, 2, 3].map(() => bench().connect()));
  for (const { store } of links) expect(await store.epochHolds()).toBe(true);
  const all = [bench(), ...links];
  // Each process has a server of its own; what they share are the limits.
  const servers = all.map(() => newId('server'));
  const answers = await Promise.all(
    inputs.map((input, index) => {
      const server_id = servers[index % all.length] as string;
      return (all[index % all.length] as StoreLink).store.admit({ ...input, server_id });
    }),
  );
  for (const { redis } of links) redis.disconnect();
  return answers;
}

const admitted = (answers: readonly AdmitAnswer[]) =>
  answers.filter(({ code }) => code === 'ADMITTED').length;

function levels(limits: readonly [line: number, subscriber: number, reseller: number, trunk: number]) {
  const [line, subscriber, reseller, trunk] = limits;
  return [
    claim('LINE', newId('line'), line),
    claim('SUBSCRIBER', newId('subscriber'), subscriber),
    claim('RESELLER', newId('reseller'), reseller),
    claim('TRUNK', newId('trunk'), trunk),
  ];
}

describe('200 calls at once for 10 slots', () => {
  test.each([
    ['LINE', [10, 40, 40, 40]],
    ['SUBSCRIBER', [50, 10, 40, 30]],
    ['RESELLER', [11, 12, 10, 13]],
    ['TRUNK', [200, 200, 200, 10]],
    ['LINE', [10, 10, 10, 10]],
  ] as const)('at the %s, limits %o: exactly 10, the same at every level', async (level, limits) => {
    const claims = levels(limits);
    const answers = await atOnce(Array.from({ length: 200 }, () => callOf({ claims })));
    expect(admitted(answers)).toBe(10);
    const { redis } = bench();
    const [first] = await Promise.all(claims.map((one) => holders(redis, one)));
    expect(first).toHaveLength(10);
    for (const one of claims) expect((await holders(redis, one)).sort()).toEqual(first?.sort());
    for (const answer of answers) {
      if (answer.code !== 'LIMIT') continue;
      expect(answer.claim).toEqual(claims.find((one) => one.level === level));
      expect(answer.holders.every((id) => first?.includes(id))).toBe(true);
      expect(answer.holders).toHaveLength(10);
    }
    const calls = await Promise.all(
      (await redis.keys('pabx:calls:*')).map((key) => redis.zrange(key, 0, '-1')),
    );
    expect(calls.flat().sort()).toEqual(first?.toSorted());
  });

  test('of two lines, 6 each, 10 together', async () => {
    const shared = claim('SUBSCRIBER', newId('subscriber'), 10);
    const lines = [claim('LINE', newId('line'), 6), claim('LINE', newId('line'), 6)];
    const inputs = Array.from({ length: 200 }, (_, i) =>
      callOf({ claims: [lines[i % 2] as LimitClaim, shared] }),
    );
    expect(admitted(await atOnce(inputs))).toBe(10);
    const counts = await Promise.all(lines.map(async (line) => (await holders(bench().redis, line)).length));
    expect(Math.max(...counts)).toBeLessThanOrEqual(6);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
  });

  test('and the eleventh as soon as one ends', async () => {
    const claims = [claim('LINE', newId('line'), 10)];
    const inputs = Array.from({ length: 200 }, () => callOf({ claims }));
    await atOnce(inputs);
    const [leaver = ''] = await holders(bench().redis, claims[0] as LimitClaim);
    await bench().store.end(leaver, SERVER);
    await bench().store.end(leaver, SERVER);
    expect(admitted(await atOnce(Array.from({ length: 50 }, () => callOf({ claims }))))).toBe(1);
    expect(await holders(bench().redis, claims[0] as LimitClaim)).toHaveLength(10);
  });
});

describe('one level full', () => {
  test.each([0, 1, 2, 3])('number %i: nothing is taken at the others, no money either', async (full) => {
    const { store, redis } = bench();
    const payer = newId('payer');
    await store.loadWallet(walletOf(payer, 1_000_000n));
    const limits = [5, 5, 5, 5] as [number, number, number, number];
    limits[full] = 0;
    const claims = levels(limits);
    const answer = await store.admit(callOf({ payer, rate: STANDARD, claims }));
    expect(answer).toEqual({ code: 'LIMIT', claim: claims[full], holders: [] });
    expect(await leftovers(redis)).toEqual([]);
    expect(await heldOf(redis, payer)).toEqual({});
  });

  test('names the first of several, in their order', async () => {
    const claims = levels([5, 0, 0, 5]);
    const answer = await bench().store.admit(callOf({ claims }));
    expect(answer).toMatchObject({ code: 'LIMIT', claim: { level: 'SUBSCRIBER' } });
  });

  test('no slot is taken when the money does not do', async () => {
    const { store, redis } = bench();
    const payer = newId('payer');
    await store.loadWallet(walletOf(payer, 49_999n));
    const claims = levels([1, 1, 1, 1]);
    const input = callOf({ payer, rate: STANDARD, claims });
    expect(await store.admit(input)).toEqual({ code: 'NO_CREDIT' });
    expect(await leftovers(redis)).toEqual([]);
    expect(await store.admit({ ...input, payer: newId('payer') })).toEqual({ code: 'WALLET_UNKNOWN' });
    expect(await leftovers(redis)).toEqual([]);
  });

  test('at most ten of the calls that hold the slots are named', async () => {
    const { store } = bench();
    const claims = [claim('TRUNK', newId('trunk'), 25)];
    for (let i = 0; i < 25; i += 1) await store.admit(callOf({ claims }));
    const answer = await store.admit(callOf({ claims }));
    expect(answer.code === 'LIMIT' && answer.holders.length).toBe(10);
  });
});

describe('the same call asked again', () => {
  test('gets its first answer and takes nothing twice', async () => {
    const { store, redis } = bench();
    const payer = newId('payer');
    await store.loadWallet(walletOf(payer, 1_000_000n));
    const claims = levels([1, 1, 1, 1]);
    const input = callOf({ payer, rate: STANDARD, claims });
    const answers = await atOnce(Array.from({ length: 20 }, () => input));
    const first = answers[0] as AdmitAnswer;
    expect(granted(first)).toEqual([0, 60]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    await extend(store, input);
    expect(await store.admit(input)).toEqual(first);
    expect(await heldOf(redis, payer)).toEqual({ held: 200_000 });
    expect(await holders(redis, claims[0] as LimitClaim)).toEqual([input.call_id]);
  });

  test('after a refusal is decided anew', async () => {
    const { store } = bench();
    const claims = [claim('LINE', newId('line'), 1)];
    const [first, second] = [callOf({ claims }), callOf({ claims })];
    expect((await store.admit(first)).code).toBe('ADMITTED');
    expect((await store.admit(second)).code).toBe('LIMIT');
    await store.end(first.call_id, SERVER);
    expect((await store.admit(second)).code).toBe('ADMITTED');
  });
});

describe('leases', () => {
  const inAMinute = async () => {
    const [seconds] = await bench().redis.time();
    return Number(seconds) * 1000 + 60_000;
  };

  test('end a minute from now, and those that are over are purged by the next call', async () => {
    const { store, redis } = bench();
    const claims = levels([1, 1, 1, 1]);
    const [ghost, next] = [callOf({ claims }), callOf({ claims })];
    await store.admit(ghost);
    for (const one of claims) {
      const score = Number(await redis.zscore(slotsKey(one), ghost.call_id));
      expect(Math.abs(score - (await inAMinute()))).toBeLessThan(2_000);
      expect((await store.admit(next)).code).toBe('LIMIT');
      await redis.zadd(slotsKey(one), Date.now() - 1, ghost.call_id);
    }
    expect((await store.admit(next)).code).toBe('ADMITTED');
    for (const one of claims) expect(await holders(redis, one)).toEqual([next.call_id]);
  });

  test.each([
    ['with proof of life', true],
    ['frozen, without', false],
  ])('are prolonged at every level, %s', async (_, proof) => {
    const { store, redis } = bench();
    const claims = levels([1, 1, 1, 1]);
    const input = callOf({ claims });
    await store.admit(input);
    for (const one of claims) await redis.zadd(slotsKey(one), Date.now() + 500, input.call_id);
    await redis.zadd(`pabx:calls:${SERVER}`, 1_000, input.call_id);
    await store.renew(SERVER, ['unknown', input.call_id, 'stranger'], proof);
    for (const one of claims) {
      const score = Number(await redis.zscore(slotsKey(one), input.call_id));
      expect(Math.abs(score - (await inAMinute()))).toBeLessThan(2_000);
      expect(await holders(redis, one)).toEqual([input.call_id]);
    }
    const [stored] = await store.callsOf(SERVER);
    if (proof) expect(Math.abs((stored?.seen_at_ms ?? 0) - Date.now())).toBeLessThan(2_000);
    else expect(stored?.seen_at_ms).toBe(1_000);
    expect(await redis.zcard(`pabx:calls:${SERVER}`)).toBe(1);
  });

  test('of a call that is over are not brought back', async () => {
    const { store, redis } = bench();
    const claims = levels([1, 1, 1, 1]);
    const input = callOf({ claims });
    await store.admit(input);
    await store.end(input.call_id, SERVER);
    await store.renew(SERVER, [input.call_id], true);
    for (const one of claims) expect(await holders(redis, one)).toEqual([]);
    expect(await store.callsOf(SERVER)).toEqual([]);
    await store.settle({ ...input }, null, null);
    await store.renew(SERVER, [input.call_id], true);
    expect(await leftovers(redis)).toEqual([]);
  });

  test('nothing is renewed without calls', async () => {
    await bench().store.renew(SERVER, [], true);
    expect(await leftovers(bench().redis)).toEqual([]);
  });
});
