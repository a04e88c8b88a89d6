import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AdmitInput } from '../../../src/stores/redis/live-calls.ts';
import {
  CYCLE,
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
  useStore,
  walletOf,
} from './use-store.ts';

const bench = useStore();

/** A paid call that takes slots and money; its payer's wallet is there. */
async function paidCall(more: Partial<AdmitInput> = {}): Promise<AdmitInput> {
  const payer = newId('payer');
  await bench().store.loadWallet(walletOf(payer, 1_000_000n, { left_seconds: { FIXED_LOCAL: 40 } }));
  const claims = [claim('LINE', newId('line'), 1), claim('TRUNK', newId('trunk'), 1)];
  return callOf({ payer, rate: STANDARD, slot: 'FIXED_LOCAL', claims, ...more });
}

const settle = (call: AdmitInput) => bench().store.settle(call, null, null);

describe('what happens twice', () => {
  test('an end frees the slots once, and the means stay held until the settlement', async () => {
    const { store, redis } = bench();
    const call = await paidCall();
    await store.admit(call);
    await store.end(call.call_id, SERVER);
    const held = await heldOf(redis, call.payer);
    expect(held).toEqual({ 'held:FIXED_LOCAL': 30 });
    const next = callOf({ claims: call.claims });
    expect((await store.admit(next)).code).toBe('ADMITTED');
    await store.end(call.call_id, SERVER);
    for (const one of call.claims) expect(await holders(redis, one)).toEqual([next.call_id]);
    expect(await heldOf(redis, call.payer)).toEqual(held);
  });

  test('a settlement gives back once', async () => {
    const { store, redis } = bench();
    const [call, other] = [await paidCall(), await paidCall()];
    const beside = { ...other, payer: call.payer };
    await store.admit(call);
    await store.admit(beside);
    const holds = await heldOf(redis, call.payer);
    await settle(call);
    const left = await heldOf(redis, call.payer);
    expect(left).not.toEqual(holds);
    await settle(call);
    expect(await heldOf(redis, call.payer)).toEqual(left);
  });

  test('an answer: the first time told stays', async () => {
    const { store } = bench();
    const call = await paidCall();
    await store.answer(call.call_id, SERVER, 500);
    expect(await store.callsOf(SERVER)).toEqual([]);
    await store.admit(call);
    await store.answer(call.call_id, SERVER, 1_000);
    await store.answer(call.call_id, SERVER, 2_000);
    expect((await store.callsOf(SERVER))[0]?.answered_at_ms).toBe(1_000);
  });
});

describe('what comes in another order', () => {
  type Step = 'admit' | 'extend' | 'answer' | 'end' | 'settle';

  async function take(step: Step, call: AdmitInput): Promise<void> {
    const { store } = bench();
    if (step === 'admit') await store.admit(call);
    if (step === 'extend') await extend(store, call);
    if (step === 'answer') await store.answer(call.call_id, SERVER, 1_000);
    if (step === 'end') await store.end(call.call_id, SERVER);
    if (step === 'settle') await settle(call);
  }

  test('leaves nothing behind, whatever the order and however often', async () => {
    const must: Step[] = ['admit', 'end', 'settle'];
    const steps = fc
      .array(fc.constantFrom<Step>('admit', 'extend', 'answer', 'end', 'settle'), { maxLength: 6 })
      .chain((more) => fc.shuffledSubarray([...must, ...more], { minLength: must.length + more.length }));
    const run = async (order: Step[]) => {
      const call = await paidCall();
      for (const step of order) await take(step, call);
      expect(await leftovers(bench().redis)).toEqual([]);
      expect(await heldOf(bench().redis, call.payer)).toEqual({});
      expect(await bench().store.admit(call)).toEqual({ code: 'ENDED' });
    };
    await fc.assert(fc.asyncProperty(steps, run), { numRuns: 150 });
  });

  test('a settled call does not come back, by no means', async () => {
    const { store, redis } = bench();
    const call = await paidCall();
    await settle(call);
    expect(await store.admit(call)).toEqual({ code: 'ENDED' });
    const adopt = { bundle_seconds: 30, paid_seconds: 0 };
    expect(await store.admit({ ...call, adopt })).toEqual({ code: 'ENDED' });
    expect(await extend(store, call)).toBeNull();
    await store.answer(call.call_id, SERVER, 1_000);
    expect(await leftovers(redis)).toEqual([]);
    const ttl_ms = await redis.pttl(`pabx:done:${call.call_id}`);
    expect(ttl_ms).toBeGreaterThan(5 * 3_600_000);
    expect(ttl_ms).toBeLessThanOrEqual(6 * 3_600_000);
  });

  test('a settlement without an end frees the slots too', async () => {
    const call = await paidCall();
    await bench().store.admit(call);
    await settle(call);
    expect(await leftovers(bench().redis)).toEqual([]);
  });

  test.each(['end', 'settle'] as const)('no slice after its %s', async (step) => {
    const { store, redis } = bench();
    const call = await paidCall();
    await store.admit(call);
    await take(step, call);
    const held = await heldOf(redis, call.payer);
    expect(await extend(store, call)).toBeNull();
    expect(await heldOf(redis, call.payer)).toEqual(held);
  });

  test('a free call has no slices', async () => {
    const call = callOf();
    expect(granted(await bench().store.admit(call))).toEqual([0, 0]);
    expect(await extend(bench().store, call)).toBeNull();
    await settle(call);
    expect(await leftovers(bench().redis)).toEqual([]);
    expect(await bench().redis.exists(`pabx:wallet:${call.payer}`)).toBe(0);
  });
});

describe('what is stored', () => {
  test('of running calls: by server, with facts and grant, until they end', async () => {
    const { store } = bench();
    const facts = JSON.stringify({ name: 'Padaria “São João”\n\t\\"\u0000é', price: '100000n' });
    const call = await paidCall({ facts });
    const elsewhere = await paidCall({ server_id: 'server-2' });
    await store.admit(call);
    await store.admit(elsewhere);
    const [stored, ...others] = await store.callsOf(SERVER);
    expect(others).toEqual([]);
    expect(stored).toMatchObject({
      call_id: call.call_id,
      facts,
      grant: { bundle_seconds: 30, paid_seconds: 0 },
      answered_at_ms: null,
      ended: false,
    });
    expect(Math.abs((stored?.seen_at_ms ?? 0) - Date.now())).toBeLessThan(2_000);
    expect(await store.ended()).toEqual([]);
    await store.end(call.call_id, SERVER);
    expect(await store.callsOf(SERVER)).toEqual([]);
    expect(await store.ended()).toMatchObject([{ call_id: call.call_id, ended: true, seen_at_ms: null }]);
    await settle(call);
    expect(await store.ended()).toEqual([]);
    expect((await store.callsOf('server-2')).map((one) => one.call_id)).toEqual([elsewhere.call_id]);
  });

  test('the grant after its slices', async () => {
    const { store } = bench();
    const call = await paidCall();
    await store.admit(call);
    const answer = await extend(store, call);
    expect((await store.callsOf(SERVER))[0]?.grant).toEqual(answer?.grant);
  });
});

describe('a call that runs already is taken over', () => {
  test('with what it was granted, past limits and means', async () => {
    const { store, redis } = bench();
    const payer = newId('payer');
    await store.loadWallet(walletOf(payer, -5_000_000n, { left_seconds: { FIXED_LOCAL: 0 } }));
    const claims = [claim('LINE', newId('line'), 0), claim('SUBSCRIBER', newId('subscriber'), 0)];
    const adopt = { bundle_seconds: 100, paid_seconds: 62 };
    const call = callOf({ payer, rate: STANDARD, slot: 'FIXED_LOCAL', claims, adopt });
    expect(granted(await store.admit(call))).toEqual([100, 62]);
    expect(await heldOf(redis, payer)).toEqual({ held: 103_333, 'held:FIXED_LOCAL': 100 });
    for (const one of claims) expect(await holders(redis, one)).toEqual([call.call_id]);
    expect(granted(await store.admit(call))).toEqual([100, 62]);
    expect(await heldOf(redis, payer)).toEqual({ held: 103_333, 'held:FIXED_LOCAL': 100 });
    await settle(call);
    expect(await leftovers(redis)).toEqual([]);
    expect(await heldOf(redis, payer)).toEqual({});
  });

  test('before the epoch begins, and of a cycle that is over; but not without a wallet', async () => {
    const { store, redis, ownership } = bench();
    await redis.del('pabx:epoch');
    expect(await ownership.epochHolds()).toBe(false);
    const adopt = { bundle_seconds: 30, paid_seconds: 0 };
    const call = callOf({ payer: newId('payer'), rate: STANDARD, slot: 'FIXED_LOCAL', adopt });
    expect(await store.admit(call)).toEqual({ code: 'WALLET_UNKNOWN' });
    expect(await leftovers(redis)).toEqual([]);
    await store.loadWallet(walletOf(call.payer, 0n, { cycle_start: '2026-12-01' }));
    expect(granted(await store.admit(call))).toEqual([30, 0]);
    expect(await heldOf(redis, call.payer)).toEqual({ 'held:FIXED_LOCAL': 30 });
  });

  test('as it is when it is known already', async () => {
    const { store, redis } = bench();
    const call = await paidCall();
    const first = await store.admit(call);
    const adopt = { bundle_seconds: 40, paid_seconds: 500 };
    expect(await store.admit({ ...call, adopt })).toEqual(first);
    expect(await heldOf(redis, call.payer)).toEqual({ 'held:FIXED_LOCAL': 30 });
  });
});

describe('a wallet', () => {
  const field = async (payer: string, name: string) => bench().redis.hget(`pabx:wallet:${payer}`, name);

  test('is replaced by a newer one only, and what calls hold of it stays', async () => {
    const { store, redis } = bench();
    const call = await paidCall();
    await store.admit(call);
    for (let i = 0; i < 2; i += 1) await extend(store, call);
    const held = await heldOf(redis, call.payer);
    expect(held).toEqual({ held: 3_333, 'held:FIXED_LOCAL': 40 });
    const at = (version: bigint, balance: bigint, left: number) =>
      walletOf(call.payer, balance, { version, left_seconds: { FIXED_LOCAL: left } });
    for (const [wallet, balance, left] of [
      [at(10n, 7n, 300), '7', '300'],
      [at(9n, 8n, 200), '7', '300'],
      [at(10n, 9n, 100), '7', '300'],
      [at(11n, -5n, 0), '-5', '0'],
    ] as const) {
      await store.loadWallet(wallet);
      expect(await field(call.payer, 'balance')).toBe(balance);
      expect(await field(call.payer, `left:${CYCLE}:FIXED_LOCAL`)).toBe(left);
      expect(await heldOf(redis, call.payer)).toEqual(held);
    }
    await store.settle(call, at(10n, 1n, 1), null);
    expect(await field(call.payer, 'balance')).toBe('-5');
    expect(await heldOf(redis, call.payer)).toEqual({});
  });

  test('comes with a settlement, of a call that is unknown too', async () => {
    const { store } = bench();
    const call = await paidCall();
    const reseller = { reseller_id: call.reseller_id, version: 3n, balance_micros: 34n };
    await store.settle(call, walletOf(call.payer, 12n, { version: 2n }), reseller);
    expect(await field(call.payer, 'balance')).toBe('12');
    expect(await field(`reseller:${call.reseller_id}`, 'balance')).toBe('34');
  });

  test('of an older cycle than the call’s is asked for anew', async () => {
    const { store } = bench();
    const call = await paidCall({ cycle_start: '2026-12-01' });
    expect(await store.admit(call)).toEqual({ code: 'WALLET_UNKNOWN' });
    await store.loadWallet(walletOf(call.payer, 50_000n, { version: 2n, next_left: {} }));
    expect((await store.admit(call)).code).toBe('ADMITTED');
  });
});
