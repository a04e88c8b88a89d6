const plans = `
  create table cost_plans (
    id uuid primary key default gen_random_uuid(),
    name text not null unique check (name <> ''),
    status text not null default 'ACTIVE' check (status in ('ACTIVE', 'INACTIVE')),
    created_at timestamptz not null default now(),
    version integer not null default 1,
    updated_at timestamptz not null default now()
  );
  alter table sales_plans add column prices_include_taxes boolean not null default true;
  alter table resellers
    add column cost_plan_id uuid references cost_plans,
    add column credit_limit_micros bigint not null default 0
      check (credit_limit_micros between 0 and 100000000000000);
  create index on resellers (cost_plan_id);
  alter table trunks add column cost_plan_id uuid references cost_plans;
  alter table subscribers
    add column intl_dialing text not null default 'NO_CSP' check (intl_dialing in ('NO_CSP', 'CSP', 'AUTO')),
    add column auto_ninth_digit boolean not null default true,
    add column blocked_reason text check (blocked_reason in ('OVERDUE')),
    add constraint subscribers_blocked_reason check (blocked_reason is null or status = 'BLOCKED');
`;

/*
 * The prices of a plan from a moment on. A version is written whole and never changed: calls are rated again by the
 * one that held when they were made. class_rates: [{ call_class, price_micros_per_minute, initial_seconds,
 * increment_seconds, free_threshold_seconds }], the price as text.
 */
const versions = `
  create function are_class_rates(rates jsonb) returns boolean language sql immutable as $$
    select jsonb_typeof(rates) = 'array'
      and (select count(*) = count(distinct rate ->> 'call_class') from jsonb_array_elements(rates) rate)
      and not exists (
        select from jsonb_array_elements(rates) rate
        where not coalesce(
          (rate ->> 'call_class') in ('FIXED_LOCAL', 'FIXED_LDN', 'MOBILE_LOCAL', 'MOBILE_LDN', 'INTL_FIXED',
            'INTL_MOBILE', 'PUBLIC_UTILITY', 'SHARED_COST', 'PREMIUM', 'COLLECT', 'INTL_SPECIAL')
          and (rate ->> 'price_micros_per_minute')::bigint between 0 and 1000000000
          and (rate ->> 'initial_seconds')::integer between 1 and 3600
          and (rate ->> 'increment_seconds')::integer between 1 and 3600
          and (rate ->> 'free_threshold_seconds')::integer between 0 and 3600, false))
  $$;
  create table rate_versions (
    id uuid primary key default gen_random_uuid(),
    sequence bigint generated always as identity,
    sales_plan_id uuid references sales_plans on delete cascade,
    cost_plan_id uuid references cost_plans on delete cascade,
    valid_from timestamptz not null,
    pricing text not null check (pricing in ('BY_CLASS', 'DECK')),
    class_rates jsonb not null check (are_class_rates(class_rates)),
    deck_rows integer not null default 0 check (deck_rows >= 0),
    author text not null,
    created_at timestamptz not null default clock_timestamp(),
    check ((sales_plan_id is null) <> (cost_plan_id is null)),
    check (pricing = 'DECK' or deck_rows = 0)
  );
  create index on rate_versions (sales_plan_id, valid_from, sequence);
  create index on rate_versions (cost_plan_id, valid_from, sequence);
  create table deck_rates (
    rate_version_id uuid not null references rate_versions on delete cascade,
    prefix text not null collate "C" check (prefix ~ '^[1-9][0-9]{0,14}$'),
    locality text not null,
    kind text check (kind in ('FIXED', 'MOBILE')),
    price_micros_per_minute bigint not null check (price_micros_per_minute between 0 and 1000000000),
    initial_seconds smallint not null check (initial_seconds between 1 and 3600),
    increment_seconds smallint not null check (increment_seconds between 1 and 3600),
    free_threshold_seconds smallint not null check (free_threshold_seconds between 0 and 3600),
    active boolean not null,
    primary key (rate_version_id, prefix)
  );
  insert into rate_versions (sales_plan_id, valid_from, pricing, class_rates, author)
  select p.id, '2000-01-01T00:00:00Z', 'BY_CLASS',
    coalesce((select jsonb_agg(jsonb_build_object('call_class', r.call_class,
        'price_micros_per_minute', r.price_micros_per_minute::text, 'initial_seconds', r.initial_seconds,
        'increment_seconds', r.increment_seconds, 'free_threshold_seconds', r.free_threshold_seconds)
        order by r.call_class)
      from sales_plan_rates r where r.sales_plan_id = p.id
        and r.call_class not in ('INTERNAL', 'EMERGENCY', 'TOLL_FREE')), '[]'),
    'migration'
  from sales_plans p;
  drop table sales_plan_rates;
`;

const notices = `
  create trigger cost_plans_notice after insert or update or delete on cost_plans
    for each statement execute function notify_reference_change();
  create trigger rate_versions_notice after insert or delete on rate_versions
    for each statement execute function notify_reference_change();
  create trigger cost_plans_audit after insert or update or delete on cost_plans
    for each row execute function audit_change();
  create trigger cost_plans_version before update on cost_plans
    for each row execute function bump_version();
  create trigger rate_versions_audit after insert or delete on rate_versions
    for each row execute function audit_change();
`;

export const prices = [plans, versions, notices];
