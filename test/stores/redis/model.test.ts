import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chargeCall, type Grant, grantedSeconds } from '../../../src/domain/charge.ts';
import { priceOfSeconds } from '../../../src/domain/money.ts';
import type { Rate } from '../../../src/domain/rate-table.ts';
import type { AdmitInput } from '../../../src/stores/redis/live-calls.ts';
import {
  CYCLE,
  callOf,
  extend as extendCall,
  heldOf,
  leftovers,
  newId,
  rateOf,
  useStore,
  walletOf,
} from './use-store.ts';

const bench = useStore();
const SLOT = 'MOBILE_LOCAL';

interface Setting {
  readonly rate: Rate;
  readonly balance: bigint;
  readonly credit: bigint;
  readonly left: number;
  readonly slice: number;
}

type Step =
  | { readonly do: 'admit' | 'extend' | 'end'; readonly call: number }
  | { readonly do: 'settle'; readonly call: number; readonly part: number }
  | { readonly do: 'top-up'; readonly amount: bigint };

interface ModelCall {
  readonly input: AdmitInput;
  state: 'NEW' | 'RUNNING' | 'ENDED' | 'SETTLED';
  grant: Grant;
}

/** What the ledger and the holds are by plain arithmetic, beside the store that is asked the same. */
class Model {
  readonly payer = newId('payer');
  readonly setting: Setting;
  readonly calls: ModelCall[];
  balance: bigint;
  left: number;
  version = 1n;

  constructor(setting: Setting) {
    this.setting = setting;
    this.balance = setting.balance;
    this.left = setting.left;
    const { rate, credit: credit_micros, slice: slice_seconds } = setting;
    this.calls = ([null, null, SLOT, SLOT, SLOT] as const).map((slot) => ({
      input: callOf({ payer: this.payer, rate, slot, credit_micros, slice_seconds }),
      state: 'NEW',
      grant: { bundle_seconds: 0, paid_seconds: 0 },
    }));
  }

  wallet() {
    return walletOf(this.payer, this.balance, { version: this.version, left_seconds: { [SLOT]: this.left } });
  }

  price(seconds: number): bigint {
    return priceOfSeconds(this.setting.rate.price_micros_per_minute, seconds);
  }

  holders(): ModelCall[] {
    return this.calls.filter(({ state }) => state === 'RUNNING' || state === 'ENDED');
  }

  held(): bigint {
    return this.holders().reduce((sum, { grant }) => sum + this.price(grant.paid_seconds), 0n);
  }

  heldSeconds(): number {
    return this.holders().reduce((sum, { grant }) => sum + grant.bundle_seconds, 0);
  }

  free(): bigint {
    return this.balance + this.setting.credit - this.held();
  }

  /** Seconds out of the minutes that a call could still get. */
  minutes({ input, grant }: ModelCall): number {
    return input.slot && grant.paid_seconds === 0 ? Math.max(0, this.left - this.heldSeconds()) : 0;
  }

  /** Whether so many more paid seconds fit into the money that is free. */
  pays({ grant }: ModelCall, seconds: number): boolean {
    if (seconds <= 0 || this.setting.rate.price_micros_per_minute === 0n) return true;
    const cost = this.price(grant.paid_seconds + seconds) - this.price(grant.paid_seconds);
    return cost <= this.free();
  }

  /** Whether the next block can be paid, out of minutes, money or both. */
  nextBlockFits(call: ModelCall): boolean {
    const { initial_seconds, increment_seconds } = this.setting.rate.cadence;
    const total = grantedSeconds(call.grant);
    const block = total < initial_seconds ? initial_seconds - total : increment_seconds;
    return this.pays(call, block - this.minutes(call));
  }
}

/** Takes a new grant into the model: more than before, whole blocks, minutes before money, within the slice. */
function accept(model: Model, call: ModelCall, grant: Grant): void {
  const { initial_seconds, increment_seconds } = model.setting.rate.cadence;
  const minutes = model.minutes(call);
  const bundle = grant.bundle_seconds - call.grant.bundle_seconds;
  const paid = grant.paid_seconds - call.grant.paid_seconds;
  expect(bundle).toBeGreaterThanOrEqual(0);
  expect(paid).toBeGreaterThanOrEqual(0);
  expect(bundle).toBeLessThanOrEqual(minutes);
  if (paid > 0) expect(bundle).toBe(minutes);
  expect((grantedSeconds(grant) - initial_seconds) % increment_seconds).toBe(0);
  const block = Math.max(initial_seconds, increment_seconds);
  expect(bundle + paid).toBeLessThanOrEqual(Math.max(block, model.setting.slice));
  expect(model.pays(call, paid)).toBe(true);
  call.grant = grant;
}

/** The scripts count no further. */
const MOST_PAID_seconds = 1_000_000_000;

/** `more` is exactly what could be granted beyond: so many seconds fit, one more does not. */
function checkMore(model: Model, call: ModelCall, more: number): void {
  if (model.setting.rate.price_micros_per_minute === 0n) return;
  const paid = more - model.minutes(call);
  expect(paid).toBeGreaterThanOrEqual(0);
  if (paid > 0) expect(model.pays(call, paid)).toBe(true);
  if (paid < MOST_PAID_seconds - call.grant.paid_seconds) expect(model.pays(call, paid + 1)).toBe(false);
}

async function admit(model: Model, call: ModelCall): Promise<void> {
  const answer = await bench().store.admit(call.input);
  if (call.state === 'SETTLED') return expect(answer).toEqual({ code: 'ENDED' });
  if (call.state !== 'NEW') return expect(answer.code).toBe('ADMITTED');
  const fits = model.nextBlockFits(call);
  expect(answer.code).toBe(fits ? 'ADMITTED' : 'NO_CREDIT');
  if (answer.code !== 'ADMITTED') return;
  accept(model, call, answer.grant);
  call.state = 'RUNNING';
  checkMore(model, call, answer.more_seconds);
}

async function extend(model: Model, call: ModelCall): Promise<void> {
  const answer = await extendCall(bench().store, call.input);
  if (call.state !== 'RUNNING') return expect(answer).toBeNull();
  if (!answer) throw new Error('the call is gone');
  if (!model.nextBlockFits(call)) expect(answer.grant).toEqual(call.grant);
  else {
    expect(grantedSeconds(answer.grant)).toBeGreaterThan(grantedSeconds(call.grant));
    accept(model, call, answer.grant);
  }
  checkMore(model, call, answer.more_seconds);
}

async function settle(model: Model, call: ModelCall, part: number): Promise<void> {
  if (call.state === 'NEW') return;
  const before = model.wallet();
  if (call.state !== 'SETTLED') {
    const talk_ms = grantedSeconds(call.grant) * 1000 * part;
    const charge = chargeCall(talk_ms, model.setting.rate, call.grant);
    model.balance -= charge.total_micros;
    model.left -= charge.bundle_seconds;
    model.version += 1n;
  }
  call.state = 'SETTLED';
  await bench().store.settle(call.input, model.wallet(), null);
  // A late word of the ledger as it was before.
  await bench().store.loadWallet(before);
}

async function take(model: Model, step: Step): Promise<void> {
  if (step.do === 'top-up') {
    model.balance += step.amount;
    model.version += 1n;
    return bench().store.loadWallet(model.wallet());
  }
  const call = model.calls[step.call] as ModelCall;
  if (step.do === 'admit') return admit(model, call);
  if (step.do === 'extend') return extend(model, call);
  if (step.do === 'settle') return settle(model, call, step.part);
  await bench().store.end(call.input.call_id, call.input.server_id);
  if (call.state === 'RUNNING') call.state = 'ENDED';
}

async function check(model: Model): Promise<void> {
  const held = await heldOf(bench().redis, model.payer);
  expect(BigInt(held.held ?? 0)).toBe(model.held());
  expect(held[`held:${SLOT}`] ?? 0).toBe(model.heldSeconds());
  expect(model.free()).toBeGreaterThanOrEqual(0n);
  expect(model.heldSeconds()).toBeLessThanOrEqual(model.left);
}

const settings: fc.Arbitrary<Setting> = fc.record({
  rate: fc
    .tuple(
      fc.oneof(fc.constantFrom(0n, 1n, 7n, 100_000n, 123_457n), fc.bigInt(1n, 1_000_000_000n)),
      fc.constantFrom([30, 6, 3], [60, 60, 0], [1, 1, 0], [7, 5, 0], [6, 30, 0]),
    )
    .map(([price, cadence]) => rateOf(price, ...(cadence as [number, number, number]))),
  balance: fc.oneof(fc.bigInt(0n, 300_000n), fc.bigInt(0n, 10n ** 11n)),
  credit: fc.oneof(fc.constant(0n), fc.bigInt(0n, 200_000n)),
  left: fc.nat(300),
  slice: fc.constantFrom(1, 30, 60, 61),
});

const call = fc.nat(4);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('admit' as const), call }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('extend' as const), call }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), call }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('settle' as const),
        call,
        part: fc.constantFrom(0, 0.01, 0.5, 1, 1.2),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('top-up' as const), amount: fc.bigInt(1n, 100_000n) }),
    },
  ),
  { minLength: 5, maxLength: 50 },
);

test('any calls of one payer, in any order: holds are the sum of the grants, and nothing goes below zero', async () => {
  const run = async (setting: Setting, all: Step[]) => {
    const model = new Model(setting);
    await bench().store.loadWallet(model.wallet());
    for (const step of all) {
      await take(model, step);
      await check(model);
    }
    for (const one of model.calls) await settle(model, one, 1);
    expect(await heldOf(bench().redis, model.payer)).toEqual({});
    expect(await leftovers(bench().redis)).toEqual([]);
    const [balance, left] = await bench().redis.hmget(
      `pabx:wallet:${model.payer}`,
      'balance',
      `left:${CYCLE}:${SLOT}`,
    );
    expect([balance, left]).toEqual([String(model.balance), String(model.left)]);
    expect(model.balance + setting.credit).toBeGreaterThanOrEqual(0n);
    expect(model.left).toBeGreaterThanOrEqual(0);
  };
  await fc.assert(fc.asyncProperty(settings, steps, run), {
    numRuns: 250,
    seed: -489270802,
    path: '9',
    endOnFailure: true,
  });
});
