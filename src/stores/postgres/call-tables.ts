import type { Generated } from 'kysely';
import type { BillingMode } from '../../domain/authorize.ts';
import type { Direction } from '../../domain/authorize-inbound.ts';
import type { BundleSlot, CallClass } from '../../domain/call-class.ts';
import type { LimitDirection, LimitLevel, RefusalReason } from '../../domain/refusals.ts';
import type { RecordedCost, RecordedPart, RecordedRate } from './recorded.ts';
import type { Json } from './tables.ts';

/** What is kept of every call that was let go, and of every one that was not. */
export interface CallTables {
  calls: {
    id: string;
    server_id: string;
    reseller_id: string;
    subscriber_id: string;
    line_id: string;
    trunk_id: string | null;
    dialled: string;
    number: string;
    call_class: CallClass;
    csp: string | null;
    created_at: Date;
    ringing_at: Date | null;
    answered_at: Date | null;
    ended_at: Date;
    talk_ms: number;
    billed_seconds: number;
    bundle_slot: BundleSlot | null;
    bundle_seconds: number;
    paid_seconds: number;
    total_micros: bigint;
    sales_plan_id: string;
    price_micros_per_minute: bigint | null;
    cadence: string | null;
    granted_seconds: number;
    end_reason: EndReason;
    q850: number | null;
    area_code: string | null;
    billing_mode: BillingMode | null;
    /** Seconds of talk at which the cycle turned; null: it did not. */
    turn_seconds: number | null;
    direction: Generated<Direction>;
    /** Of a call that came in: the number that its caller showed. */
    caller_number: Generated<string | null>;
    /** The call that its line sent on by this one. */
    forwarded_from: Generated<string | null>;
    /** The group that rang. */
    ring_group_id: Generated<string | null>;
    parts: Json<RecordedPart[]>;
    claims: Json<{ level: LimitLevel; direction?: LimitDirection; limit: number }[]>;
    sale: Json<RecordedRate | null>;
    loss: Generated<boolean>;
    wholesale: Json<RecordedCost | null>;
    wholesale_micros: Generated<bigint>;
    cost: Json<RecordedCost | null>;
    cost_micros: Generated<bigint>;
  };
  refusals: {
    call_id: string;
    server_id: string;
    reseller_id: string | null;
    subscriber_id: string | null;
    line_id: string | null;
    dialled: string;
    number: string | null;
    call_class: CallClass | null;
    reason: RefusalReason;
    detail: string | null;
    limit_level: LimitLevel | null;
    limit_direction: LimitDirection | null;
    limit_value: number | null;
    holders: string[] | null;
    direction: Generated<Direction>;
    caller_number: Generated<string | null>;
    forwarded_from: Generated<string | null>;
    created_at: Date;
  };
}

/** How the end of a call came, or became known; LOST is billed to its last proof of life. */
export type EndReason = 'HANGUP' | 'EXHAUSTED' | 'TOO_LONG' | 'BLOCKED' | 'LOST' | 'SWITCH_JOURNAL';
