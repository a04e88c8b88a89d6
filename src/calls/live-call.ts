import type { CallLeg } from '../asterisk/ari/events.ts';
import type { BillingMode, LineFacts, Permission } from '../domain/authorize.ts';
import type { Direction } from '../domain/authorize-inbound.ts';
import type { CallRates } from '../domain/bill.ts';
import { talkPaidBy } from '../domain/cadence.ts';
import type { BundleSlot, CallClass } from '../domain/call-class.ts';
import { type Grant, grantedSeconds } from '../domain/charge.ts';
import { cycleStart, dayStart_ms, nextCycleStart } from '../domain/cycle.ts';
import { type LimitClaim, longestCall, type PaceClaim } from '../domain/limits.ts';

/** What stays the same during a call: enough to settle it, or to take it over after a restart. */
export interface CallFacts extends CallRates {
  readonly call_id: string;
  readonly server_id: string;
  readonly reseller_id: string;
  readonly subscriber_id: string;
  readonly subscriber_name: string;
  readonly line_id: string;
  readonly extension: string;
  readonly trunk_id: string | null;
  readonly direction: Direction;
  /** Of a call that came in: the number that its caller showed. */
  readonly caller_number: string | null;
  /** The call that its line sent on by this one. */
  readonly forwarded_from: string | null;
  /** The group that rings, or rang. */
  readonly ring_group_id: string | null;
  readonly ring_group_name: string | null;
  readonly dialled: string;
  readonly number: string;
  readonly call_class: CallClass;
  readonly csp: string | null;
  readonly plan_id: string;
  /** It costs more a minute than it earns. */
  readonly loss: boolean;
  readonly slot: BundleSlot | null;
  readonly area_code: string;
  readonly billing_mode: BillingMode;
  /** How far below zero the subscriber may go, and its reseller. */
  readonly credit_micros: bigint;
  readonly reseller_credit_micros: bigint;
  /** What a day may cost the subscriber; null: any amount. */
  readonly daily_cap_micros: bigint | null;
  readonly claims: readonly LimitClaim[];
  readonly paces: readonly PaceClaim[];
  /** Talk after which the call is cut, whatever it could still pay. */
  readonly longest_seconds: number;
  /** How long before it is cut its payer hears a warning; 0: it hears none. */
  readonly warn_seconds: number;
  /** Its payer hears when minutes have ended and money pays. */
  readonly switch_tone: boolean;
  /** Cycle whose minutes the call draws on. */
  readonly cycle_start: string;
  readonly next_cycle_start: string;
  readonly created_at_ms: number;
  /** The call that this one goes on with, when its line transferred it. */
  readonly root?: string;
}

/** A call that runs. Times named `_at_ms` are by its switch's clock, `_mono_ms` by our monotonic one. */
export interface LiveCall {
  /** They change once, where a line of a group answers. */
  facts: CallFacts;
  phase: 'DIALLING' | 'RINGING' | 'ANSWERED';
  grant: Grant;
  /** What its payer could add to the grant when last asked. */
  more_seconds: number;
  callee: CallLeg | null;
  /** A transfer may end one channel of an answered call and leave the other. */
  caller_gone: boolean;
  callee_gone: boolean;
  ringing_at_ms: number | null;
  answered_at_ms: number | null;
  answered_mono_ms: number | null;
  /** We hung up because nothing was left. */
  exhausted: boolean;
  /** It was refused a slice because calls like it are blocked. */
  blocked: boolean;
  /** Known to Redis. Emergency calls are not: they depend on nothing. */
  readonly registered: boolean;
  /** Its cycle may turn while it runs. */
  turns: boolean;
  timer: NodeJS.Timeout | null;
}

export function callFacts(
  call: {
    call_id: string;
    server_id: string;
    dialled: string;
    at_ms: number;
    forwarded_from: string | null;
    root?: string | null;
  },
  line: LineFacts,
  permission: Permission,
): CallFacts {
  const { destination, route } = permission;
  const { subscriber } = line;
  const group = 'group' in route ? route.group : null;
  const cycle_start = cycleStart(subscriber.cycle_day, new Date(call.at_ms));
  return {
    call_id: call.call_id,
    server_id: call.server_id,
    reseller_id: subscriber.reseller_id,
    subscriber_id: subscriber.subscriber_id,
    subscriber_name: subscriber.name,
    line_id: line.line_id,
    // Nobody of a group that is called from outside has it yet.
    extension: (route.kind === 'INBOUND' && group?.extension) || line.extension,
    trunk_id: 'trunk' in route ? route.trunk.trunk_id : null,
    direction: route.kind === 'INBOUND' ? 'IN' : 'OUT',
    caller_number: (route.kind === 'INBOUND' && permission.caller_id) || null,
    forwarded_from: call.forwarded_from,
    ring_group_id: group?.group_id ?? null,
    ring_group_name: group?.name ?? null,
    dialled: call.dialled,
    number: destination.number,
    call_class: destination.class,
    csp: destination.csp,
    plan_id: line.plan_id,
    rate: permission.rate,
    wholesale: permission.wholesale,
    cost: permission.cost,
    loss: permission.loss,
    slot: permission.slot,
    area_code: line.area_code,
    billing_mode: subscriber.billing_mode,
    credit_micros: subscriber.credit_limit_micros,
    reseller_credit_micros: subscriber.reseller_credit_micros,
    daily_cap_micros: subscriber.daily_cap_micros,
    // Inside, a call that was transferred keeps the slots it has.
    claims: call.root && route.kind === 'LINE' ? [] : permission.claims,
    paces: permission.paces,
    longest_seconds: permission.longest_seconds,
    warn_seconds: subscriber.warn_seconds,
    switch_tone: subscriber.switch_tone,
    cycle_start,
    next_cycle_start: nextCycleStart(subscriber.cycle_day, cycle_start),
    created_at_ms: call.at_ms,
    ...(call.root && { root: call.root }),
  };
}

export function newLiveCall(
  facts: CallFacts,
  grant: Grant,
  more_seconds: number,
  registered: boolean,
): LiveCall {
  return {
    facts,
    phase: 'DIALLING',
    grant,
    more_seconds,
    callee: null,
    caller_gone: false,
    callee_gone: false,
    ringing_at_ms: null,
    answered_at_ms: null,
    answered_mono_ms: null,
    exhausted: false,
    blocked: false,
    registered,
    turns: true,
    timer: null,
  };
}

/**
 * Seconds of talk after which the call's cycle turns: 0 for a call that rang across midnight, never below. null: the call
 * is not answered, or nobody pays for it.
 */
export function turnSeconds({ facts, answered_at_ms }: LiveCall): number | null {
  if (answered_at_ms === null || !facts.rate) return null;
  return Math.max(0, Math.ceil((dayStart_ms(facts.next_cycle_start) - answered_at_ms) / 1000));
}

/** How long a call has talked by now; 0 before the answer. */
export function talked_ms({ answered_mono_ms }: Pick<LiveCall, 'answered_mono_ms'>): number {
  return answered_mono_ms === null ? 0 : performance.now() - answered_mono_ms;
}

/**
 * Seconds that a call may talk by what it was granted, and by so many seconds more: never longer than its longest. null:
 * nobody pays for it by the second.
 */
export function paidTalk(call: Pick<LiveCall, 'facts' | 'grant'>, more_seconds = 0): number | null {
  const { rate, longest_seconds } = call.facts;
  if (!rate) return null;
  return Math.min(longest_seconds, talkPaidBy(grantedSeconds(call.grant) + more_seconds, rate.cadence));
}

/** What the switch is told of a grant, to be read back from its channel when everything else is lost. */
export function formatGranted({ bundle_seconds, paid_seconds, after_turn }: Grant): string {
  const next = after_turn && [after_turn.turn_seconds, after_turn.bundle_seconds, after_turn.paid_seconds];
  return [bundle_seconds, paid_seconds, ...(next ?? [])].join(':');
}

const BIGINT = /^\d+n$/;

/** Facts as text for Redis; amounts are kept exact. */
export function encodeFacts(facts: CallFacts): string {
  return JSON.stringify(facts, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** What calls that a former release let go do not tell of themselves. */
function completed(facts: CallFacts): CallFacts {
  return {
    ...facts,
    direction: facts.direction ?? 'OUT',
    caller_number: facts.caller_number ?? null,
    forwarded_from: facts.forwarded_from ?? null,
    ring_group_id: facts.ring_group_id ?? null,
    ring_group_name: facts.ring_group_name ?? null,
    daily_cap_micros: facts.daily_cap_micros ?? null,
    claims: facts.claims.map((claim) => ({ ...claim, direction: claim.direction ?? 'TOTAL' })),
    paces: facts.paces ?? [],
    warn_seconds: facts.warn_seconds ?? 0,
    switch_tone: facts.switch_tone ?? false,
    longest_seconds: facts.longest_seconds ?? longestCall(facts.call_class, { max_call_seconds: null }),
  };
}

const AMOUNTS: ReadonlySet<string> = new Set([
  'credit_micros',
  'reseller_credit_micros',
  'daily_cap_micros',
  'price_micros_per_minute',
]);

export function decodeFacts(text: string): CallFacts {
  const facts = JSON.parse(text, (key, value) =>
    AMOUNTS.has(key) && typeof value === 'string' && BIGINT.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as CallFacts;
  return completed(facts);
}
