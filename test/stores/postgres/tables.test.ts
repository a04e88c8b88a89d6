import { type Kysely, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { migrate } from '../../../src/stores/postgres/connect.ts';
import type { Database } from '../../../src/stores/postgres/tables.ts';
import { useDatabase } from './use-tenants.ts';

const database = useDatabase();

/** Every column of every table that the code knows; `?` marks those that may be null. The compiler keeps it complete. */
type Columns<T> = { readonly [K in keyof T]: '' | '?' };
const TABLES = {
  api_keys: {
    key_sha256: '',
    name: '',
    role: '',
    reseller_id: '?',
    subscriber_id: '?',
    expires_at: '?',
    created_at: '',
    id: '',
    shown_prefix: '',
    scopes: '',
    last_used_at: '?',
    revoked_at: '?',
  },
  asterisk_servers: {
    id: '',
    name: '',
    token_sha256: '',
    ari_url: '',
    ami_host: '',
    ami_port: '',
    acknowledged_revision: '?',
    acknowledged_at: '?',
    acknowledged_error: '?',
    created_at: '',
    version: '',
    updated_at: '',
  },
  audit_log: {
    id: '',
    at: '',
    action: '',
    object_type: '',
    object_id: '?',
    reseller_id: '?',
    subscriber_id: '?',
    actor: '',
    acting_subscriber_id: '?',
    before: '?',
    after: '?',
  },
  bundle_alerts: {
    id: '',
    reseller_id: '',
    subscriber_id: '',
    slot: '',
    cycle_start: '',
    percent: '',
    created_at: '',
  },
  bundle_allocations: {
    subscriber_id: '',
    slot: '',
    cycle_start: '',
    bundle_name: '',
    monthly_price_micros: '',
    included_seconds: '',
    left_seconds: '',
  },
  bundle_slots: {
    subscriber_id: '',
    slot: '',
    bundle_id: '',
  },
  calls: {
    id: '',
    server_id: '',
    reseller_id: '',
    subscriber_id: '',
    line_id: '',
    trunk_id: '?',
    dialled: '',
    number: '',
    call_class: '',
    csp: '?',
    created_at: '',
    ringing_at: '?',
    answered_at: '?',
    ended_at: '',
    talk_ms: '',
    billed_seconds: '',
    bundle_slot: '?',
    bundle_seconds: '',
    paid_seconds: '',
    total_micros: '',
    sales_plan_id: '',
    price_micros_per_minute: '?',
    cadence: '?',
    granted_seconds: '',
    end_reason: '',
    q850: '?',
    area_code: '?',
    billing_mode: '?',
    turn_seconds: '?',
    parts: '',
    claims: '',
    sale: '?',
    loss: '',
    wholesale: '?',
    wholesale_micros: '',
    cost: '?',
    cost_micros: '',
  },
  cost_plans: {
    id: '',
    name: '',
    status: '',
    created_at: '',
    version: '',
    updated_at: '',
  },
  deck_rates: {
    rate_version_id: '',
    prefix: '',
    locality: '',
    kind: '?',
    price_micros_per_minute: '',
    initial_seconds: '',
    increment_seconds: '',
    free_threshold_seconds: '',
    active: '',
  },
  dids: {
    id: '',
    reseller_id: '',
    subscriber_id: '?',
    number: '',
    target_line_id: '?',
    status: '',
    created_at: '',
    version: '',
    updated_at: '',
  },
  idempotency_keys: {
    scope: '',
    key: '',
    request_sha256: '',
    status: '',
    reply: '',
    created_at: '',
  },
  jobs: {
    id: '',
    kind: '',
    reseller_id: '?',
    author: '',
    state: '',
    done: '',
    total: '?',
    params: '',
    input: '?',
    result: '?',
    faults: '?',
    created_at: '',
    started_at: '?',
    finished_at: '?',
  },
  ledger_entries: {
    movement_id: '',
    account: '',
    unit: '',
    amount: '',
  },
  ledger_movements: {
    id: '',
    subscriber_id: '?',
    reseller_id: '?',
    kind: '',
    cycle_start: '?',
    reason: '?',
    reference: '',
    leg: '',
    sequence: '',
    author: '',
    wallet_version: '',
    created_at: '',
  },
  ledger_proofs: {
    id: '',
    at: '',
    differences: '',
    found: '',
  },
  lines: {
    id: '',
    subscriber_id: '',
    extension: '',
    name: '',
    sip_username: '',
    sip_ha1: '',
    area_code: '',
    sales_plan_id: '?',
    allowed_classes: '',
    max_concurrent_calls: '',
    status: '',
    created_at: '',
    version: '',
    updated_at: '',
    caller_id_did_id: '?',
  },
  minute_bundles: {
    id: '',
    reseller_id: '',
    name: '',
    included_seconds: '',
    monthly_price_micros: '',
    created_at: '',
    version: '',
    updated_at: '',
  },
  permission_profiles: {
    id: '',
    reseller_id: '',
    name: '',
    permissions: '',
    created_at: '',
    version: '',
    updated_at: '',
  },
  rate_versions: {
    id: '',
    sequence: '',
    sales_plan_id: '?',
    cost_plan_id: '?',
    valid_from: '',
    pricing: '',
    class_rates: '',
    deck_rows: '',
    author: '',
    created_at: '',
  },
  recovery_codes: {
    user_id: '',
    code_sha256: '',
    used_at: '?',
  },
  refusals: {
    call_id: '',
    server_id: '',
    reseller_id: '?',
    subscriber_id: '?',
    line_id: '?',
    dialled: '',
    number: '?',
    call_class: '?',
    reason: '',
    detail: '?',
    limit_level: '?',
    limit_value: '?',
    holders: '?',
    created_at: '',
  },
  resellers: {
    id: '',
    name: '',
    status: '',
    max_concurrent_calls: '',
    created_at: '',
    legal_name: '?',
    document: '?',
    email: '?',
    phone: '?',
    max_subscribers: '?',
    max_lines: '?',
    cost_plan_id: '?',
    credit_limit_micros: '',
    version: '',
    updated_at: '',
  },
  reseller_wallets: {
    reseller_id: '',
    version: '',
    balance_micros: '',
  },
  revisions: {
    server_id: '',
    hash: '',
    manifest: '',
    files: '',
    created_at: '',
  },
  sales_plans: {
    id: '',
    reseller_id: '',
    name: '',
    status: '',
    prices_include_taxes: '',
    created_at: '',
    version: '',
    updated_at: '',
  },
  statements: {
    id: '',
    reseller_id: '',
    subscriber_id: '',
    cycle_start: '',
    cycle_end: '',
    closed_at: '',
    last_movement_id: '',
    opening_balance_micros: '',
    closing_balance_micros: '',
    due_micros: '',
    due_on: '',
    block_on: '',
    lines: '',
  },
  subscriber_contacts: {
    id: '',
    subscriber_id: '',
    name: '',
    email: '?',
    phone: '?',
    receives_notices: '',
  },
  subscribers: {
    id: '',
    reseller_id: '',
    server_id: '',
    sales_plan_id: '',
    name: '',
    billing_mode: '',
    status: '',
    credit_limit_micros: '',
    max_concurrent_calls: '',
    cycle_day: '',
    intl_dialing: '',
    auto_ninth_digit: '',
    blocked_reason: '?',
    ldn_fixed_uses_local: '',
    ldn_mobile_uses_local: '',
    created_at: '',
    person_type: '?',
    document: '?',
    legal_name: '?',
    state_registration: '?',
    municipal_registration: '?',
    rg: '?',
    postal_code: '?',
    street: '?',
    street_number: '?',
    complement: '?',
    district: '?',
    city: '?',
    state: '?',
    ibge_code: '?',
    area_code: '?',
    due_day: '',
    block_after_days: '',
    balance_alert_micros: '?',
    daily_spend_cap_micros: '?',
    max_concurrent_in: '?',
    max_concurrent_out: '?',
    max_lines: '?',
    allow_loss_calls: '',
    permission_profile_id: '?',
    permissions: '',
    version: '',
    updated_at: '',
  },
  trunks: {
    id: '',
    server_id: '',
    code: '',
    name: '',
    host: '',
    port: '',
    max_concurrent_calls: '',
    priority: '',
    cost_plan_id: '?',
    status: '',
    created_at: '',
    version: '',
    updated_at: '',
  },
  users: {
    id: '',
    role: '',
    reseller_id: '?',
    subscriber_id: '?',
    username: '',
    name: '',
    email: '?',
    status: '',
    password_hash: '',
    must_change_password: '',
    totp_sealed: '?',
    totp_confirmed_at: '?',
    totp_last_step: '?',
    created_at: '',
    version: '',
    updated_at: '',
  },
  wallets: {
    subscriber_id: '',
    version: '',
    balance_micros: '',
    cycle_start: '',
  },
} as const satisfies { readonly [T in keyof Database]: Columns<Database[T]> };

interface ColumnRow {
  table_name: string;
  column_name: string;
  is_nullable: 'YES' | 'NO';
  data_type: string;
}

async function columns(): Promise<ColumnRow[]> {
  const { rows } = await sql<ColumnRow>`
    select table_name, column_name, is_nullable, data_type from information_schema.columns
    where table_schema = 'public' and table_name not like 'kysely_%'`.execute(database().db);
  return rows;
}

describe('the migrated database', () => {
  test('has exactly the tables that the code knows', async () => {
    const names = new Set((await columns()).map((row) => row.table_name));
    expect([...names].sort()).toEqual(Object.keys(TABLES).sort());
  });

  test.each(Object.keys(TABLES) as (keyof typeof TABLES)[])(
    'has exactly the columns of %s',
    async (table) => {
      const rows = (await columns()).filter((row) => row.table_name === table);
      const found = Object.fromEntries(
        rows.map((row) => [row.column_name, row.is_nullable === 'YES' ? '?' : '']),
      );
      expect(found).toEqual(TABLES[table]);
    },
  );

  test('keeps amounts in bigint, moments with their zone, and nothing in floats', async () => {
    const types = Object.fromEntries(
      (await columns()).map((row) => [`${row.table_name}.${row.column_name}`, row.data_type]),
    );
    for (const [name, type] of Object.entries(types)) {
      if (/_micros(_per_minute)?$/.test(name)) expect([name, type]).toEqual([name, 'bigint']);
      if (/(_at|valid_from)$/.test(name)) expect([name, type]).toEqual([name, 'timestamp with time zone']);
      if (/cycle_(start|end)$|_on$/.test(name)) expect([name, type]).toEqual([name, 'date']);
      expect([name, type]).not.toEqual([name, expect.stringMatching(/double|real|numeric|money/)]);
    }
    expect(types['ledger_entries.amount']).toBe('bigint');
  });

  test('is not migrated twice', async () => {
    expect(await migrate(database().db, { getMigrations: async () => MIGRATIONS })).toEqual([]);
  });

  test('names the migration that failed, and keeps nothing of it', async () => {
    const failing = {
      async up(db: Kysely<never>) {
        await sql`create table half (id integer)`.execute(db);
        throw new Error('no');
      },
    };
    const getMigrations = async () => ({ ...MIGRATIONS, '9999-failing': failing });
    await expect(migrate(database().db, { getMigrations })).rejects.toThrow('9999-failing');
    expect((await columns()).filter((row) => row.table_name === 'half')).toEqual([]);
  });
});
