import { type BundleSlot, CALL_CLASS_FACTS, type CallClass } from './call-class.ts';
import type { Rate } from './charge.ts';
import type { DialledDestination } from './dialled-number.ts';
import { classifyDialled } from './dialled-number.ts';
import type { LimitLevel, Refusal } from './refusals.ts';

export const BILLING_MODES = ['PREPAID', 'POSTPAID', 'BUNDLE'] as const;
export type BillingMode = (typeof BILLING_MODES)[number];

export const STATUSES = ['ACTIVE', 'SUSPENDED', 'BLOCKED', 'INACTIVE'] as const;
export type Status = (typeof STATUSES)[number];

/** Everything about a calling line that the decision reads: reference data only, no balance. */
export interface LineFacts {
  readonly line_id: string;
  readonly sip_username: string;
  readonly extension: string;
  readonly area_code: string;
  readonly line_status: Status;
  readonly allowed_classes: ReadonlySet<CallClass>;
  readonly line_max_calls: number;
  /** The number that called people see, E.164; null: what the trunk makes of the extension. */
  readonly caller_id: string | null;
  readonly plan_id: string;
  readonly rates: ReadonlyMap<CallClass, Rate>;
  readonly subscriber: SubscriberFacts;
}

export interface SubscriberFacts {
  readonly subscriber_id: string;
  readonly reseller_id: string;
  readonly name: string;
  readonly billing_mode: BillingMode;
  readonly status: Status;
  readonly max_calls: number;
  readonly reseller_max_calls: number;
  /** How far below zero the money may go; 0 for prepaid whatever the column says. */
  readonly credit_limit_micros: bigint;
  readonly cycle_day: number;
  readonly ldn_fixed_uses_local: boolean;
  readonly ldn_mobile_uses_local: boolean;
  /** Slots of the franquia that hold a bundle. */
  readonly slots: ReadonlySet<BundleSlot>;
  /** Extension → SIP user of the line that has it. */
  readonly extensions: ReadonlyMap<string, string>;
}

export interface TrunkFacts {
  readonly trunk_id: string;
  /** Name of the trunk's endpoint on the switch. */
  readonly code: string;
  readonly max_calls: number;
}

/** One level of simultaneous calls that a call takes a slot of. */
export interface LimitClaim {
  readonly level: LimitLevel;
  readonly id: string;
  readonly limit: number;
}

export type Route =
  | { readonly kind: 'TRUNK'; readonly trunk: TrunkFacts; readonly number: string }
  | { readonly kind: 'LINE'; readonly sip_username: string; readonly number: string };

export interface Permission {
  readonly destination: DialledDestination;
  readonly route: Route;
  /** null: the class is free, nothing is metered. */
  readonly rate: Rate | null;
  /** Bundle slot the call draws minutes from before money, if any. */
  readonly slot: BundleSlot | null;
  readonly claims: readonly LimitClaim[];
  /** What the called side is shown: '' leaves it to the trunk. */
  readonly caller_id: string;
}

export type Verdict =
  | { readonly permitted: true; readonly permission: Permission }
  | { readonly permitted: false; readonly refusal: Refusal; readonly destination: DialledDestination | null };

function refuse(refusal: Refusal, destination: DialledDestination | null): Verdict {
  return { permitted: false, refusal, destination };
}

/**
 * Slot that pays for a class: its own, or the local slot of its kind where the subscriber chose
 * 'consumir da franquia local'. null when no bundle of the subscriber covers it.
 */
export function payingSlot(callClass: CallClass, subscriber: SubscriberFacts): BundleSlot | null {
  const own = CALL_CLASS_FACTS[callClass].slot;
  const slot =
    own === 'FIXED_LDN' && subscriber.ldn_fixed_uses_local
      ? 'FIXED_LOCAL'
      : own === 'MOBILE_LDN' && subscriber.ldn_mobile_uses_local
        ? 'MOBILE_LOCAL'
        : own;
  return subscriber.billing_mode === 'BUNDLE' && slot !== null && subscriber.slots.has(slot) ? slot : null;
}

function claimsOf(facts: LineFacts, route: Route): LimitClaim[] {
  const { subscriber } = facts;
  const claims: LimitClaim[] = [
    { level: 'LINE', id: facts.line_id, limit: facts.line_max_calls },
    { level: 'SUBSCRIBER', id: subscriber.subscriber_id, limit: subscriber.max_calls },
    { level: 'RESELLER', id: subscriber.reseller_id, limit: subscriber.reseller_max_calls },
  ];
  if (route.kind === 'TRUNK') {
    claims.push({ level: 'TRUNK', id: route.trunk.trunk_id, limit: route.trunk.max_calls });
  }
  return claims;
}

function routeOf(destination: DialledDestination, facts: LineFacts, trunk: TrunkFacts | null): Route | null {
  if (destination.class === 'INTERNAL') {
    const sip_username = facts.subscriber.extensions.get(destination.number);
    return sip_username === undefined ? null : { kind: 'LINE', sip_username, number: destination.number };
  }
  return trunk && { kind: 'TRUNK', trunk, number: destination.number };
}

function blocked(facts: LineFacts): Refusal | null {
  if (facts.subscriber.status !== 'ACTIVE') {
    return { reason: 'SUBSCRIBER_SUSPENDED', detail: facts.subscriber.status };
  }
  return facts.line_status === 'ACTIVE' ? null : { reason: 'LINE_BLOCKED', detail: facts.line_status };
}

/**
 * The one place where the rules meet: number → class → status → permission → route → rate → limits.
 * Limits and money are only named here; they are taken atomically by the admission script.
 * Emergency calls pass every rule (ANATEL Res. 738/2020, art. 65-A) and claim nothing.
 */
export function authorize(dialled: string, facts: LineFacts, trunk: TrunkFacts | null): Verdict {
  const result = classifyDialled(dialled, {
    areaCode: facts.area_code,
    extensions: new Set(facts.subscriber.extensions.keys()),
    intlDialing: 'NO_CSP',
    autoNinthDigit: true,
  });
  if (result.kind === 'INVALID') return refuse({ reason: 'INVALID_NUMBER', detail: result.reason }, null);
  if (result.kind === 'FEATURE') return refuse({ reason: 'INVALID_NUMBER', detail: 'UNKNOWN_FEATURE' }, null);
  const route = routeOf(result, facts, trunk);
  if (!route) return refuse({ reason: 'NO_ROUTE' }, result);
  const caller_id = route.kind === 'LINE' ? facts.extension : (facts.caller_id ?? '');
  if (result.class === 'EMERGENCY') {
    return {
      permitted: true,
      permission: { destination: result, route, rate: null, slot: null, claims: [], caller_id },
    };
  }
  const status = blocked(facts);
  if (status && result.class !== 'INTERNAL') return refuse(status, result);
  if (!facts.allowed_classes.has(result.class)) {
    return refuse({ reason: 'CLASS_NOT_PERMITTED', detail: result.class }, result);
  }
  const rate = CALL_CLASS_FACTS[result.class].free ? null : facts.rates.get(result.class);
  if (rate === undefined) return refuse({ reason: 'NO_RATE', detail: result.class }, result);
  const slot = payingSlot(result.class, facts.subscriber);
  return {
    permitted: true,
    permission: { destination: result, route, rate, slot, claims: claimsOf(facts, route), caller_id },
  };
}
