import type { CallLeg } from '../asterisk/ari/events.ts';
import type { BillingMode, LimitClaim, LineFacts, Permission } from '../domain/authorize.ts';
import type { Direction } from '../domain/authorize-inbound.ts';
import type { CallRates } from '../domain/bill.ts';
import type { BundleSlot, CallClass } from '../domain/call-class.ts';
import type { Grant } from '../domain/charge.ts';
import { cycleStart, dayStart_ms, nextCycleStart } from '../domain/cycle.ts';

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
  readonly claims: readonly LimitClaim[];
  /** Cycle whose minutes the call draws on. */
  readonly cycle_start: string;
  readonly next_cycle_start: string;
  readonly created_at_ms: number;
}

/** A call that runs. Times named `_at_ms` are by its switch's clock, `_mono_ms` by our monotonic one. */
export interface LiveCall {
  readonly facts: CallFacts;
  phase: 'DIALLING' | 'RINGING' | 'ANSWERED';
  grant: Grant;
  /** What its payer could add to the grant when last asked. */
  more_seconds: number;
  callee: CallLeg | null;
  ringing_at_ms: number | null;
  answered_at_ms: number | null;
  answered_mono_ms: number | null;
  /** We hung up because nothing was left. */
  exhausted: boolean;
  /** Known to Redis. Emergency calls are not: they depend on nothing. */
  readonly registered: boolean;
  /** Its cycle may turn while it runs. */
  turns: boolean;
  timer: NodeJS.Timeout | null;
}

export function callFacts(
  call: { call_id: string; server_id: string; dialled: string; at_ms: number },
  line: LineFacts,
  permission: Permission,
): CallFacts {
  const { destination, route } = permission;
  const { subscriber } = line;
  const cycle_start = cycleStart(subscriber.cycle_day, new Date(call.at_ms));
  return {
    call_id: call.call_id,
    server_id: call.server_id,
    reseller_id: subscriber.reseller_id,
    subscriber_id: subscriber.subscriber_id,
    subscriber_name: subscriber.name,
    line_id: line.line_id,
    extension: line.extension,
    trunk_id: route.kind === 'LINE' ? null : route.trunk.trunk_id,
    direction: route.kind === 'INBOUND' ? 'IN' : 'OUT',
    caller_number: (route.kind === 'INBOUND' && permission.caller_id) || null,
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
    claims: permission.claims,
    cycle_start,
    next_cycle_start: nextCycleStart(subscriber.cycle_day, cycle_start),
    created_at_ms: call.at_ms,
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
    ringing_at_ms: null,
    answered_at_ms: null,
    answered_mono_ms: null,
    exhausted: false,
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

export function decodeFacts(text: string): CallFacts {
  const amount = new Set(['credit_micros', 'reseller_credit_micros', 'price_micros_per_minute']);
  const facts = JSON.parse(text, (key, value) =>
    amount.has(key) && typeof value === 'string' && BIGINT.test(value) ? BigInt(value.slice(0, -1)) : value,
  );
  // Calls that were let go before there were two directions all go out.
  return { direction: 'OUT', caller_number: null, ...facts } as CallFacts;
}
