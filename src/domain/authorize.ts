import { type BundleSlot, CALL_CLASS_FACTS, type CallClass } from './call-class.ts';
import type { DialledDestination } from './dialled-number.ts';
import { classifyDialled } from './dialled-number.ts';
import type { IntlDialing } from './dialled-result.ts';
import {
  type LimitClaim,
  longestCall,
  longestRing,
  type NumberLimits,
  numberClaims,
  type PaceClaim,
  paceClaims,
  slotClaims,
} from './limits.ts';
import { losesEachMinute } from './loss.ts';
import { classByRate, type FoundRate, findRate, type RateTable, type VersionStart } from './rate-table.ts';
import type { Refusal } from './refusals.ts';
import type { GroupFacts } from './ring-group.ts';

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
  /** Calls that may begin within a second; null: any number. */
  readonly line_calls_per_second: number | null;
  readonly max_call_seconds: number | null;
  readonly max_ring_seconds: number | null;
  /** The number that called people see, E.164; null: what the trunk makes of the extension. */
  readonly caller_id: string | null;
  /** Those of that number. */
  readonly caller_id_limits: NumberLimits | null;
  readonly plan_id: string;
  /** Versions of the plan's prices, by their beginning; none while the plan is not active. */
  readonly sale_versions: readonly VersionStart[];
  readonly subscriber: SubscriberFacts;
}

export interface SubscriberFacts {
  readonly subscriber_id: string;
  readonly reseller_id: string;
  readonly name: string;
  readonly billing_mode: BillingMode;
  readonly status: Status;
  /** Simultaneous calls, and of them those out and those in; null: as many as there may be. */
  readonly max_calls: number;
  readonly max_calls_out: number | null;
  readonly max_calls_in: number | null;
  /** Slots that only calls in may take. */
  readonly reserved_in: number;
  readonly calls_per_second: number | null;
  readonly internal_calls_take_slots: boolean;
  /** How long before a cut the payer of a call hears a warning; 0: never. */
  readonly warn_seconds: number;
  /** Whether it hears when minutes have ended and money pays. */
  readonly switch_tone: boolean;
  readonly reseller_max_calls: number;
  /** How far below zero the money may go; 0 for prepaid whatever the column says. */
  readonly credit_limit_micros: bigint;
  /** Money that its calls may cost in a day; null: any amount. */
  readonly daily_cap_micros: bigint | null;
  /** What the reseller may owe the platform. */
  readonly reseller_credit_micros: bigint;
  /** Versions of the prices that the reseller buys by; null: it is charged nothing. */
  readonly wholesale_versions: readonly VersionStart[] | null;
  /** Calls that cost more than they earn are let through, and marked. */
  readonly allow_loss_calls: boolean;
  readonly intl_dialing: IntlDialing;
  readonly auto_ninth_digit: boolean;
  readonly cycle_day: number;
  readonly ldn_fixed_uses_local: boolean;
  readonly ldn_mobile_uses_local: boolean;
  /** Slots of the franquia that hold a bundle. */
  readonly slots: ReadonlySet<BundleSlot>;
  /** Extension → SIP user of the line that has it. */
  readonly extensions: ReadonlyMap<string, string>;
  /** Extension → the ring group that has it. */
  readonly groups: ReadonlyMap<string, GroupFacts>;
}

export interface TrunkFacts {
  readonly trunk_id: string;
  /** Name of the trunk's endpoint on the switch. */
  readonly code: string;
  readonly max_calls: number;
  /** Channels that only calls in may take. */
  readonly reserved_in: number;
  /** Versions of the prices of the carrier behind it; null: they are not known. */
  readonly cost_versions: readonly VersionStart[] | null;
}

/** The prices that hold as a call is decided, each by who asks whom for them. */
export interface Prices {
  /** Reseller from subscriber; null: the plan has no prices yet, or is not active. */
  readonly sale: RateTable | null;
  /** Platform from reseller; null: the reseller is charged nothing. */
  readonly wholesale: RateTable | 'NO_PRICES' | null;
  /** Carrier from platform, as far as it is known. */
  readonly cost: RateTable | null;
}

/** For calls that nobody pays for. */
export const NO_PRICES: Prices = { sale: null, wholesale: null, cost: null };

export type Route =
  | { readonly kind: 'TRUNK'; readonly trunk: TrunkFacts; readonly number: string }
  | { readonly kind: 'LINE'; readonly sip_username: string; readonly number: string }
  /** To the phones of a ring group. */
  | { readonly kind: 'GROUP'; readonly group: GroupFacts; readonly number: string }
  /** From outside, over the trunk, to a line. */
  | {
      readonly kind: 'INBOUND';
      readonly trunk: TrunkFacts;
      readonly sip_username: string;
      /** Rings instead of that line, which only stands for it. */
      readonly group: GroupFacts | null;
      readonly number: string;
    };

export interface Permission {
  readonly destination: DialledDestination;
  readonly route: Route;
  /** null: the class is free, nothing is metered. */
  readonly rate: FoundRate | null;
  readonly wholesale: FoundRate | null;
  readonly cost: FoundRate | null;
  /** It costs more a minute than it earns, and is allowed to. */
  readonly loss: boolean;
  /** Bundle slot the call draws minutes from before money, if any. */
  readonly slot: BundleSlot | null;
  readonly claims: readonly LimitClaim[];
  readonly paces: readonly PaceClaim[];
  readonly longest_seconds: number;
  readonly ring_seconds: number;
  /** What the called side is shown: '' leaves it to the trunk. */
  readonly caller_id: string;
}

export type Verdict =
  | { readonly permitted: true; readonly permission: Permission }
  | { readonly permitted: false; readonly refusal: Refusal; readonly destination: DialledDestination | null };

function refuse(refusal: Refusal, destination: DialledDestination | null): Verdict {
  return { permitted: false, refusal, destination };
}

/** What decides which minutes pay for a class. */
export type FranquiaFacts = Pick<
  SubscriberFacts,
  'billing_mode' | 'ldn_fixed_uses_local' | 'ldn_mobile_uses_local'
> & { readonly slots: { has(slot: BundleSlot): boolean } };

/**
 * Slot that pays for a class: its own, or the local slot of its kind where the subscriber chose
 * 'consumir da franquia local'. null when no bundle of the subscriber covers it.
 */
export function payingSlot(callClass: CallClass, subscriber: FranquiaFacts): BundleSlot | null {
  const own = CALL_CLASS_FACTS[callClass].slot;
  const slot =
    own === 'FIXED_LDN' && subscriber.ldn_fixed_uses_local
      ? 'FIXED_LOCAL'
      : own === 'MOBILE_LDN' && subscriber.ldn_mobile_uses_local
        ? 'MOBILE_LOCAL'
        : own;
  return subscriber.billing_mode === 'BUNDLE' && slot !== null && subscriber.slots.has(slot) ? slot : null;
}

function routeOf(destination: DialledDestination, facts: LineFacts, trunk: TrunkFacts | null): Route | null {
  if (destination.class === 'INTERNAL') {
    const { number } = destination;
    const sip_username = facts.subscriber.extensions.get(number);
    if (sip_username !== undefined) return { kind: 'LINE', sip_username, number };
    const group = facts.subscriber.groups.get(number);
    return group ? { kind: 'GROUP', group, number } : null;
  }
  return trunk && { kind: 'TRUNK', trunk, number: destination.number };
}

/**
 * What bounds a call besides its means. Emergency calls claim nothing. `number`: the one of ours that the call came in
 * by, or that it shows to whom it calls outside.
 */
export function boundsOf(call_class: CallClass, facts: LineFacts, route: Route, number: NumberLimits | null) {
  const trunk = 'trunk' in route ? route.trunk : null;
  const way = route.kind === 'TRUNK' ? 'OUT' : route.kind === 'INBOUND' ? 'IN' : 'INTERNAL';
  const emergency = call_class === 'EMERGENCY';
  const ofNumber = number && way !== 'INTERNAL' ? numberClaims(number, way) : [];
  // Which line of a group takes its slot is known as it answers.
  const isOpen = route.kind === 'INBOUND' && route.group !== null;
  const claims = slotClaims(facts, trunk, way).filter(({ level }) => level !== 'LINE' || !isOpen);
  return {
    claims: emergency ? [] : [...claims, ...ofNumber],
    // A line begins no call that comes to it: who calls it often must not keep it from calling.
    paces: emergency || way === 'IN' ? [] : paceClaims(facts),
    longest_seconds: longestCall(call_class, facts),
    ring_seconds: longestRing(call_class, facts),
  };
}

/** Why a line may take no part in calls now. */
export function blocked(facts: LineFacts): Refusal | null {
  if (facts.subscriber.status !== 'ACTIVE') {
    return { reason: 'SUBSCRIBER_SUSPENDED', detail: facts.subscriber.status };
  }
  return facts.line_status === 'ACTIVE' ? null : { reason: 'LINE_BLOCKED', detail: facts.line_status };
}

/** What a call is paid by at each of the three levels. */
type Rates = Pick<Permission, 'rate' | 'wholesale' | 'cost' | 'loss'>;

export const FREE: Rates = { rate: null, wholesale: null, cost: null, loss: false };

/**
 * No rate is a refusal, never price 0: neither for the subscriber nor for its reseller. What a carrier asks may be
 * unknown. A loss is measured against what the reseller pays, or else against the carrier.
 */
function ratesOf(
  destination: DialledDestination,
  sale: FoundRate,
  facts: LineFacts,
  prices: Prices,
): Rates | Refusal {
  const { wholesale: bought } = prices;
  const wholesale = bought === null || bought === 'NO_PRICES' ? null : findRate(bought, destination);
  if (bought !== null && !wholesale) return { reason: 'NO_RATE', detail: 'WHOLESALE' };
  const cost = prices.cost && findRate(prices.cost, destination);
  const paid = wholesale ?? cost;
  const loss = paid !== null && losesEachMinute(sale, paid);
  if (loss && !facts.subscriber.allow_loss_calls)
    return { reason: 'LOSS_CALL', detail: sale.prefix ?? destination.class };
  return { rate: sale, wholesale, cost, loss };
}

/**
 * The one place where the rules meet: number → class → status → permission → route → rate → limits.
 * Limits and money are only named here; they are taken atomically by the admission script.
 * Emergency calls pass every rule (ANATEL Res. 738/2020, art. 65-A) and claim nothing.
 */
export function authorize(
  dialled: string,
  facts: LineFacts,
  trunk: TrunkFacts | null,
  prices: Prices,
): Verdict {
  const result = classifyDialled(dialled, {
    areaCode: facts.area_code,
    extensions: new Set([...facts.subscriber.extensions.keys(), ...facts.subscriber.groups.keys()]),
    intlDialing: facts.subscriber.intl_dialing,
    autoNinthDigit: facts.subscriber.auto_ninth_digit,
  });
  if (result.kind === 'INVALID') return refuse({ reason: 'INVALID_NUMBER', detail: result.reason }, null);
  if (result.kind === 'FEATURE') return refuse({ reason: 'INVALID_NUMBER', detail: 'UNKNOWN_FEATURE' }, null);
  const sale = prices.sale && findRate(prices.sale, result);
  const destination = { ...result, class: classByRate(result.class, sale) };
  const route = routeOf(destination, facts, trunk);
  if (!route) return refuse({ reason: 'NO_ROUTE' }, destination);
  const caller_id = route.kind === 'TRUNK' ? (facts.caller_id ?? '') : facts.extension;
  const bounds = boundsOf(destination.class, facts, route, facts.caller_id_limits);
  if (destination.class === 'EMERGENCY')
    return { permitted: true, permission: { destination, route, ...FREE, slot: null, ...bounds, caller_id } };
  const status = blocked(facts);
  if (status && destination.class !== 'INTERNAL') return refuse(status, destination);
  if (!facts.allowed_classes.has(destination.class))
    return refuse({ reason: 'CLASS_NOT_PERMITTED', detail: destination.class }, destination);
  const free = CALL_CLASS_FACTS[destination.class].free;
  if (!free && !sale) return refuse({ reason: 'NO_RATE', detail: destination.class }, destination);
  const rates = free || !sale ? FREE : ratesOf(destination, sale, facts, prices);
  if ('reason' in rates) return refuse(rates, destination);
  const slot = payingSlot(destination.class, facts.subscriber);
  return { permitted: true, permission: { destination, route, ...rates, slot, ...bounds, caller_id } };
}
