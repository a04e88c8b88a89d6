import type { CallLeg } from '../asterisk/ari/events.ts';
import type { LimitClaim, LineFacts, Permission } from '../domain/authorize.ts';
import type { BundleSlot, CallClass } from '../domain/call-class.ts';
import type { Grant, Rate } from '../domain/charge.ts';
import { cycleStart } from '../domain/cycle.ts';

/** What stays the same during a call: enough to settle it, or to take it over after a restart. */
export interface CallFacts {
  readonly call_id: string;
  readonly server_id: string;
  readonly reseller_id: string;
  readonly subscriber_id: string;
  readonly subscriber_name: string;
  readonly line_id: string;
  readonly extension: string;
  readonly trunk_id: string | null;
  readonly dialled: string;
  readonly number: string;
  readonly call_class: CallClass;
  readonly csp: string | null;
  readonly plan_id: string;
  readonly rate: Rate | null;
  readonly slot: BundleSlot | null;
  readonly credit_micros: bigint;
  readonly claims: readonly LimitClaim[];
  /** Cycle whose minutes the call draws on. */
  readonly cycle_start: string;
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
  timer: NodeJS.Timeout | null;
}

export function callFacts(
  call: { call_id: string; server_id: string; dialled: string; at_ms: number },
  line: LineFacts,
  permission: Permission,
): CallFacts {
  const { destination, route } = permission;
  return {
    call_id: call.call_id,
    server_id: call.server_id,
    reseller_id: line.subscriber.reseller_id,
    subscriber_id: line.subscriber.subscriber_id,
    subscriber_name: line.subscriber.name,
    line_id: line.line_id,
    extension: line.extension,
    trunk_id: route.kind === 'TRUNK' ? route.trunk.trunk_id : null,
    dialled: call.dialled,
    number: destination.number,
    call_class: destination.class,
    csp: destination.csp,
    plan_id: line.plan_id,
    rate: permission.rate,
    slot: permission.slot,
    credit_micros: line.subscriber.credit_limit_micros,
    claims: permission.claims,
    cycle_start: cycleStart(line.subscriber.cycle_day, new Date(call.at_ms)),
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
    timer: null,
  };
}

const BIGINT = /^\d+n$/;

/** Facts as text for Redis; amounts are kept exact. */
export function encodeFacts(facts: CallFacts): string {
  return JSON.stringify(facts, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}

export function decodeFacts(text: string): CallFacts {
  const amount = new Set(['credit_micros', 'price_micros_per_minute']);
  return JSON.parse(text, (key, value) =>
    amount.has(key) && typeof value === 'string' && BIGINT.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as CallFacts;
}
