import { localDay } from '../../src/domain/cycle.ts';
import { priceOfSeconds } from '../../src/domain/money.ts';
import type { Refusal } from '../../src/domain/refusals.ts';
import { isFault } from './history.ts';
import { brief, calmAt, require } from './rules.ts';
import type { TrueCall } from './true-call.ts';
import type { World } from './world.ts';

/* What somebody has may be used to the end: neither a slot nor a cent is kept from a call that could have it. */

/** Money that no call holds, nor the day's cap keeps; null: minutes or the reseller's money count too. */
function freeMoney(world: World, call: TrueCall): bigint | null {
  const { facts, terms } = call.line;
  if (terms.billing_mode === 'BUNDLE' || world.history.terms.wholesale) return null;
  const { subscriber_id, credit_limit_micros, daily_cap_micros } = facts.subscriber;
  const wallet = world.redis.held.get(`pabx:wallet:${subscriber_id}`);
  const held = BigInt((wallet instanceof Map && wallet.get('held')) || 0);
  const free = world.ledger.balanceOf(subscriber_id) + credit_limit_micros - held;
  if (daily_cap_micros === null) return free;
  const today = localDay(new Date(world.clock.wall_ms('redis')));
  const left = daily_cap_micros - world.ledger.spentOn(subscriber_id, today) - held;
  return left < free ? left : free;
}

/** What the next seconds would cost beside those that are granted. */
function priceOfMore({ line }: TrueCall, granted: number, more: number): bigint {
  const price = BigInt(line.terms.price_micros_per_minute);
  return priceOfSeconds(price, granted + more) - priceOfSeconds(price, granted);
}

type RefusedCall = Refusal & { readonly call: string };

function refusal(world: World, call: TrueCall, refused: RefusedCall): void {
  const { reason, limit, detail } = refused;
  const told = () => ({ ...refused, ...brief(call) });
  if (reason === 'LIMIT_REACHED' && limit) {
    const reserved = Number(/^RESERVED_IN (\d+)$/.exec(detail ?? '')?.[1] ?? 0);
    const most = Math.min(10, limit.limit - reserved);
    require(limit.holders.length >= most, 'a call is refused when all slots are taken', told);
    const over = world
      .calls()
      .filter(({ call_id, ended_ms }) => ended_ms !== null && limit.holders.includes(call_id));
    require(over.every(
      ({ ended_ms }) => ended_ms === world.clock.mono_ms,
    ), 'a slot is free as soon as its call ends', told);
  }
  const free = reason === 'NO_CREDIT' || reason === 'DAILY_CAP' ? freeMoney(world, call) : null;
  if (free === null) return;
  const block = priceOfMore(call, 0, call.line.terms.cadence.initial_seconds);
  require(free < block, 'a call is refused when the first block cannot be paid', () => ({ free, ...told() }));
}

/** A call that we cut could not have been paid any longer. */
function cutCall(world: World, call: TrueCall): void {
  const free = freeMoney(world, call);
  const granted = world.redis.held.get(`pabx:call:${call.call_id}`);
  const longest = call.line.facts.max_call_seconds;
  if (free === null || longest !== null || !(granted instanceof Map)) return;
  const more = priceOfMore(call, Number(granted.get('paid')), call.line.terms.cadence.increment_seconds);
  require(free < more, 'a call is cut when the next block cannot be paid', () => ({
    free,
    more,
    ...brief(call),
  }));
}

/** What is refused or cut in quiet times is so for a reason that is there. */
export function checkUse(world: World): void {
  const now_ms = world.clock.mono_ms;
  const fresh = world.told.slice(world.read);
  world.read = world.told.length;
  if (!calmAt(world, now_ms)) return;
  for (const { message, fields } of fresh) {
    if (message !== 'call refused') continue;
    const refused = fields as RefusedCall;
    const call = world.calls().find(({ call_id }) => call_id === refused.call);
    if (call) refusal(world, call, refused);
  }
  for (const call of world.calls()) {
    const cut = call.ended_ms === now_ms && call.ended_by === 'CONTROL' && !world.hungUp.has(call.call_id);
    if (cut) cutCall(world, call);
  }
}

/** Nobody spends more in a day than its cap. */
export function checkCaps(world: World): void {
  if (world.history.actions.some((action) => action.do === 'CLOCK_SET')) return;
  for (const { facts } of world.house.subscribers) {
    const { subscriber_id, daily_cap_micros } = facts;
    if (daily_cap_micros === null) continue;
    const own = [...world.ledger.calls.values()].filter((record) => record.subscriber_id === subscriber_id);
    for (const day of new Set(own.map(({ ended_at }) => localDay(ended_at as Date)))) {
      const spent = world.ledger.spentOn(subscriber_id, day);
      require(spent <= daily_cap_micros, 'no day costs more than its cap', () => ({
        ...{ subscriber_id, day, spent, daily_cap_micros },
      }));
    }
  }
}

/** Calls on one balance end within a slice of each other, unless money came back or in. */
export function checkTogether(world: World): void {
  if (world.history.actions.some((action) => isFault(action) || action.do === 'TOP_UP')) return;
  const { slice_seconds } = world.history.times;
  for (const cut of world.calls().filter(({ ended_by }) => ended_by === 'CONTROL')) {
    const at_ms = cut.ended_ms ?? 0;
    const { subscriber, max_call_seconds } = cut.line.facts;
    if (max_call_seconds !== null || world.hungUp.has(cut.call_id) || freeMoney(world, cut) === null)
      continue;
    const same = world
      .calls()
      .filter(({ line, plan }) => line.facts.subscriber === subscriber && plan.to !== 'INBOUND');
    if (same.some(({ ended_ms, ended_by }) => ended_by !== 'CONTROL' && (ended_ms ?? 0) >= at_ms)) continue;
    const { initial_seconds, increment_seconds } = cut.line.terms.cadence;
    const step_ms = (slice_seconds + Math.max(initial_seconds, increment_seconds)) * 1000;
    for (const other of same) {
      if (other.answered_ms === null || other.answered_ms > at_ms || (other.ended_ms ?? 0) <= at_ms) continue;
      require((other.ended_ms ?? 0) <= at_ms + step_ms, 'calls on one balance end within a step', () => ({
        ...{ cut: brief(cut), other: brief(other) },
      }));
    }
  }
}
