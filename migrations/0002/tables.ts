const edited = `
  version integer not null default 1,
  updated_at timestamptz not null default now()`;

/* Letters without accents and case, for searching. Capitals are listed because lower() knows ASCII only under the C locale. */
const searching = `
  create function fold(text) returns text language sql immutable strict parallel safe as $$
    select lower(translate($1,
      'áàâãäéèêëíìîïóòôõöúùûüçñÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑ',
      'aaaaaeeeeiiiiooooouuuucnaaaaaeeeeiiiiooooouuuucn'))
  $$;
`;

/* Composite keys let other tables point at a row and at its owner at once: nothing can belong to two tenants. */
const owners = `
  alter table resellers
    add column legal_name text,
    add column document text check (document ~ '^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$'),
    add column email text,
    add column phone text,
    add column max_subscribers integer check (max_subscribers >= 0),
    add column max_lines integer check (max_lines >= 0),
    add column version integer not null default 1,
    add column updated_at timestamptz not null default now();
  alter table sales_plans add unique (id, reseller_id), add column version integer not null default 1,
    add column updated_at timestamptz not null default now();
  alter table minute_bundles add unique (id, reseller_id), add column version integer not null default 1,
    add column updated_at timestamptz not null default now();
  alter table trunks add column version integer not null default 1,
    add column updated_at timestamptz not null default now();
  alter table asterisk_servers add column version integer not null default 1,
    add column updated_at timestamptz not null default now();
`;

const profiles = `
  create table permission_profiles (
    id uuid primary key default gen_random_uuid(),
    reseller_id uuid not null references resellers,
    name text not null check (name <> ''),
    permissions jsonb not null default '{}',
    created_at timestamptz not null default now(),
    ${edited},
    unique (reseller_id, name),
    unique (id, reseller_id)
  );
`;

/* A document is unknown for subscribers of before; new ones must have theirs. */
const subscribers = `
  alter table subscribers
    add unique (id, reseller_id),
    drop constraint subscribers_sales_plan_id_fkey,
    add constraint subscribers_sales_plan_fkey
      foreign key (sales_plan_id, reseller_id) references sales_plans (id, reseller_id),
    add column person_type text check (person_type in ('INDIVIDUAL', 'COMPANY')),
    add column document text,
    add column legal_name text,
    add column state_registration text,
    add column municipal_registration text,
    add column rg text,
    add column postal_code text check (postal_code ~ '^[0-9]{8}$'),
    add column street text,
    add column street_number text,
    add column complement text,
    add column district text,
    add column city text,
    add column state text check (state ~ '^[A-Z]{2}$'),
    add column ibge_code text check (ibge_code ~ '^[0-9]{7}$'),
    add column area_code text check (area_code ~ '^[1-9][1-9]$'),
    add column due_day integer not null default 10 check (due_day between 1 and 31),
    add column block_after_days integer not null default 10 check (block_after_days between 0 and 365),
    add column balance_alert_micros bigint check (balance_alert_micros between 0 and 100000000000000),
    add column daily_spend_cap_micros bigint check (daily_spend_cap_micros between 0 and 100000000000000),
    add column max_concurrent_in integer check (max_concurrent_in >= 0),
    add column max_concurrent_out integer check (max_concurrent_out >= 0),
    add column max_lines integer check (max_lines >= 0),
    add column allow_loss_calls boolean not null default false,
    add column permission_profile_id uuid,
    add column permissions jsonb not null default '{}',
    add column version integer not null default 1,
    add column updated_at timestamptz not null default now(),
    add constraint subscribers_permission_profile_fkey
      foreign key (permission_profile_id, reseller_id) references permission_profiles (id, reseller_id),
    add constraint subscribers_document_shape check (case person_type
      when 'INDIVIDUAL' then document ~ '^[0-9]{11}$'
      when 'COMPANY' then document ~ '^[0-9A-Z]{12}[0-9]{2}$'
      else document is null end);
  create unique index subscribers_document_once on subscribers (reseller_id, document);
  create table subscriber_contacts (
    id uuid primary key default gen_random_uuid(),
    subscriber_id uuid not null references subscribers on delete cascade,
    name text not null check (name <> ''),
    email text,
    phone text,
    receives_notices boolean not null default false,
    check (email is not null or phone is not null)
  );
  create index on subscriber_contacts (subscriber_id);
`;

/* Caller ID: only a number of the same subscriber, held by the key itself. */
const numbers = `
  alter table lines
    add unique (id, subscriber_id),
    add column version integer not null default 1,
    add column updated_at timestamptz not null default now();
  create table dids (
    id uuid primary key default gen_random_uuid(),
    reseller_id uuid not null references resellers,
    subscriber_id uuid,
    number text not null unique check (number ~ '^\\+[1-9][0-9]{7,14}$'),
    target_line_id uuid,
    status text not null default 'ACTIVE' check (status in ('ACTIVE', 'INACTIVE')),
    created_at timestamptz not null default now(),
    ${edited},
    unique (id, subscriber_id),
    foreign key (subscriber_id, reseller_id) references subscribers (id, reseller_id),
    foreign key (target_line_id, subscriber_id) references lines (id, subscriber_id),
    check (target_line_id is null or subscriber_id is not null)
  );
  create index on dids (reseller_id);
  create index on dids (subscriber_id);
  alter table lines
    add column caller_id_did_id uuid,
    add constraint lines_caller_id_fkey
      foreign key (caller_id_did_id, subscriber_id) references dids (id, subscriber_id);
  create trigger dids_notice after insert or update or delete on dids
    for each statement execute function notify_reference_change();
`;

const belongs = `
    role text not null check (role in ('MASTER', 'RESELLER', 'SUBSCRIBER')),
    reseller_id uuid references resellers,
    subscriber_id uuid references subscribers,
    foreign key (subscriber_id, reseller_id) references subscribers (id, reseller_id),
    check ((role = 'MASTER') = (reseller_id is null)),
    check ((role = 'SUBSCRIBER') = (subscriber_id is not null))`;

const access = `
  create table users (
    id uuid primary key default gen_random_uuid(),
    ${belongs.trim()},
    username text not null unique check (username ~ '^[a-z0-9][a-z0-9._@-]{2,63}$'),
    name text not null check (name <> ''),
    email text,
    status text not null default 'ACTIVE' check (status in ('ACTIVE', 'INACTIVE')),
    password_hash text not null,
    must_change_password boolean not null default false,
    totp_sealed text,
    totp_confirmed_at timestamptz,
    totp_last_step bigint,
    created_at timestamptz not null default now(),
    ${edited}
  );
  create index on users (reseller_id);
  create index on users (subscriber_id);
  create table recovery_codes (
    user_id uuid not null references users on delete cascade,
    code_sha256 bytea not null,
    used_at timestamptz,
    primary key (user_id, code_sha256)
  );
  alter table api_tokens rename to api_keys;
  alter table api_keys rename column token_sha256 to key_sha256;
  alter table api_keys
    add column id uuid not null unique default gen_random_uuid(),
    add column shown_prefix text not null default 'pabx_',
    add column scopes text[] not null default '{READ,WRITE,MONEY}' check (scopes <@ array['READ', 'WRITE', 'MONEY']),
    add column last_used_at timestamptz,
    add column revoked_at timestamptz,
    add foreign key (subscriber_id, reseller_id) references subscribers (id, reseller_id);
  create table idempotency_keys (
    scope text not null,
    key text not null check (length(key) between 1 and 200),
    request_sha256 bytea not null,
    status integer not null,
    reply jsonb not null,
    created_at timestamptz not null default now(),
    primary key (scope, key)
  );
`;

/*
 * What a call used may be deleted while it runs; its record must be written all the same. Whether something was ever
 * used is asked before it is deleted.
 */
const records = `
  alter table calls drop constraint calls_line_id_fkey, drop constraint calls_trunk_id_fkey,
    drop constraint calls_sales_plan_id_fkey;
  alter table refusals drop constraint refusals_line_id_fkey;
  create index on calls (created_at);
  create index on refusals (created_at);
  drop trigger asterisk_servers_notice on asterisk_servers;
  create trigger asterisk_servers_notice after insert or delete or update of ari_url, ami_host, ami_port
    on asterisk_servers for each statement execute function notify_reference_change();
`;

export const tables = [searching, owners, profiles, subscribers, numbers, access, records];
