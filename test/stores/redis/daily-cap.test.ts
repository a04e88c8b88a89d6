import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chargeCall, type Grant, grantedSeconds } from '../../../src/domain/charge.ts';
import { priceOfSeconds } from '../../../src/domain/money.ts';
import type { AdmitInput } from '../../../src/stores/redis/live-calls.ts';
import { callOf, extend, heldOf, newId, rateOf, STANDARD, useStore, walletOf } from './use-store.ts';

const bench = useStore();

const DAY_ms = 86_400_000;
/** A clock that shows the day `days` after this one. */
const clock = (days: number) => -days * DAY_ms;
const dayAfter = (days: number) => new Date(Date.now() + days * DAY_ms).toISOString().slice(0, 10);

describe('a cap of the day', () => {
  const admit = (more: Partial<AdmitInput>) => bench().store.admit(callOf({ rate: STANDARD, ...more }));

  test.each([
    ['nothing left of it', 50_000n, 1n, 0, 'DAILY_CAP'],
    ['just the first block', 50_000n, 0n, 0, 'ADMITTED'],
    ['yesterday counts no more', 50_000n, 50_000n, 1, 'ADMITTED'],
    ['none', null, 10_000_000n, 0, 'ADMITTED'],
    ['of 0', 0n, 0n, 0, 'DAILY_CAP'],
  ] as const)('%s', async (_, daily_cap_micros, spent_micros, days, code) => {
    const payer = newId('payer');
    await bench().store.loadWallet(walletOf(payer, 1_000_000n, { spend_day: dayAfter(0), spent_micros }));
    expect((await admit({ payer, daily_cap_micros, behind_ms: clock(days) })).code).toBe(code);
  });

  test('without money is not what stops a call', async () => {
    const payer = newId('payer');
    await bench().store.loadWallet(walletOf(payer, 49_999n));
    expect((await admit({ payer, daily_cap_micros: 0n })).code).toBe('NO_CREDIT');
  });

  test('stops neither a free call nor one that minutes pay', async () => {
    const payer = newId('payer');
    await bench().store.loadWallet(walletOf(payer, 0n, { left_seconds: { FIXED_LOCAL: 30 } }));
    const capped = { payer, daily_cap_micros: 0n };
    expect((await admit({ ...capped, slot: 'FIXED_LOCAL' })).code).toBe('ADMITTED');
    expect((await admit({ ...capped, rate: rateOf(0n) })).code).toBe('ADMITTED');
    expect((await admit({ ...capped, rate: null })).code).toBe('ADMITTED');
  });

  test('counts what running calls hold, and grants to its last second', async () => {
    const payer = newId('payer');
    await bench().store.loadWallet(walletOf(payer, 10n ** 9n));
    const capped = { payer, rate: rateOf(60n, 1, 1, 0), daily_cap_micros: 100n, slice_seconds: 60 };
    const [one, two] = [callOf(capped), callOf(capped)];
    await bench().store.admit(one);
    await bench().store.admit(two);
    for (let i = 0; i < 40; i += 1) {
      await extend(bench().store, one);
      await extend(bench().store, two);
    }
    expect(await heldOf(bench().redis, payer)).toEqual({ held: 100 });
    expect((await bench().store.admit(callOf(capped))).code).toBe('DAILY_CAP');
  });

  test('is not known from a wallet that does not tell what the day has cost', async () => {
    const payer = newId('payer');
    await bench().store.loadWallet(walletOf(payer, 1_000_000n));
    await bench().redis.hdel(`pabx:wallet:${payer}`, 'day', 'spent');
    expect((await admit({ payer, daily_cap_micros: 50_000n })).code).toBe('WALLET_UNKNOWN');
    expect((await admit({ payer })).code).toBe('ADMITTED');
  });
});

interface ModelCall {
  readonly input: AdmitInput;
  state: 'NEW' | 'RUNNING' | 'SETTLED';
  grant: Grant;
}

type Step =
  | { readonly do: 'admit' | 'extend'; readonly call: number }
  | { readonly do: 'settle'; readonly call: number; readonly part: number; readonly ended: number }
  | { readonly do: 'midnight' };

interface Setting {
  readonly cap: bigint;
  readonly price: bigint;
  readonly cadence: readonly [number, number, number];
}

/** The ledger of the days and the calls, by plain arithmetic. */
class Model {
  readonly payer = newId('payer');
  readonly rate;
  readonly cap: bigint;
  readonly calls: ModelCall[];
  /** What the calls of each day cost that are settled. */
  readonly settled = new Map<number, bigint>();
  today = 0;
  balance = 10n ** 12n;
  version = 1n;

  constructor({ cap, price, cadence }: Setting) {
    this.cap = cap;
    this.rate = rateOf(price, ...cadence);
    const more = { payer: this.payer, rate: this.rate, daily_cap_micros: cap, slice_seconds: 20 };
    this.calls = Array.from({ length: 5 }, () => ({
      input: callOf(more),
      state: 'NEW',
      grant: { bundle_seconds: 0, paid_seconds: 0 },
    }));
  }

  held(): bigint {
    const running = this.calls.filter(({ state }) => state === 'RUNNING');
    const price = (call: ModelCall) =>
      priceOfSeconds(this.rate.price_micros_per_minute, call.grant.paid_seconds);
    return running.reduce((sum, call) => sum + price(call), 0n);
  }

  spent = (day: number) => this.settled.get(day) ?? 0n;

  /** As Postgres tells it: of the latest day on which a call ended. */
  wallet() {
    const day = Math.max(-1, ...this.settled.keys());
    return walletOf(this.payer, this.balance, {
      version: this.version,
      spend_day: dayAfter(day),
      spent_micros: this.spent(day),
    });
  }

  /** Whether the cap leaves the next block. */
  fits({ grant }: ModelCall): boolean {
    const { initial_seconds, increment_seconds } = this.rate.cadence;
    const seconds = grantedSeconds(grant);
    const block = seconds < initial_seconds ? initial_seconds - seconds : increment_seconds;
    const price = this.rate.price_micros_per_minute;
    const cost = priceOfSeconds(price, seconds + block) - priceOfSeconds(price, seconds);
    return this.spent(this.today) + this.held() + cost <= this.cap;
  }
}

async function settle(model: Model, call: ModelCall, part: number, ended: number): Promise<void> {
  if (call.state !== 'RUNNING') return;
  const talk_ms = grantedSeconds(call.grant) * 1000 * part;
  const { total_micros } = chargeCall(talk_ms, model.rate, call.grant);
  const day = Math.max(0, model.today - ended);
  model.settled.set(day, model.spent(day) + total_micros);
  model.balance -= total_micros;
  model.version += 1n;
  call.state = 'SETTLED';
  await bench().store.settle(call.input, model.wallet(), null);
}

async function take(model: Model, step: Step): Promise<void> {
  const { store } = bench();
  if (step.do === 'midnight') {
    model.today += 1;
    return;
  }
  const call = model.calls[step.call] as ModelCall;
  if (step.do === 'settle') return settle(model, call, step.part, step.ended);
  const now = { ...call.input, behind_ms: clock(model.today) };
  const fits = model.fits(call);
  if (step.do === 'admit' && call.state === 'NEW') {
    const answer = await store.admit(now);
    expect(answer.code).toBe(fits ? 'ADMITTED' : 'DAILY_CAP');
    if (answer.code !== 'ADMITTED') return;
    call.grant = answer.grant;
    call.state = 'RUNNING';
  }
  if (step.do === 'extend' && call.state === 'RUNNING') {
    const before = grantedSeconds(call.grant);
    call.grant = (await extend(store, now))?.grant ?? call.grant;
    expect(grantedSeconds(call.grant) > before).toBe(fits);
  }
}

const call = fc.nat(4);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('admit' as const), call }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('extend' as const), call }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('settle' as const),
        call,
        part: fc.constantFrom(0, 0.4, 1, 1.3),
        // One in a few ended yesterday and is told of today.
        ended: fc.constantFrom(0, 0, 0, 1),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('midnight' as const) }) },
  ),
  { minLength: 5, maxLength: 50 },
);

const settings: fc.Arbitrary<Setting> = fc.record({
  cap: fc.oneof(fc.bigInt(0n, 300_000n), fc.bigInt(0n, 3_000_000n)),
  price: fc.oneof(fc.constantFrom(1n, 7n, 100_000n), fc.bigInt(1n, 1_000_000n)),
  cadence: fc.constantFrom([30, 6, 3] as const, [60, 60, 0] as const, [1, 1, 0] as const, [7, 5, 0] as const),
});

test('any calls of any days: what a day’s calls cost and what is held never exceed the cap, and all of it can be used', async () => {
  const run = async (setting: Setting, all: Step[]) => {
    const model = new Model(setting);
    await bench().store.loadWallet(model.wallet());
    for (const step of all) {
      // A call that is told late ended on a day whose calls may still be charged to it: not one that began since.
      if (step.do === 'settle' && step.ended > 0 && model.today === 0) continue;
      await take(model, step);
      expect((await heldOf(bench().redis, model.payer)).held ?? 0).toBe(Number(model.held()));
      const day = model.today;
      expect(model.spent(day) + model.held()).toBeLessThanOrEqual(setting.cap);
    }
  };
  await fc.assert(fc.asyncProperty(settings, steps, run), { numRuns: 200 });
});
