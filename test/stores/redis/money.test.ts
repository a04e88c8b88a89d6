import { describe, expect, test } from 'vitest';
import { chargeCall, type Grant } from '../../../src/domain/charge.ts';
import { priceOfSeconds } from '../../../src/domain/money.ts';
import type { Rate } from '../../../src/domain/rate-table.ts';
import type { AdmitInput } from '../../../src/stores/redis/live-calls.ts';
import {
  callOf,
  extend,
  granted,
  heldOf,
  leftovers,
  newId,
  rateOf,
  STANDARD,
  useStore,
  walletOf,
} from './use-store.ts';

const bench = useStore();

interface Means {
  readonly balance: bigint;
  readonly left?: number;
  readonly credit?: bigint;
  readonly rate?: Rate;
  readonly slice?: number;
}

/** A call of a new payer with these means, and what it is granted slice after slice until nothing is left. */
async function slicesOf(
  means: Means,
): Promise<{ call: AdmitInput; grants: [number, number][]; more: number }> {
  const { store } = bench();
  const { balance, left, credit = 0n, rate = STANDARD, slice = 60 } = means;
  const payer = newId('payer');
  const left_seconds = left === undefined ? {} : { FIXED_LOCAL: left };
  await store.loadWallet(walletOf(payer, balance, { left_seconds }));
  const slot = left === undefined ? null : 'FIXED_LOCAL';
  const call = callOf({ payer, rate, slot, credit_micros: credit, slice_seconds: slice });
  const first = await store.admit(call);
  if (first.code !== 'ADMITTED') return { call, grants: [], more: 0 };
  const grants = [granted(first)];
  for (let before = first.grant, more = first.more_seconds; ; ) {
    const answer = await extend(store, call);
    if (!answer) throw new Error('the call is gone');
    const { bundle_seconds, paid_seconds } = answer.grant;
    const added = bundle_seconds + paid_seconds - before.bundle_seconds - before.paid_seconds;
    if (added === 0) return { call, grants, more: answer.more_seconds };
    if (rate.price_micros_per_minute > 0n) expect(answer.more_seconds).toBe(more - added);
    grants.push([bundle_seconds, paid_seconds]);
    [before, more] = [answer.grant, answer.more_seconds];
    if (grants.length === 500) return { call, grants, more };
  }
}

const say = (grants: readonly [number, number][]) =>
  grants.map(([bundle, paid]) => `${bundle}+${paid}`).join(' ');

describe('slices of one call until nothing is left', () => {
  test.each<[string, Means, string]>([
    ['money for two blocks and a half', { balance: 62_500n }, '0+30 0+36'],
    ['slices shrink', { balance: 200_000n }, '0+60 0+90 0+102 0+108 0+114 0+120'],
    ['a micro less than the first block', { balance: 49_999n }, ''],
    ['the first block to the micro', { balance: 50_000n }, '0+30'],
    ['a micro less than the second', { balance: 59_999n }, '0+30'],
    ['the second block to the micro', { balance: 60_000n }, '0+30 0+36'],
    [
      'minutes first, money after',
      { balance: 63_334n, left: 100 },
      '48+0 72+0 84+0 90+0 96+0 100+2 100+20 100+26 100+32 100+38',
    ],
    ['minutes alone, the last block not whole', { balance: 0n, left: 100 }, '48+0 72+0 84+0 90+0 96+0'],
    ['a last block for which money does', { balance: 3_333n, left: 100 }, '48+0 72+0 84+0 90+0 96+0 100+2'],
    ['and does not by a micro', { balance: 3_332n, left: 100 }, '48+0 72+0 84+0 90+0 96+0'],
    ['a first block out of both', { balance: 21_667n, left: 17 }, '17+13'],
    ['and not, by a micro', { balance: 21_666n, left: 17 }, ''],
    ['no minutes', { balance: 50_000n, left: 0 }, '0+30'],
    ['neither', { balance: 0n, left: 29 }, ''],
    ['minutes below zero count as none', { balance: 50_000n, left: -10 }, '0+30'],
    ['minutes while money is below zero', { balance: -1_000_000n, left: 30 }, '30+0'],
    ['postpaid', { balance: 0n, credit: 60_000n }, '0+30 0+36'],
    ['postpaid, below zero already', { balance: -40_000n, credit: 100_000n }, '0+30 0+36'],
    ['postpaid, a micro short', { balance: -50_001n, credit: 100_000n }, ''],
    ['postpaid, beyond the limit', { balance: -100_001n, credit: 100_000n }, ''],
    ['a slice of one block is enough', { balance: 60_000n, slice: 1 }, '0+30 0+36'],
    ['per second', { balance: 6_667n, rate: rateOf(100_000n, 1, 1, 0), slice: 60 }, '0+2 0+3 0+4'],
    ['by the minute', { balance: 250_000n, rate: rateOf(100_000n, 60, 60, 0) }, '0+60 0+120'],
    ['half a micro is a whole one', { balance: 0n, rate: rateOf(1n, 30, 30, 0) }, ''],
    ['and less than half is none', { balance: 0n, rate: rateOf(1n, 29, 29, 0) }, '0+29'],
  ])('%s', async (_, means, slices) => {
    const { call, grants } = await slicesOf(means);
    expect(say(grants)).toBe(slices);
    const [bundle, paid] = grants.at(-1) ?? [0, 0];
    const price = priceOfSeconds(means.rate?.price_micros_per_minute ?? 100_000n, paid);
    const held = await heldOf(bench().redis, call.payer);
    expect([held.held ?? 0, held['held:FIXED_LOCAL'] ?? 0]).toEqual([Number(price), bundle]);
    await bench().store.settle(call, null, null);
    expect(await heldOf(bench().redis, call.payer)).toEqual({});
    expect(await leftovers(bench().redis)).toEqual([]);
  });

  test('postpaid goes down to the credit limit to the micro', async () => {
    const { call, grants, more } = await slicesOf({ balance: 0n, credit: 1_000_000n });
    expect(grants.at(-1)).toEqual([0, 600]);
    expect(more).toBe(0);
    expect(await heldOf(bench().redis, call.payer)).toEqual({ held: 1_000_000 });
  });

  test('100 s left and 160 s of talk: billed 162 s, 100 from the minutes and 62 paid', async () => {
    const { grants } = await slicesOf({ balance: 10_000_000n, left: 100 });
    const enough = grants.find(([bundle, paid]) => bundle + paid >= 162) as [number, number];
    const grant: Grant = { bundle_seconds: enough[0], paid_seconds: enough[1] };
    expect(enough).toEqual([100, 62]);
    expect(chargeCall(160_000, STANDARD, grant)).toEqual({
      billed_seconds: 162,
      bundle_seconds: 100,
      paid_seconds: 62,
      total_micros: 103_333n,
    });
  });

  test('30 s left and 95 s of talk: R$ 0,11 paid', async () => {
    const { grants } = await slicesOf({ balance: 10_000_000n, left: 30 });
    const [bundle_seconds, paid_seconds] = grants.find(([b, p]) => b + p >= 96) as [number, number];
    const charge = chargeCall(95_000, STANDARD, { bundle_seconds, paid_seconds });
    expect(charge).toMatchObject({ bundle_seconds: 30, paid_seconds: 66, total_micros: 110_000n });
  });

  test.each([0n, -1_000_000n])('price 0 is admitted with a balance of %s', async (balance) => {
    const { grants } = await slicesOf({ balance, rate: rateOf(0n) });
    expect(grants).toHaveLength(500);
    expect(grants[0]).toEqual([0, 60]);
    expect(grants[1]).toEqual([0, 120]);
  });

  test('amounts far beyond 32 bits are exact', async () => {
    const price = 1_000_000_000n;
    const balance = priceOfSeconds(price, 90_000) - 1n;
    const { grants } = await slicesOf({ balance, rate: rateOf(price, 60, 60, 0), slice: 86_400 });
    expect(grants.at(-1)).toEqual([0, 89_940]);
  });

  test('amounts beyond what scripts count are refused, not rounded', async () => {
    const call = callOf({ rate: STANDARD, credit_micros: 2n ** 53n });
    await expect(bench().store.admit(call)).rejects.toThrow(RangeError);
    await expect(extend(bench().store, call)).rejects.toThrow(RangeError);
  });
});

describe('several calls of one payer', () => {
  test('what one holds the other has not', async () => {
    const { store } = bench();
    const { call } = await slicesOf({ balance: 80_000n });
    const other = callOf({ payer: call.payer, rate: STANDARD });
    expect(await store.admit(other)).toEqual({ code: 'NO_CREDIT' });
    await store.settle(call, walletOf(call.payer, 30_000n, { version: 2n }), null);
    expect(await store.admit(other)).toEqual({ code: 'NO_CREDIT' });
    await store.loadWallet(walletOf(call.payer, 50_000n, { version: 3n }));
    expect(granted(await store.admit(other))).toEqual([0, 30]);
  });

  test('minutes that one holds the other has not, and what comes back it has', async () => {
    const { store } = bench();
    const { call } = await slicesOf({ balance: 0n, left: 60 });
    const other = callOf({ payer: call.payer, rate: STANDARD, slot: 'FIXED_LOCAL' });
    expect(await store.admit(other)).toEqual({ code: 'NO_CREDIT' });
    const left_seconds = { FIXED_LOCAL: 30 };
    await store.settle(call, walletOf(call.payer, 0n, { version: 2n, left_seconds }), null);
    expect(granted(await store.admit(other))).toEqual([30, 0]);
  });

  test('minutes of one slot are not another’s', async () => {
    const { store } = bench();
    const payer = newId('payer');
    await store.loadWallet(walletOf(payer, 0n, { left_seconds: { FIXED_LOCAL: 600, MOBILE_LOCAL: 29 } }));
    const ask = (slot: AdmitInput['slot']) => store.admit(callOf({ payer, rate: STANDARD, slot }));
    expect(await ask('MOBILE_LOCAL')).toEqual({ code: 'NO_CREDIT' });
    expect(await ask('FIXED_LDN')).toEqual({ code: 'NO_CREDIT' });
    expect(await ask(null)).toEqual({ code: 'NO_CREDIT' });
    expect(granted(await ask('FIXED_LOCAL'))).toEqual([60, 0]);
  });

  test('a top-up during the call goes on with it', async () => {
    const { store } = bench();
    const { call, grants } = await slicesOf({ balance: 50_000n });
    expect(say(grants)).toBe('0+30');
    await store.loadWallet(walletOf(call.payer, 60_000n, { version: 2n }));
    const answer = await extend(store, call);
    expect(answer).toMatchObject({ grant: { bundle_seconds: 0, paid_seconds: 36 }, more_seconds: 0 });
  });

  test('a call that went over to money stays there', async () => {
    const { store } = bench();
    const { call, grants } = await slicesOf({ balance: 50_000n, left: 0 });
    expect(say(grants)).toBe('0+30');
    const left_seconds = { FIXED_LOCAL: 600 };
    await store.loadWallet(walletOf(call.payer, 60_000n, { version: 2n, left_seconds }));
    const answer = await extend(store, call);
    expect(answer?.grant).toEqual({ bundle_seconds: 0, paid_seconds: 36 });
  });
});

describe('R$ 1,00 and 300 calls at once', () => {
  const BALANCE = 1_000_000n;

  test('held and settled together are never above what is there, and all of it can be used', async () => {
    const { store, redis, connect } = bench();
    const payer = newId('payer');
    const ledger = { balance: BALANCE, version: 1n };
    const wallet = () => walletOf(payer, ledger.balance, { version: ledger.version });
    await store.loadWallet(wallet());
    const watcher = await connect();
    let watching = true;
    const watched = (async () => {
      let looks = 0;
      for (; watching; looks += 1) {
        const [balance, held] = await watcher.redis.hmget(`pabx:wallet:${payer}`, 'balance', 'held');
        expect(Number(balance) - Number(held ?? 0)).toBeGreaterThanOrEqual(0);
      }
      return looks;
    })();

    const calls = Array.from({ length: 300 }, () => callOf({ payer, rate: STANDARD, slice_seconds: 30 }));
    let charged = 0n;
    const settled = new Set<string>();
    const settle = async (call: AdmitInput, grant: Grant, part: number) => {
      const talk_ms = (grant.bundle_seconds + grant.paid_seconds) * 1000 * part;
      const { total_micros } = chargeCall(talk_ms, STANDARD, grant);
      ledger.balance -= total_micros;
      ledger.version += 1n;
      charged += total_micros;
      settled.add(call.call_id);
      await store.settle(call, wallet(), null);
      await store.settle(call, wallet(), null);
    };
    for (let round = 0; round < 24; round += 1) {
      const waiting = calls.filter((call) => !settled.has(call.call_id));
      const answers = await Promise.all(waiting.map((call) => store.admit(call)));
      const running = waiting.filter((_, i) => answers[i]?.code === 'ADMITTED');
      const slices = await Promise.all(running.map((call) => extend(store, call)));
      const ends = running.map((call, i) => settle(call, slices[i]?.grant as Grant, ((round + i) % 4) / 3));
      await Promise.all(ends);
    }
    watching = false;
    expect(await watched).toBeGreaterThan(10);
    expect(charged).toBe(BALANCE - ledger.balance);
    expect(ledger.balance).toBeGreaterThanOrEqual(0n);
    // Less than one block is left at the end.
    expect(ledger.balance).toBeLessThan(50_000n);
    expect(await heldOf(redis, payer)).toEqual({});
    expect(await leftovers(redis)).toEqual([]);
  });
});
