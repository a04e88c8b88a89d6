import { billedSeconds } from './cadence.ts';
import { type Grant, grantedSeconds } from './charge.ts';
import { type Micros, priceOfSeconds } from './money.ts';
import type { Rate } from './rate-table.ts';

/** A call that talks, as far as it matters for how long others can. */
export interface TalkingCall {
  readonly rate: Rate;
  /** What its reseller pays for it. */
  readonly wholesale: Rate | null;
  readonly grant: Grant;
  readonly talked_ms: number;
  /** Names of the minutes that it draws on, before and after the turn of its cycle; null: of none. */
  readonly minutes: string | null;
  readonly minutes_after_turn: string | null;
}

/** What of the payer's, and of its reseller's, no call holds. */
export interface FreeMeans {
  readonly money: Micros;
  readonly minutes: ReadonlyMap<string, number>;
  readonly reseller: Micros;
}

/** Longer than anybody is let talk: whoever has enough for that need not be looked at closely. */
const MOST_ms = 100_000_000;

/** The last moment, in ms from now, up to which something holds that ceases to hold once. */
function lastMoment(holds: (after_ms: number) => boolean): number {
  if (holds(MOST_ms)) return MOST_ms;
  let [low, high] = [0, MOST_ms];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Billed seconds that a call needs to talk on until then; never less than it has. A held first block is a whole one.
 * What it talks beyond its grant while it is being cut is nobody's.
 */
function neededBy({ rate, grant, talked_ms }: TalkingCall, after_ms: number): number {
  const held = { ...rate.cadence, free_threshold_seconds: 0 };
  const granted = grantedSeconds(grant);
  const talk_seconds = Math.ceil((Math.min(talked_ms, granted * 1000) + after_ms) / 1000);
  return Math.max(granted, billedSeconds(talk_seconds, held));
}

/** What a call adds to its grant until then, before and after the turn of its cycle. */
function addedBy(call: TalkingCall, after_ms: number) {
  const granted = grantedSeconds(call.grant);
  const added = neededBy(call, after_ms) - granted;
  const to_turn = call.grant.after_turn
    ? Math.max(0, call.grant.after_turn.turn_seconds - granted)
    : Number.POSITIVE_INFINITY;
  const before = Math.min(added, to_turn);
  return { before, after: added - before };
}

/** A call that went over to money stays there until its cycle turns. */
function drawsOn({ grant, minutes, minutes_after_turn }: TalkingCall) {
  return {
    before: grant.paid_seconds > 0 ? null : minutes,
    after: grant.after_turn && grant.after_turn.paid_seconds > 0 ? null : minutes_after_turn,
  };
}

function minutesBy(calls: readonly TalkingCall[], name: string, after_ms: number): number {
  return calls.reduce((seconds, call) => {
    const [own, added] = [drawsOn(call), addedBy(call, after_ms)];
    return seconds + (own.before === name ? added.before : 0) + (own.after === name ? added.after : 0);
  }, 0);
}

/** Until when each kind of minutes lasts, all calls that may drawing on it. */
function lastMinutes(calls: readonly TalkingCall[], free: FreeMeans['minutes']): ReadonlyMap<string, number> {
  const ends = [...free].map(
    ([name, left]) => [name, lastMoment((after_ms) => minutesBy(calls, name, after_ms) <= left)] as const,
  );
  return new Map(ends);
}

/** What a call needs of money until then: what minutes do not cover. */
function moneyBy(call: TalkingCall, after_ms: number, ends: ReadonlyMap<string, number>): Micros {
  const own = drawsOn(call);
  const covered = (name: string | null, part: 'before' | 'after') =>
    name === null ? 0 : addedBy(call, Math.min(after_ms, ends.get(name) ?? 0))[part];
  const added = addedBy(call, after_ms);
  const seconds = added.before - covered(own.before, 'before') + added.after - covered(own.after, 'after');
  const paid = call.grant.paid_seconds + (call.grant.after_turn?.paid_seconds ?? 0);
  const price = call.rate.price_micros_per_minute;
  return priceOfSeconds(price, paid + seconds) - priceOfSeconds(price, paid);
}

function wholesaleBy(call: TalkingCall, after_ms: number): Micros {
  const { wholesale, grant } = call;
  if (!wholesale) return 0n;
  const cadence = { ...wholesale.cadence, free_threshold_seconds: 0 };
  const costs = (seconds: number) =>
    priceOfSeconds(wholesale.price_micros_per_minute, billedSeconds(seconds, cadence));
  return costs(neededBy(call, after_ms)) - costs(grantedSeconds(grant));
}

const sum = (amounts: readonly Micros[]) => amounts.reduce((all, amount) => all + amount, 0n);

/**
 * Billed seconds that each of a payer's calls can have in all, when all of them talk on together and with them those of
 * the same reseller (`alongside`). They end together, within a block: who holds more than the others ends by what it holds.
 */
export function fundedTogether(
  calls: readonly TalkingCall[],
  alongside: readonly TalkingCall[],
  free: FreeMeans,
): number[] {
  const ends = lastMinutes(calls, free.minutes);
  const own_ms = lastMoment(
    (after_ms) => sum(calls.map((call) => moneyBy(call, after_ms, ends))) <= free.money,
  );
  const buyers = [...calls, ...alongside].filter(({ wholesale }) => wholesale !== null);
  const isBought = (after_ms: number) =>
    sum(buyers.map((call) => wholesaleBy(call, after_ms))) <= free.reseller;
  // Whoever buys enough for longer than that need not be looked at closely.
  const last_ms =
    buyers.length === 0 || isBought(own_ms)
      ? own_ms
      : lastMoment((after_ms) => after_ms <= own_ms && isBought(after_ms));
  return calls.map((call) => neededBy(call, last_ms));
}
