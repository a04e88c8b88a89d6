import type { ColumnType, Generated } from 'kysely';
import type { BillingMode, Status } from '../../domain/authorize.ts';
import type { BundleSlot, CallClass } from '../../domain/call-class.ts';
import type { LimitLevel, RefusalReason } from '../../domain/refusals.ts';

/** Written as a Date or left to the database, read as a Date. */
type CreatedAt = ColumnType<Date, Date | undefined, never>;
/** A calendar day, `YYYY-MM-DD`: never a Date, which would drag a time zone in. */
type Day = ColumnType<string, string | undefined, string>;

export interface Database {
  resellers: {
    id: Generated<string>;
    name: string;
    status: Generated<Status>;
    max_concurrent_calls: Generated<number>;
    created_at: CreatedAt;
  };
  sales_plans: {
    id: Generated<string>;
    reseller_id: string;
    name: string;
    status: Generated<'ACTIVE' | 'INACTIVE'>;
    created_at: CreatedAt;
  };
  sales_plan_rates: {
    sales_plan_id: string;
    call_class: CallClass;
    price_micros_per_minute: bigint;
    initial_seconds: number;
    increment_seconds: number;
    free_threshold_seconds: number;
  };
  minute_bundles: {
    id: Generated<string>;
    reseller_id: string;
    name: string;
    included_seconds: number;
    monthly_price_micros: bigint;
    created_at: CreatedAt;
  };
  asterisk_servers: {
    id: Generated<string>;
    name: string;
    token_sha256: Buffer;
    ari_url: string;
    ami_host: string;
    ami_port: number;
    acknowledged_revision: string | null;
    acknowledged_at: Date | null;
    acknowledged_error: string | null;
    created_at: CreatedAt;
  };
  trunks: {
    id: Generated<string>;
    server_id: string;
    code: string;
    name: string;
    host: string;
    port: number;
    max_concurrent_calls: number;
    priority: Generated<number>;
    status: Generated<'ACTIVE' | 'INACTIVE'>;
    created_at: CreatedAt;
  };
  revisions: {
    server_id: string;
    hash: string;
    manifest: string;
    files: ColumnType<Record<string, string>, string, never>;
    created_at: CreatedAt;
  };
  subscribers: {
    id: Generated<string>;
    reseller_id: string;
    server_id: string;
    sales_plan_id: string;
    name: string;
    billing_mode: BillingMode;
    status: Generated<Status>;
    credit_limit_micros: Generated<bigint>;
    max_concurrent_calls: number;
    cycle_day: Generated<number>;
    ldn_fixed_uses_local: Generated<boolean>;
    ldn_mobile_uses_local: Generated<boolean>;
    created_at: CreatedAt;
  };
  bundle_slots: { subscriber_id: string; slot: BundleSlot; bundle_id: string };
  lines: {
    id: Generated<string>;
    subscriber_id: string;
    extension: string;
    name: string;
    sip_username: string;
    sip_ha1: string;
    area_code: string;
    sales_plan_id: string | null;
    allowed_classes: CallClass[];
    max_concurrent_calls: number;
    status: Generated<Status>;
    created_at: CreatedAt;
  };
  api_tokens: {
    token_sha256: Buffer;
    name: string;
    role: 'MASTER' | 'RESELLER' | 'SUBSCRIBER';
    reseller_id: string | null;
    subscriber_id: string | null;
    expires_at: Date | null;
    created_at: CreatedAt;
  };
  wallets: {
    subscriber_id: string;
    version: Generated<bigint>;
    balance_micros: Generated<bigint>;
    cycle_start: Day;
  };
  wallet_slots: { subscriber_id: string; slot: BundleSlot; left_seconds: number };
  ledger_movements: {
    id: Generated<bigint>;
    subscriber_id: string;
    kind: 'CALL' | 'TOP_UP' | 'BUNDLE_RENEWAL';
    reference: string;
    leg: string;
    sequence: number;
    author: string;
    wallet_version: bigint;
    created_at: CreatedAt;
  };
  ledger_entries: { movement_id: bigint; account: string; unit: 'MICROS' | 'SECONDS'; amount: bigint };
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
    limit_value: number | null;
    holders: string[] | null;
    created_at: Date;
  };
}

/** How the end of a call became known; LOST is billed to its last proof of life. */
export type EndReason = 'HANGUP' | 'EXHAUSTED' | 'LOST' | 'SWITCH_JOURNAL';
