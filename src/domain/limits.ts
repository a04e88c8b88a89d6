import type { LineFacts, TrunkFacts } from './authorize.ts';
import { CALL_CLASS_FACTS, type CallClass } from './call-class.ts';
import type { LimitDirection, LimitLevel } from './refusals.ts';

/** One slot that a call takes, by its id: once at each level and direction, however many channels it has. */
export interface LimitClaim {
  readonly level: LimitLevel;
  readonly direction: LimitDirection;
  readonly id: string;
  readonly limit: number;
  /** Slots of the limit that the call must leave free, because they are kept for others. */
  readonly reserved: number;
}

/** How many calls a number may have at a time: in all, out under it, and in to it. null: as many as there may be. */
export interface NumberLimits {
  readonly did_id: string;
  readonly max_calls: number | null;
  readonly max_calls_out: number | null;
  readonly max_calls_in: number | null;
}

/** A limit of how many calls may begin within any second. */
export interface PaceClaim {
  readonly level: Extract<LimitLevel, 'LINE' | 'SUBSCRIBER'>;
  readonly id: string;
  readonly calls_per_second: number;
}

/** Out to a trunk, in from one, or from line to line. */
export type CallWay = 'OUT' | 'IN' | 'INTERNAL';

/**
 * Slots that a call takes of its line, subscriber, reseller and trunk. A call in takes those of the line it rings at. A
 * call between two lines is one call: it takes those of the caller and none of the called line, unless internal
 * calls take none at all. Only calls in may take what is reserved for them.
 */
export function slotClaims(line: LineFacts, trunk: TrunkFacts | null, way: CallWay): LimitClaim[] {
  const { subscriber } = line;
  if (way === 'INTERNAL' && !subscriber.internal_calls_take_slots) return [];
  const reserved = (slots: number) => (way === 'IN' ? 0 : slots);
  const id = subscriber.subscriber_id;
  const { max_calls: limit, max_calls_out, max_calls_in } = subscriber;
  const ofWay = way === 'OUT' ? max_calls_out : way === 'IN' ? max_calls_in : null;
  const direction = way === 'IN' ? 'IN' : 'OUT';
  const total = { direction: 'TOTAL', reserved: 0 } as const;
  return [
    lineClaim(line),
    { level: 'SUBSCRIBER', ...total, id, limit, reserved: reserved(subscriber.reserved_in) },
    ...(ofWay === null ? [] : [{ level: 'SUBSCRIBER', direction, id, limit: ofWay, reserved: 0 } as const]),
    { level: 'RESELLER', ...total, id: subscriber.reseller_id, limit: subscriber.reseller_max_calls },
    ...(trunk ? [trunkClaim(trunk, reserved(trunk.reserved_in))] : []),
  ];
}

/** Every call of a line takes one, whatever way it goes. */
export function lineClaim(line: LineFacts): LimitClaim {
  return { level: 'LINE', direction: 'TOTAL', id: line.line_id, limit: line.line_max_calls, reserved: 0 };
}

function trunkClaim(trunk: TrunkFacts, reserved: number): LimitClaim {
  return { level: 'TRUNK', direction: 'TOTAL', id: trunk.trunk_id, limit: trunk.max_calls, reserved };
}

/** Slots that a call takes of the number that it came in by, or that it shows to whom it calls. */
export function numberClaims(number: NumberLimits, direction: 'OUT' | 'IN'): LimitClaim[] {
  const { did_id: id, max_calls, max_calls_out, max_calls_in } = number;
  const limits = [
    ['TOTAL', max_calls],
    [direction, direction === 'OUT' ? max_calls_out : max_calls_in],
  ] as const;
  return limits.flatMap(([of, limit]) =>
    limit === null ? [] : [{ level: 'NUMBER', direction: of, id, limit, reserved: 0 } as const],
  );
}

/** How fast a line and its subscriber may begin calls, of whatever kind. */
export function paceClaims(line: LineFacts): PaceClaim[] {
  const { subscriber } = line;
  const paces = [
    { level: 'LINE', id: line.line_id, calls_per_second: line.line_calls_per_second },
    { level: 'SUBSCRIBER', id: subscriber.subscriber_id, calls_per_second: subscriber.calls_per_second },
  ] as const;
  return paces.flatMap(({ calls_per_second, ...of }) =>
    calls_per_second === null ? [] : [{ ...of, calls_per_second }],
  );
}

/** The platform's own bound of a call: a phone off the hook must not talk through the night. */
const LONGEST_seconds = 4 * 3_600;
const LONGEST_ABROAD_seconds = 3_600;
const LONGEST_RING_seconds = 60;

/** Seconds of talk after which a call is cut, whatever it could still pay. Emergency calls are not held to a line's. */
export function longestCall(call_class: CallClass, line: Pick<LineFacts, 'max_call_seconds'>): number {
  if (call_class === 'EMERGENCY') return LONGEST_seconds;
  const longest = CALL_CLASS_FACTS[call_class].abroad ? LONGEST_ABROAD_seconds : LONGEST_seconds;
  return Math.min(longest, line.max_call_seconds ?? longest);
}

/** Seconds that a call may ring in vain. */
export function longestRing(call_class: CallClass, line: Pick<LineFacts, 'max_ring_seconds'>): number {
  if (call_class === 'EMERGENCY') return LONGEST_RING_seconds;
  return line.max_ring_seconds ?? LONGEST_RING_seconds;
}
