import { priceOfSeconds } from '../../src/domain/money.ts';
import { isFault } from './history.ts';
import { isRunning, type TrueCall } from './true-call.ts';
import type { World } from './world.ts';

/** A rule that did not hold. */
export class Broken extends Error {
  override name = 'Broken';
}

function require(holds: boolean, rule: string, detail: () => unknown): void {
  if (holds) return;
  const text = JSON.stringify(detail(), (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
  throw new Broken(`${rule}: ${text}`);
}

const count = (calls: readonly TrueCall[], which: (call: TrueCall) => boolean) => calls.filter(which).length;

const brief = ({ plan, line, ...call }: TrueCall) => ({
  ...call,
  to: plan.to,
  line: line.facts.sip_username,
  talk_ms: plan.talk_ms,
});

/** The redis wallets, calls and what they hold, as hashes. */
function hashes(world: World, prefix: string): [string, ReadonlyMap<string, string>][] {
  return [...world.redis.held].filter(
    (entry): entry is [string, Map<string, string>] => entry[0].startsWith(prefix) && entry[1] instanceof Map,
  );
}

/** Nobody's money goes further than it may. */
function money(world: World): void {
  for (const { facts } of world.house.subscribers) {
    const balance = world.ledger.balanceOf(facts.subscriber_id);
    require(balance + facts.credit_limit_micros >= 0n, 'a subscriber’s money goes below what it may', () => ({
      subscriber: facts.subscriber_id,
      balance,
    }));
  }
}

/** What a wallet says that calls hold is what its calls hold, and settled and held together are covered. */
function held(world: World): void {
  const holds = new Map<string, bigint>();
  const unsettled = new Map<string, bigint>();
  for (const [key, hash] of hashes(world, 'pabx:call:')) {
    const rate = hash.get('rate');
    if (!rate) continue;
    const paid = Number(hash.get('paid')) + Number(hash.get('paid2'));
    const price = priceOfSeconds(BigInt(JSON.parse(rate).price), paid);
    const wallet = hash.get('wallet') ?? '';
    holds.set(wallet, (holds.get(wallet) ?? 0n) + price);
    if (world.ledger.calls.has(key.slice('pabx:call:'.length))) continue;
    unsettled.set(wallet, (unsettled.get(wallet) ?? 0n) + price);
  }
  for (const { facts } of world.house.subscribers) {
    const wallet = `pabx:wallet:${facts.subscriber_id}`;
    const kept = world.redis.held.get(wallet);
    if (kept instanceof Map) {
      const told = BigInt(kept.get('held') ?? 0);
      require(told === (holds.get(wallet) ?? 0n), 'a wallet holds what its calls hold', () => ({
        ...{ wallet, told, calls: holds.get(wallet) ?? 0n },
      }));
    }
    const balance = world.ledger.balanceOf(facts.subscriber_id);
    const covered = balance - (unsettled.get(wallet) ?? 0n) + facts.credit_limit_micros >= 0n;
    require(covered, 'held and settled are within what was granted', () => ({ wallet, balance }));
  }
}

/** Nobody talks on what was not reserved; what costs nothing goes on when Redis cannot be asked. */
function registrations(world: World): void {
  for (const call of world.calls()) {
    if (call.let_go_ms !== world.clock.mono_ms || call.offline || call.plan.to === 'EMERGENCY') continue;
    call.registered ||= world.redis.held.has(`pabx:call:${call.call_id}`);
    const costless = call.plan.to === 'INTERNAL' || call.plan.to === 'INBOUND';
    const excused = costless && !calmAt(world, call.let_go_ms);
    require(call.registered || excused, 'a call is let go with its slots taken', () => brief(call));
  }
}

/** Whoever was let go took a slot at each level. */
function limits(world: World): void {
  const { terms } = world.history;
  const running = world.calls().filter((call) => isRunning(call) && call.registered);
  const within = (calls: readonly TrueCall[], most: number, what: string) =>
    require(calls.length <= most, `no more calls than the limit of a ${what}`, () => ({
      ...{ most, calls: calls.map(brief) },
    }));
  for (const { facts, terms: own } of world.house.lines)
    within(
      running.filter(({ line }) => line.facts.line_id === facts.line_id),
      facts.line_max_calls,
      `line of ${own.lines.length}`,
    );
  for (const { facts, terms: own } of world.house.subscribers) {
    const all = running.filter(({ line }) => line.facts.subscriber.subscriber_id === facts.subscriber_id);
    const out = all.filter(({ plan }) => plan.to !== 'INBOUND' && plan.to !== 'INTERNAL');
    within(all, own.max_calls, 'subscriber');
    within(out, Math.min(own.max_calls_out ?? own.max_calls, own.max_calls), 'subscriber going out');
    if (count(all, ({ plan }) => plan.to === 'INBOUND') === 0)
      within(all, own.max_calls - own.reserved_in, 'subscriber that keeps some for calls in');
  }
  within(running, terms.reseller_max_calls, 'reseller');
  for (const { trunk_id, server_id } of world.house.trunks)
    within(
      running.filter((call) => call.server_id === server_id && call.plan.to !== 'INTERNAL'),
      terms.trunk_max_calls,
      `trunk ${trunk_id}`,
    );
}

/** Whether nothing had been wrong for a while before a moment, or ever. */
function calmAt(world: World, at_ms: number): boolean {
  return world.history.actions.every(
    (action) => !isFault(action) || action.at_ms > at_ms || action.at_ms + action.for_ms + 100_000 < at_ms,
  );
}

/** Viewers see exactly the calls that run. */
function board(world: World): void {
  const { control } = world.process;
  const now_ms = world.clock.mono_ms;
  if (!control || !calmAt(world, now_ms)) return;
  const shown = control.board.rows({}).map(({ call_id }) => call_id);
  const fresh = (at_ms: number | null) => at_ms !== null && now_ms - at_ms < 50;
  const expected = world
    .calls()
    .filter(
      (call) =>
        isRunning(call) && !call.offline && !fresh(call.let_go_ms) && calmAt(world, call.let_go_ms ?? 0),
    );
  const over = world.calls().filter((call) => call.ended_ms !== null && !fresh(call.ended_ms));
  for (const call of expected)
    require(shown.includes(call.call_id), 'a running call is on the board', () => brief(call));
  for (const call of over)
    require(!shown.includes(call.call_id), 'an ended call is not on the board', () => brief(call));
}

/** What must hold at every moment. */
export function checkStep(world: World): void {
  money(world);
  held(world);
  registrations(world);
  limits(world);
  board(world);
}

export { brief, calmAt, require };
