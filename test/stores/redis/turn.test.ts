import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { billCall } from '../../../src/domain/bill.ts';
import { type Grant, grantedSeconds, NO_GRANT } from '../../../src/domain/charge.ts';
import { priceOfSeconds } from '../../../src/domain/money.ts';
import type { Rate } from '../../../src/domain/rate-table.ts';
import type { AdmitInput, ExtendAnswer } from '../../../src/stores/redis/live-calls.ts';
import {
  CYCLE,
  callOf,
  extend,
  granted,
  leftovers,
  NEXT_CYCLE,
  newId,
  rateOf,
  STANDARD,
  useStore,
  walletOf,
} from './use-store.ts';

const bench = useStore();
const SLOT = 'FIXED_LOCAL';

interface Means {
  readonly balance?: bigint;
  readonly left?: number;
  /** Minutes of the next cycle; left out: it is not open yet. */
  readonly next_left?: number;
  readonly turn: number;
}

/** A call of a new payer, admitted, and told of its turn slice after slice until nothing is left: its grants. */
async function slicesAcross({ balance = 0n, left = 0, next_left, turn }: Means): Promise<string> {
  const { store } = bench();
  const payer = newId('payer');
  const next = next_left === undefined ? {} : { next_left: { [SLOT]: next_left } };
  await store.loadWallet(walletOf(payer, balance, { left_seconds: { [SLOT]: left }, ...next }));
  const call = callOf({ payer, rate: STANDARD, slot: SLOT });
  const grants = [granted(await store.admit(call)).join('+')];
  for (let rounds = 0; rounds < 40; rounds += 1) {
    const answer: ExtendAnswer = await store.extend({ ...call, turn_seconds: turn });
    if (answer.code !== 'EXTENDED') return [...grants, answer.code].join(' ');
    const { bundle_seconds, paid_seconds, after_turn } = answer.grant;
    const text = `${bundle_seconds}+${paid_seconds}|${after_turn?.bundle_seconds}+${after_turn?.paid_seconds}`;
    if (text === grants.at(-1)) break;
    grants.push(text);
  }
  await store.settle(call, null, null);
  expect(await leftovers(bench().redis)).toEqual([]);
  return grants.join(' ');
}

describe('a call whose cycle turns', () => {
  test.each<[string, Means, string]>([
    [
      'goes from old minutes to new ones on the second',
      { left: 600, next_left: 60, turn: 80 },
      '60+0 78+0|0+0 80+0|4+0 80+0|28+0 80+0|40+0 80+0|46+0 80+0|52+0 80+0|58+0',
    ],
    [
      'from old money to new minutes',
      { balance: 10_000_000n, left: 30, next_left: 36, turn: 45 },
      '30+0 30+12|0+0 30+15|3+0 30+15|15+0 30+15|21+0 30+15|27+0 30+15|33+0 30+15|36+3 30+15|36+63 30+15|36+123',
    ],
    [
      'granted beyond the turn before it was answered',
      { left: 600, next_left: 300, turn: 20 },
      '60+0 20+0|100+0 20+0|160+0 20+0|220+0 20+0|256+0 20+0|274+0 20+0|286+0 20+0|292+0 20+0|298+0',
    ],
    [
      'answered in the new cycle already',
      { left: 600, next_left: 90, turn: 0 },
      '60+0 0+0|72+0 0+0|78+0 0+0|84+0 0+0|90+0',
    ],
    ['with nothing in the new one', { left: 600, next_left: 0, turn: 20 }, '60+0 20+0|0+0'],
    [
      'with a little money for the new one',
      { balance: 20_000n, left: 60, turn: 20, next_left: 0 },
      '30+0 20+0|0+10',
    ],
    ['that is not open yet', { left: 600, turn: 20 }, '60+0 WALLET_UNKNOWN'],
  ])('%s', async (_, means, slices) => {
    const all = await slicesAcross(means);
    expect(all.startsWith(slices), all).toBe(true);
  });
});

interface Setting {
  readonly rate: Rate;
  readonly wholesale: Rate | null;
  readonly balance: bigint;
  readonly reseller_balance: bigint;
  readonly left: number;
  readonly next_left: number;
  readonly turns: readonly (number | null)[];
}

interface Step {
  readonly do: 'admit' | 'extend' | 'settle';
  readonly call: number;
  /** How much of its grant a settled call talked. */
  readonly part: number;
}

interface ModelCall {
  readonly input: AdmitInput;
  readonly turn: number | null;
  state: 'NEW' | 'RUNNING' | 'SETTLED';
  grant: Grant;
}

/** The ledger and the holds by plain arithmetic, of one payer and its reseller. */
class Model {
  readonly payer = newId('payer');
  readonly reseller_id = newId('reseller');
  readonly setting: Setting;
  readonly calls: ModelCall[];
  balance: bigint;
  reseller_balance: bigint;
  left: Record<string, number>;
  version = 1n;

  constructor(setting: Setting) {
    this.setting = setting;
    this.balance = setting.balance;
    this.reseller_balance = setting.reseller_balance;
    this.left = { [CYCLE]: setting.left, [NEXT_CYCLE]: setting.next_left };
    const { rate, wholesale } = setting;
    const { payer, reseller_id } = this;
    this.calls = setting.turns.map((turn, index) => ({
      input: callOf({ payer, reseller_id, rate, wholesale, slot: index % 3 === 0 ? null : SLOT }),
      turn,
      state: 'NEW',
      grant: NO_GRANT,
    }));
  }

  wallet() {
    const left_seconds = { [SLOT]: this.left[CYCLE] ?? 0 };
    const next_left = { [SLOT]: this.left[NEXT_CYCLE] ?? 0 };
    return walletOf(this.payer, this.balance, { version: this.version, left_seconds, next_left });
  }

  resellerWallet() {
    const { reseller_id, version, reseller_balance: balance_micros } = this;
    return { reseller_id, version, balance_micros };
  }

  running = () => this.calls.filter(({ state }) => state === 'RUNNING');
  held = () => this.running().reduce((sum, { grant }) => sum + this.price(paidOf(grant)), 0n);
  price = (seconds: number) => priceOfSeconds(this.setting.rate.price_micros_per_minute, seconds);

  resellerHeld(): bigint {
    return this.running().reduce((sum, { grant }) => sum + this.bought(grantedSeconds(grant)), 0n);
  }

  /** What a talk costs the reseller when no call is too short to be charged. */
  bought(seconds: number): bigint {
    const { wholesale } = this.setting;
    if (!wholesale || seconds === 0) return 0n;
    const { initial_seconds: first, increment_seconds: step } = wholesale.cadence;
    const billed = seconds <= first ? first : first + Math.ceil((seconds - first) / step) * step;
    return priceOfSeconds(wholesale.price_micros_per_minute, billed);
  }

  heldSeconds(cycle: string): number {
    return this.running().reduce((sum, { grant }) => {
      const part = cycle === CYCLE ? grant : grant.after_turn;
      return sum + (part?.bundle_seconds ?? 0);
    }, 0);
  }

  minutes(cycle: string): number {
    return (this.left[cycle] ?? 0) - this.heldSeconds(cycle);
  }

  /** Whether the next block of a call can be paid, second for second out of the cycle that each lies in. */
  nextBlockFits({ input, grant, turn }: ModelCall): boolean {
    const { initial_seconds, increment_seconds } = this.setting.rate.cadence;
    const total = grantedSeconds(grant);
    const over = total < initial_seconds ? 0 : (total - initial_seconds) % increment_seconds;
    const block = total < initial_seconds ? initial_seconds - total : increment_seconds - over;
    const before = turn === null ? block : Math.max(0, Math.min(block, turn - total));
    const own = (cycle: string, part: { paid_seconds: number } | undefined, seconds: number) =>
      input.slot === null || (part?.paid_seconds ?? 0) > 0 ? 0 : Math.min(seconds, this.minutes(cycle));
    const minutes = own(CYCLE, grant, before) + own(NEXT_CYCLE, grant.after_turn, block - before);
    const cost = this.price(paidOf(grant) + block - minutes) - this.price(paidOf(grant));
    const bought = this.bought(total + block) - this.bought(total);
    return cost <= this.balance - this.held() && bought <= this.reseller_balance - this.resellerHeld();
  }
}

const paidOf = ({ paid_seconds, after_turn }: Grant) => paid_seconds + (after_turn?.paid_seconds ?? 0);

async function admit(model: Model, call: ModelCall): Promise<void> {
  if (call.state !== 'NEW') return;
  const fits = model.nextBlockFits({ ...call, turn: null });
  const answer = await bench().store.admit(call.input);
  expect(['ADMITTED', 'NO_CREDIT', 'RESELLER_NO_CREDIT']).toContain(answer.code);
  expect(answer.code === 'ADMITTED').toBe(fits);
  if (answer.code !== 'ADMITTED') return;
  call.grant = answer.grant;
  call.state = 'RUNNING';
}

async function extendOne(model: Model, call: ModelCall): Promise<void> {
  if (call.state !== 'RUNNING') return;
  const { turn } = call;
  const before = call.grant;
  const first = turn !== null && !before.after_turn;
  const fits = model.nextBlockFits(call);
  const answer = await extend(bench().store, call.input, turn === null ? {} : { turn_seconds: turn });
  if (!answer) throw new Error('the call is gone');
  call.grant = answer.grant;
  const [was, is] = [grantedSeconds(before), grantedSeconds(answer.grant)];
  // Told of its turn for the first time a call may lose what the new cycle cannot pay; never what lies before it.
  if (first && turn < was) return expect(is).toBeGreaterThanOrEqual(turn);
  expect(is > was, `${was} → ${is}`).toBe(fits);
  expect(is).toBeGreaterThanOrEqual(was);
}

async function settle(model: Model, call: ModelCall, part: number): Promise<void> {
  if (call.state !== 'RUNNING') return;
  const { rate, wholesale } = model.setting;
  const found = (one: Rate) => ({ ...one, version_id: 'v', prefix: null, locality: null, kind: null });
  const rates = { rate: found(rate), wholesale: wholesale && found(wholesale), cost: null };
  const talk_ms = grantedSeconds(call.grant) * 1000 * part;
  const bill = billCall(talk_ms, rates, call.grant, [CYCLE, NEXT_CYCLE]);
  call.state = 'SETTLED';
  model.version += 1n;
  for (const { cycle_start, bundle_seconds, total_micros } of bill.parts) {
    model.balance -= total_micros;
    model.left[cycle_start] = (model.left[cycle_start] ?? 0) - bundle_seconds;
  }
  model.reseller_balance -= bill.wholesale?.total_micros ?? 0n;
  await bench().store.settle(call.input, model.wallet(), model.resellerWallet());
}

async function check(model: Model): Promise<void> {
  const { redis } = bench();
  const fields = ['held', `held:${CYCLE}:${SLOT}`, `held:${NEXT_CYCLE}:${SLOT}`];
  const held = await redis.hmget(`pabx:wallet:${model.payer}`, ...fields);
  const expected = [model.held(), model.heldSeconds(CYCLE), model.heldSeconds(NEXT_CYCLE)];
  expect(held.map((value) => value ?? '0')).toEqual(expected.map(String));
  const bought = await redis.hget(`pabx:wallet:reseller:${model.reseller_id}`, 'held');
  expect(bought ?? '0').toBe(String(model.resellerHeld()));
  expect(model.balance - model.held()).toBeGreaterThanOrEqual(0n);
  expect(model.reseller_balance - model.resellerHeld()).toBeGreaterThanOrEqual(0n);
  for (const cycle of [CYCLE, NEXT_CYCLE]) expect(model.minutes(cycle)).toBeGreaterThanOrEqual(0);
  for (const { grant } of model.running()) {
    const { bundle_seconds, paid_seconds, after_turn } = grant;
    if (!after_turn) continue;
    expect(bundle_seconds + paid_seconds).toBeLessThanOrEqual(after_turn.turn_seconds);
    if (after_turn.bundle_seconds + after_turn.paid_seconds > 0)
      expect(bundle_seconds + paid_seconds).toBe(after_turn.turn_seconds);
  }
}

const rates = fc
  .tuple(
    fc.oneof(fc.constantFrom(0n, 1n, 7n, 100_000n, 123_457n), fc.bigInt(1n, 1_000_000n)),
    fc.constantFrom([30, 6, 3], [60, 60, 0], [1, 1, 0], [7, 5, 0], [6, 30, 0]),
  )
  .map(([price, cadence]) => rateOf(price, ...(cadence as [number, number, number])));

const settings: fc.Arbitrary<Setting> = fc.record({
  rate: rates,
  wholesale: fc.option(rates),
  balance: fc.oneof(fc.bigInt(0n, 300_000n), fc.bigInt(0n, 10n ** 9n)),
  reseller_balance: fc.oneof(fc.bigInt(0n, 300_000n), fc.bigInt(0n, 10n ** 9n)),
  left: fc.nat(300),
  next_left: fc.nat(300),
  turns: fc.array(fc.option(fc.oneof(fc.nat(40), fc.nat(300))), { minLength: 4, maxLength: 4 }),
});

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    do: fc.constantFrom('admit', 'admit', 'extend', 'extend', 'extend', 'extend', 'settle'),
    call: fc.nat(3),
    part: fc.constantFrom(0, 0.3, 0.9, 1, 1.3),
  }),
  { minLength: 5, maxLength: 50 },
);

test('any calls across a turn and of a reseller with money of its own: every hold adds up, nothing goes below zero', async () => {
  const run = async (setting: Setting, all: Step[]) => {
    const model = new Model(setting);
    await bench().store.loadWallet(model.wallet());
    await bench().store.loadResellerWallet(model.resellerWallet());
    for (const step of all) {
      const one = model.calls[step.call] as ModelCall;
      if (step.do === 'admit') await admit(model, one);
      else if (step.do === 'extend') await extendOne(model, one);
      else await settle(model, one, step.part);
      await check(model);
    }
    for (const one of model.calls) await settle(model, one, 1);
    await check(model);
    expect(await leftovers(bench().redis)).toEqual([]);
  };
  await fc.assert(fc.asyncProperty(settings, steps, run), { numRuns: 250 });
});
