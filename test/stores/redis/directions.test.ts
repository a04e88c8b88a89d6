import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { numberClaims, type PaceClaim } from '../../../src/domain/limits.ts';
import {
  callOf,
  claim,
  holders,
  leftovers,
  newId,
  SERVER,
  STANDARD,
  useStore,
  walletOf,
} from './use-store.ts';

const bench = useStore();
const admit = async (more: Parameters<typeof callOf>[0]) => (await bench().store.admit(callOf(more))).code;

describe('directions', () => {
  test('each has slots of its own, beside those of all', async () => {
    const id = newId('subscriber');
    const total = claim('SUBSCRIBER', id, 3);
    const out = claim('SUBSCRIBER', id, 2, { direction: 'OUT' });
    const inwards = claim('SUBSCRIBER', id, 2, { direction: 'IN' });
    expect(await admit({ claims: [total, out] })).toBe('ADMITTED');
    expect(await admit({ claims: [total, out] })).toBe('ADMITTED');
    expect(await bench().store.admit(callOf({ claims: [total, out] }))).toMatchObject({
      code: 'LIMIT',
      claim: { direction: 'OUT', limit: 2 },
    });
    expect(await admit({ claims: [total, inwards] })).toBe('ADMITTED');
    expect(await bench().store.admit(callOf({ claims: [total, inwards] }))).toMatchObject({
      code: 'LIMIT',
      claim: { direction: 'TOTAL', limit: 3 },
    });
    const { redis } = bench();
    const counts = await Promise.all(
      [total, out, inwards].map(async (one) => (await holders(redis, one)).length),
    );
    expect(counts).toEqual([3, 2, 1]);
  });

  test('what is kept for calls in is theirs alone: 200 out and 200 in at once', async () => {
    const id = newId('trunk');
    const [out, inwards] = [claim('TRUNK', id, 10, { reserved: 2 }), claim('TRUNK', id, 10)];
    const outs = await Promise.all(Array.from({ length: 200 }, () => admit({ claims: [out] })));
    expect(outs.filter((code) => code === 'ADMITTED')).toHaveLength(8);
    const ins = await Promise.all(Array.from({ length: 200 }, () => admit({ claims: [inwards] })));
    expect(ins.filter((code) => code === 'ADMITTED')).toHaveLength(2);
    const [first = ''] = await holders(bench().redis, out);
    await bench().store.end(first, SERVER);
    expect(await admit({ claims: [out] }), 'nine run, eight may before a call out').toBe('LIMIT');
    expect(await admit({ claims: [inwards] })).toBe('ADMITTED');
  });

  test('a number has as many calls as it may: 100 in and 100 that show it at once', async () => {
    const number = { did_id: newId('number'), max_calls: 10, max_calls_out: 4, max_calls_in: 8 };
    const begin = (way: 'OUT' | 'IN') => admit({ claims: numberClaims(number, way) });
    const ways = Array.from({ length: 200 }, (_, index) => (index % 2 ? 'IN' : 'OUT'));
    const codes = await Promise.all(ways.map(async (way) => ({ way, code: await begin(way) })));
    const admitted = codes.filter(({ code }) => code === 'ADMITTED');
    expect(admitted).toHaveLength(10);
    expect(admitted.filter(({ way }) => way === 'OUT').length).toBeLessThanOrEqual(4);
    expect(admitted.filter(({ way }) => way === 'IN').length).toBeLessThanOrEqual(8);
  });

  test('more kept than there are: no call out, all in', async () => {
    const id = newId('subscriber');
    expect(await admit({ claims: [claim('SUBSCRIBER', id, 1, { reserved: 5 })] })).toBe('LIMIT');
    expect(await admit({ claims: [claim('SUBSCRIBER', id, 1)] })).toBe('ADMITTED');
  });
});

describe('calls a second', () => {
  const pace = (calls_per_second: number, level: PaceClaim['level'] = 'LINE'): PaceClaim => ({
    level,
    id: newId('pace'),
    calls_per_second,
  });

  test('200 at once where 7 may: exactly 7, the others are told whose pace', async () => {
    const paces = [pace(50), pace(7, 'SUBSCRIBER')];
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => bench().store.admit(callOf({ paces }))),
    );
    expect(answers.filter(({ code }) => code === 'ADMITTED')).toHaveLength(7);
    for (const answer of answers)
      if (answer.code !== 'ADMITTED') expect(answer).toEqual({ code: 'TOO_FAST', pace: paces[1] });
  });

  test('within any second no more, and a call that is refused does not put off the next', async () => {
    const paces = [pace(3)];
    const begun: number[] = [];
    const end = Date.now() + 2_600;
    while (Date.now() < end) {
      if ((await admit({ paces })) === 'ADMITTED') begun.push(Date.now());
      await sleep(10);
    }
    expect(begun.length).toBeGreaterThanOrEqual(7);
    for (const [index, at] of begun.entries()) {
      const third = begun[index + 3];
      if (third !== undefined) expect(third - at).toBeGreaterThan(980);
    }
  });

  test('a call that is refused for another reason does not count, nor one that is taken over', async () => {
    const paces = [pace(1)];
    expect(await admit({ paces, claims: [claim('LINE', newId('line'), 0)] })).toBe('LIMIT');
    const payer = newId('payer');
    await bench().store.loadWallet(walletOf(payer, 0n));
    expect(await admit({ paces, payer, rate: STANDARD })).toBe('NO_CREDIT');
    expect(await leftovers(bench().redis)).toEqual([]);
    await admit({ paces, adopt: { bundle_seconds: 0, paid_seconds: 0 } });
    expect(await admit({ paces })).toBe('ADMITTED');
    expect(await admit({ paces })).toBe('TOO_FAST');
  });

  test('the same call asked again is no other call', async () => {
    const input = callOf({ paces: [pace(1)] });
    expect((await bench().store.admit(input)).code).toBe('ADMITTED');
    expect((await bench().store.admit(input)).code).toBe('ADMITTED');
  });
});
