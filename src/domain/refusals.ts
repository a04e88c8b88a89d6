/**
 * Why a call was not let through. `q850` is the ITU-T Q.850 cause that Asterisk is told; it answers
 * the phone with the SIP status beside it and a `Reason: Q.850;cause=…` header (RFC 3326), so that each
 * refusal can be told from the others on the wire. docs/refusals.md explains each one to operators.
 */
export const REFUSALS = {
  INVALID_NUMBER: { q850: 28, sip: 484 },
  UNKNOWN_NUMBER: { q850: 1, sip: 404 },
  UNKNOWN_LINE: { q850: 20, sip: 480 },
  LINE_BLOCKED: { q850: 57, sip: 603 },
  SUBSCRIBER_SUSPENDED: { q850: 55, sip: 603 },
  CLASS_NOT_PERMITTED: { q850: 21, sip: 403 },
  NO_RATE: { q850: 3, sip: 404 },
  FORWARD_LOOP: { q850: 25, sip: 603 },
  NO_ROUTE: { q850: 27, sip: 502 },
  TOO_FAST: { q850: 42, sip: 503 },
  LIMIT_REACHED: { q850: 34, sip: 503 },
  NO_CREDIT: { q850: 50, sip: 603 },
  DAILY_CAP: { q850: 52, sip: 603 },
  RESELLER_NO_CREDIT: { q850: 49, sip: 603 },
  LOSS_CALL: { q850: 63, sip: 603 },
  BLOCKED: { q850: 53, sip: 603 },
  CONTROL_UNAVAILABLE: { q850: 38, sip: 500 },
} as const satisfies Record<string, { q850: number; sip: number }>;

export type RefusalReason = keyof typeof REFUSALS;

export const REFUSAL_REASONS = Object.keys(REFUSALS) as RefusalReason[];

/** Where a limit that refused a call stands. */
export const LIMIT_LEVELS = ['LINE', 'SUBSCRIBER', 'RESELLER', 'TRUNK', 'NUMBER'] as const;
export type LimitLevel = (typeof LIMIT_LEVELS)[number];

/** Which calls a limit counts: all of them, those that begin here, or those that come in. */
export const LIMIT_DIRECTIONS = ['TOTAL', 'OUT', 'IN'] as const;
export type LimitDirection = (typeof LIMIT_DIRECTIONS)[number];

/** A refusal with what support needs to explain it: the rule, and for a limit its level, direction and figures. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly detail?: string;
  readonly limit?: {
    readonly level: LimitLevel;
    readonly direction: LimitDirection;
    readonly limit: number;
    readonly holders: readonly string[];
  };
}
