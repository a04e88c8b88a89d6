import { type Kysely, sql } from 'kysely';

/** Forward only. A migration that has run anywhere is never edited: write the next one. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [tenants, plans, switches, subscribers, lines, wallets, ledger, calls, notices]) {
    await sql.raw(statement).execute(db);
  }
}

const tenants = `
  create table resellers (
    id uuid primary key default gen_random_uuid(),
    name text not null check (name <> ''),
    status text not null default 'ACTIVE' check (status in ('ACTIVE', 'SUSPENDED', 'BLOCKED', 'INACTIVE')),
    max_concurrent_calls integer not null default 1000 check (max_concurrent_calls >= 0),
    created_at timestamptz not null default now()
  );
`;

const callClasses = `'FIXED_LOCAL', 'FIXED_LDN', 'MOBILE_LOCAL', 'MOBILE_LDN', 'INTL_FIXED', 'INTL_MOBILE', 'INTERNAL',
  'EMERGENCY', 'PUBLIC_UTILITY', 'TOLL_FREE', 'SHARED_COST', 'PREMIUM', 'COLLECT', 'INTL_SPECIAL'`;
const slots = `'FIXED_LOCAL', 'FIXED_LDN', 'MOBILE_LOCAL', 'MOBILE_LDN', 'INTL_FIXED', 'INTL_MOBILE'`;

const plans = `
  create table sales_plans (
    id uuid primary key default gen_random_uuid(),
    reseller_id uuid not null references resellers,
    name text not null check (name <> ''),
    status text not null default 'ACTIVE' check (status in ('ACTIVE', 'INACTIVE')),
    created_at timestamptz not null default now(),
    unique (reseller_id, name)
  );
  create table sales_plan_rates (
    sales_plan_id uuid not null references sales_plans on delete cascade,
    call_class text not null check (call_class in (${callClasses})),
    price_micros_per_minute bigint not null check (price_micros_per_minute between 0 and 1000000000),
    initial_seconds integer not null check (initial_seconds between 1 and 3600),
    increment_seconds integer not null check (increment_seconds between 1 and 3600),
    free_threshold_seconds integer not null check (free_threshold_seconds between 0 and 3600),
    primary key (sales_plan_id, call_class)
  );
  create table minute_bundles (
    id uuid primary key default gen_random_uuid(),
    reseller_id uuid not null references resellers,
    name text not null check (name <> ''),
    included_seconds integer not null check (included_seconds > 0),
    monthly_price_micros bigint not null check (monthly_price_micros >= 0),
    created_at timestamptz not null default now(),
    unique (reseller_id, name)
  );
`;

const switches = `
  create table asterisk_servers (
    id uuid primary key default gen_random_uuid(),
    name text not null unique check (name ~ '^[a-z0-9]{1,16}$'),
    token_sha256 bytea not null unique,
    ari_url text not null,
    ami_host text not null,
    ami_port integer not null check (ami_port between 1 and 65535),
    acknowledged_revision text,
    acknowledged_at timestamptz,
    acknowledged_error text,
    created_at timestamptz not null default now()
  );
  create table trunks (
    id uuid primary key default gen_random_uuid(),
    server_id uuid not null references asterisk_servers,
    code text not null check (code ~ '^[a-z0-9]{1,16}$'),
    name text not null check (name <> ''),
    host text not null check (host ~ '^[A-Za-z0-9.:-]{1,253}$'),
    port integer not null check (port between 1 and 65535),
    max_concurrent_calls integer not null check (max_concurrent_calls >= 0),
    priority integer not null default 1,
    status text not null default 'ACTIVE' check (status in ('ACTIVE', 'INACTIVE')),
    created_at timestamptz not null default now(),
    unique (server_id, code)
  );
  create table revisions (
    server_id uuid not null references asterisk_servers on delete cascade,
    hash text not null check (hash ~ '^[0-9a-f]{64}$'),
    manifest text not null,
    files jsonb not null,
    created_at timestamptz not null default now(),
    primary key (server_id, hash)
  );
`;

const subscribers = `
  create table subscribers (
    id uuid primary key default gen_random_uuid(),
    reseller_id uuid not null references resellers,
    server_id uuid not null references asterisk_servers,
    sales_plan_id uuid not null references sales_plans,
    name text not null check (name <> ''),
    billing_mode text not null check (billing_mode in ('PREPAID', 'POSTPAID', 'BUNDLE')),
    status text not null default 'ACTIVE' check (status in ('ACTIVE', 'SUSPENDED', 'BLOCKED', 'INACTIVE')),
    credit_limit_micros bigint not null default 0 check (credit_limit_micros between 0 and 100000000000000),
    max_concurrent_calls integer not null check (max_concurrent_calls >= 0),
    cycle_day integer not null default 1 check (cycle_day between 1 and 31),
    ldn_fixed_uses_local boolean not null default false,
    ldn_mobile_uses_local boolean not null default false,
    created_at timestamptz not null default now(),
    unique (reseller_id, name)
  );
  create index on subscribers (server_id);
  create table bundle_slots (
    subscriber_id uuid not null references subscribers on delete cascade,
    slot text not null check (slot in (${slots})),
    bundle_id uuid not null references minute_bundles,
    primary key (subscriber_id, slot)
  );
`;

const lines = `
  create table lines (
    id uuid primary key default gen_random_uuid(),
    subscriber_id uuid not null references subscribers,
    extension text not null check (extension ~ '^[1-9][0-9]{1,5}$'),
    name text not null check (name <> ''),
    sip_username text not null unique check (sip_username ~ '^[a-z0-9]{6,32}$'),
    sip_ha1 text not null check (sip_ha1 ~ '^[0-9a-f]{32}$'),
    area_code text not null check (area_code ~ '^[1-9][1-9]$'),
    sales_plan_id uuid references sales_plans,
    allowed_classes text[] not null check (allowed_classes <@ array[${callClasses}]),
    max_concurrent_calls integer not null check (max_concurrent_calls >= 0),
    status text not null default 'ACTIVE' check (status in ('ACTIVE', 'SUSPENDED', 'BLOCKED', 'INACTIVE')),
    created_at timestamptz not null default now(),
    unique (subscriber_id, extension)
  );
  create table api_tokens (
    token_sha256 bytea primary key,
    name text not null,
    role text not null check (role in ('MASTER', 'RESELLER', 'SUBSCRIBER')),
    reseller_id uuid references resellers,
    subscriber_id uuid references subscribers,
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    check ((role = 'MASTER') = (reseller_id is null)),
    check ((role = 'SUBSCRIBER') = (subscriber_id is not null))
  );
`;

/* Wallets are projections of the ledger; version counts the movements that made them. */
const wallets = `
  create table wallets (
    subscriber_id uuid primary key references subscribers,
    version bigint not null default 0,
    balance_micros bigint not null default 0,
    cycle_start date not null default '2000-01-01'
  );
  create table wallet_slots (
    subscriber_id uuid not null references wallets,
    slot text not null check (slot in (${slots})),
    left_seconds integer not null,
    primary key (subscriber_id, slot)
  );
`;

const ledger = `
  create table ledger_movements (
    id bigint generated always as identity primary key,
    subscriber_id uuid not null references subscribers,
    kind text not null check (kind in ('CALL', 'TOP_UP', 'BUNDLE_RENEWAL')),
    reference text not null,
    leg text not null,
    sequence integer not null,
    author text not null,
    wallet_version bigint not null,
    created_at timestamptz not null default now(),
    unique (reference, leg, sequence)
  );
  create index on ledger_movements (subscriber_id, id);
  create table ledger_entries (
    movement_id bigint not null references ledger_movements,
    account text not null,
    unit text not null check (unit in ('MICROS', 'SECONDS')),
    amount bigint not null check (amount <> 0),
    primary key (movement_id, account)
  );
  create function refuse_ledger_change() returns trigger language plpgsql as $$
    begin
      raise exception 'the ledger is append-only: correct it with another movement';
    end $$;
  create trigger ledger_movements_append_only before update or delete or truncate on ledger_movements
    for each statement execute function refuse_ledger_change();
  create trigger ledger_entries_append_only before update or delete or truncate on ledger_entries
    for each statement execute function refuse_ledger_change();
  create function refuse_unbalanced_movement() returns trigger language plpgsql as $$
    begin
      if exists (select from ledger_entries where movement_id = new.movement_id
                 group by unit having sum(amount) <> 0) then
        raise exception 'ledger movement % does not sum to zero', new.movement_id;
      end if;
      return null;
    end $$;
  create constraint trigger ledger_entries_balanced after insert on ledger_entries
    deferrable initially deferred for each row execute function refuse_unbalanced_movement();
`;

const calls = `
  create table calls (
    id text primary key,
    server_id uuid not null references asterisk_servers,
    reseller_id uuid not null references resellers,
    subscriber_id uuid not null references subscribers,
    line_id uuid not null references lines,
    trunk_id uuid references trunks,
    dialled text not null,
    number text not null,
    call_class text not null check (call_class in (${callClasses})),
    csp text,
    created_at timestamptz not null,
    ringing_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz not null,
    talk_ms integer not null check (talk_ms >= 0),
    billed_seconds integer not null,
    bundle_slot text check (bundle_slot in (${slots})),
    bundle_seconds integer not null,
    paid_seconds integer not null,
    total_micros bigint not null,
    sales_plan_id uuid not null references sales_plans,
    price_micros_per_minute bigint,
    cadence text,
    granted_seconds integer not null,
    end_reason text not null check (end_reason in ('HANGUP', 'EXHAUSTED', 'LOST', 'SWITCH_JOURNAL')),
    q850 integer,
    check (billed_seconds = bundle_seconds + paid_seconds),
    check (billed_seconds <= granted_seconds)
  );
  create index on calls (reseller_id, created_at);
  create index on calls (subscriber_id, created_at);
  create table refusals (
    call_id text primary key,
    server_id uuid not null references asterisk_servers,
    reseller_id uuid references resellers,
    subscriber_id uuid references subscribers,
    line_id uuid references lines,
    dialled text not null,
    number text,
    call_class text,
    reason text not null,
    detail text,
    limit_level text,
    limit_value integer,
    holders text[],
    created_at timestamptz not null
  );
  create index on refusals (reseller_id, created_at);
  create index on refusals (subscriber_id, created_at);
`;

/* Who keeps reference data in memory, or renders it, is told by table name when it changes. */
const notices = `
  create function notify_reference_change() returns trigger language plpgsql as $$
    begin
      perform pg_notify('reference_changed', tg_table_name);
      return null;
    end $$;
  do $$
    declare t text;
    begin
      foreach t in array array['resellers', 'sales_plans', 'sales_plan_rates', 'minute_bundles', 'subscribers',
                               'bundle_slots', 'lines', 'trunks']
      loop
        execute format('create trigger %I after insert or update or delete on %I
          for each statement execute function notify_reference_change()', t || '_notice', t);
      end loop;
    end $$;
  create trigger asterisk_servers_notice after insert or delete on asterisk_servers
    for each statement execute function notify_reference_change();
`;
