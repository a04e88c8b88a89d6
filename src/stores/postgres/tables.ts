import type { ColumnType, Generated } from 'kysely';
import type { BillingMode, Status } from '../../domain/authorize.ts';
import type { BrakeMode } from '../../domain/brake.ts';
import type { BundleSlot, DialledClass } from '../../domain/call-class.ts';
import type { IntlDialing } from '../../domain/dialled-result.ts';
import type { PermissionSet } from '../../domain/permissions.ts';
import type { Pricing, RateKind } from '../../domain/rate-table.ts';
import type { RingStrategy } from '../../domain/ring-group.ts';
import type { Role } from '../../domain/tenant.ts';
import type { BlockTables } from './block-tables.ts';
import type { CallTables } from './call-tables.ts';
import type { ClassRate } from './recorded.ts';

/** Written as a Date or left to the database, read as a Date. */
type CreatedAt = ColumnType<Date, Date | undefined, never>;
/** A calendar day, `YYYY-MM-DD`: never a Date, which would drag a time zone in. */
type Day = ColumnType<string, string | undefined, string>;
/** Read as what it holds, written as JSON text. */
export type Json<T> = ColumnType<T, string | undefined, string>;

/** Grows with every edit (a trigger): who edits says which version it read. */
interface Edited {
  version: Generated<number>;
  updated_at: Generated<Date>;
}

/** What belongs to the platform, to a reseller or to a subscriber. */
interface Owned {
  role: Role;
  reseller_id: string | null;
  subscriber_id: string | null;
}

export interface Database extends CallTables, BlockTables {
  resellers: Edited & {
    id: Generated<string>;
    name: string;
    legal_name: string | null;
    document: string | null;
    email: string | null;
    phone: string | null;
    status: Generated<Status>;
    max_concurrent_calls: Generated<number>;
    max_subscribers: number | null;
    max_lines: number | null;
    cost_plan_id: string | null;
    credit_limit_micros: Generated<bigint>;
    created_at: CreatedAt;
  };
  sales_plans: Edited & {
    id: Generated<string>;
    reseller_id: string;
    name: string;
    status: Generated<'ACTIVE' | 'INACTIVE'>;
    prices_include_taxes: Generated<boolean>;
    created_at: CreatedAt;
  };
  cost_plans: Edited & {
    id: Generated<string>;
    name: string;
    status: Generated<'ACTIVE' | 'INACTIVE'>;
    created_at: CreatedAt;
  };
  rate_versions: {
    id: Generated<string>;
    sequence: ColumnType<bigint, never, never>;
    sales_plan_id: string | null;
    cost_plan_id: string | null;
    valid_from: ColumnType<Date, Date, never>;
    pricing: Pricing;
    class_rates: Json<ClassRate[]>;
    deck_rows: Generated<number>;
    author: string;
    created_at: CreatedAt;
  };
  deck_rates: {
    rate_version_id: string;
    prefix: string;
    locality: string;
    kind: RateKind | null;
    price_micros_per_minute: bigint;
    initial_seconds: number;
    increment_seconds: number;
    free_threshold_seconds: number;
    active: boolean;
  };
  minute_bundles: Edited & {
    id: Generated<string>;
    reseller_id: string;
    name: string;
    included_seconds: number;
    monthly_price_micros: bigint;
    created_at: CreatedAt;
  };
  asterisk_servers: Edited & {
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
  trunks: Edited & {
    id: Generated<string>;
    server_id: string;
    code: string;
    name: string;
    host: string;
    port: number;
    max_concurrent_calls: number;
    reserved_in: Generated<number>;
    priority: Generated<number>;
    cost_plan_id: string | null;
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
  subscribers: Edited & {
    id: Generated<string>;
    reseller_id: string;
    server_id: string;
    sales_plan_id: string;
    name: string;
    person_type: 'INDIVIDUAL' | 'COMPANY' | null;
    document: string | null;
    legal_name: string | null;
    state_registration: string | null;
    municipal_registration: string | null;
    rg: string | null;
    postal_code: string | null;
    street: string | null;
    street_number: string | null;
    complement: string | null;
    district: string | null;
    city: string | null;
    state: string | null;
    ibge_code: string | null;
    area_code: string | null;
    billing_mode: BillingMode;
    status: Generated<Status>;
    credit_limit_micros: Generated<bigint>;
    balance_alert_micros: bigint | null;
    daily_spend_cap_micros: bigint | null;
    due_day: Generated<number>;
    block_after_days: Generated<number>;
    cycle_day: Generated<number>;
    intl_dialing: Generated<IntlDialing>;
    auto_ninth_digit: Generated<boolean>;
    blocked_reason: 'OVERDUE' | null;
    max_concurrent_calls: number;
    max_concurrent_in: number | null;
    max_concurrent_out: number | null;
    reserved_in: Generated<number>;
    max_calls_per_second: number | null;
    internal_calls_take_slots: Generated<boolean>;
    warn_seconds: Generated<number>;
    switch_tone: Generated<boolean>;
    /** null: as the platform has it. */
    brake_mode: BrakeMode | null;
    brake_percent: number | null;
    max_lines: number | null;
    allow_loss_calls: Generated<boolean>;
    ldn_fixed_uses_local: Generated<boolean>;
    ldn_mobile_uses_local: Generated<boolean>;
    permission_profile_id: string | null;
    permissions: Json<PermissionSet>;
    created_at: CreatedAt;
  };
  subscriber_contacts: {
    id: Generated<string>;
    subscriber_id: string;
    name: string;
    email: string | null;
    phone: string | null;
    receives_notices: Generated<boolean>;
  };
  permission_profiles: Edited & {
    id: Generated<string>;
    reseller_id: string;
    name: string;
    permissions: Json<PermissionSet>;
    created_at: CreatedAt;
  };
  dids: Edited & {
    id: Generated<string>;
    reseller_id: string;
    subscriber_id: string | null;
    number: string;
    target_line_id: string | null;
    max_concurrent_calls: number | null;
    max_concurrent_in: number | null;
    max_concurrent_out: number | null;
    target_group_id: string | null;
    status: Generated<'ACTIVE' | 'INACTIVE'>;
    created_at: CreatedAt;
  };
  users: Edited &
    Owned & {
      id: Generated<string>;
      username: string;
      name: string;
      email: string | null;
      status: Generated<'ACTIVE' | 'INACTIVE'>;
      password_hash: string;
      must_change_password: Generated<boolean>;
      totp_sealed: string | null;
      totp_confirmed_at: Date | null;
      totp_last_step: bigint | null;
      created_at: CreatedAt;
    };
  recovery_codes: { user_id: string; code_sha256: Buffer; used_at: Date | null };
  idempotency_keys: {
    scope: string;
    key: string;
    request_sha256: Buffer;
    status: number;
    reply: Json<unknown>;
    created_at: CreatedAt;
  };
  audit_log: {
    id: Generated<bigint>;
    at: CreatedAt;
    action: string;
    object_type: string;
    object_id: string | null;
    reseller_id: string | null;
    subscriber_id: string | null;
    actor: Json<Record<string, unknown>>;
    acting_subscriber_id: ColumnType<string | null, never, never>;
    before: Json<Record<string, unknown> | null>;
    after: Json<Record<string, unknown> | null>;
  };
  bundle_slots: { subscriber_id: string; slot: BundleSlot; bundle_id: string };
  ring_groups: Edited & {
    id: Generated<string>;
    subscriber_id: string;
    code: Generated<string>;
    extension: string;
    name: string;
    strategy: RingStrategy;
    ring_seconds: number;
    member_line_ids: string[];
    overflow_line_id: string | null;
    created_at: CreatedAt;
  };
  lines: Edited & {
    id: Generated<string>;
    subscriber_id: string;
    extension: string;
    name: string;
    sip_username: string;
    sip_ha1: string;
    area_code: string;
    sales_plan_id: string | null;
    caller_id_did_id: string | null;
    allowed_classes: DialledClass[];
    max_concurrent_calls: number;
    max_calls_per_second: number | null;
    max_call_seconds: number | null;
    max_ring_seconds: number | null;
    forward_always: string | null;
    forward_busy: string | null;
    forward_no_answer: string | null;
    forward_no_answer_seconds: Generated<number>;
    forward_offline: string | null;
    status: Generated<Status>;
    created_at: CreatedAt;
  };
  api_keys: Owned & {
    id: Generated<string>;
    key_sha256: Buffer;
    name: string;
    shown_prefix: Generated<string>;
    scopes: Generated<KeyScope[]>;
    expires_at: Date | null;
    last_used_at: Date | null;
    revoked_at: Date | null;
    created_at: CreatedAt;
  };
  wallets: {
    subscriber_id: string;
    version: Generated<bigint>;
    balance_micros: Generated<bigint>;
    cycle_start: Day;
    spend_day: Day;
    spent_micros: Generated<bigint>;
  };
  reseller_wallets: { reseller_id: string; version: Generated<bigint>; balance_micros: Generated<bigint> };
  bundle_allocations: {
    subscriber_id: string;
    slot: BundleSlot;
    cycle_start: Day;
    bundle_name: string;
    monthly_price_micros: bigint;
    included_seconds: number;
    left_seconds: number;
  };
  statements: {
    id: Generated<string>;
    reseller_id: string;
    subscriber_id: string;
    cycle_start: Day;
    cycle_end: Day;
    closed_at: CreatedAt;
    last_movement_id: bigint;
    opening_balance_micros: bigint;
    closing_balance_micros: bigint;
    due_micros: bigint;
    due_on: Day;
    block_on: Day;
    lines: Json<unknown>;
  };
  bundle_alerts: {
    id: Generated<bigint>;
    reseller_id: string;
    subscriber_id: string;
    slot: BundleSlot;
    cycle_start: Day;
    percent: number;
    created_at: CreatedAt;
  };
  jobs: {
    id: Generated<string>;
    kind: JobKind;
    reseller_id: string | null;
    author: string;
    state: Generated<JobState>;
    done: Generated<number>;
    total: number | null;
    params: Json<Record<string, unknown>>;
    input: Buffer | null;
    result: Json<unknown>;
    faults: Json<unknown>;
    created_at: CreatedAt;
    started_at: Date | null;
    finished_at: Date | null;
  };
  ledger_proofs: { id: Generated<bigint>; at: CreatedAt; differences: number; found: Json<unknown> };
  ledger_movements: {
    id: Generated<bigint>;
    subscriber_id: string | null;
    reseller_id: string | null;
    kind: MovementKind;
    cycle_start: string | null;
    reason: string | null;
    reference: string;
    leg: string;
    sequence: number;
    author: string;
    wallet_version: bigint;
    created_at: CreatedAt;
  };
  ledger_entries: { movement_id: bigint; account: string; unit: 'MICROS' | 'SECONDS'; amount: bigint };
}

export type MovementKind = 'CALL' | 'TOP_UP' | 'BUNDLE_RENEWAL' | 'CORRECTION' | 'TRANSFER' | 'MONTHLY_FEE';
export type JobKind = 'IMPORT_DECK' | 'RE_RATE';
export type JobState = 'QUEUED' | 'RUNNING' | 'DONE' | 'FAILED';

/** What a key may be used for. */
export type KeyScope = 'READ' | 'WRITE' | 'MONEY';
