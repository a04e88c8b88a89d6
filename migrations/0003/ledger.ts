const slots = `'FIXED_LOCAL', 'FIXED_LDN', 'MOBILE_LOCAL', 'MOBILE_LDN', 'INTL_FIXED', 'INTL_MOBILE'`;

/*
 * A movement belongs to a subscriber, to a reseller alone (its wholesale wallet), or to the platform (what carriers
 * cost). cycle_start: the cycle of the subscriber that it counts in; null for movements of before and of no subscriber.
 */
const movements = `
  alter table ledger_movements disable trigger ledger_movements_append_only;
  alter table ledger_movements
    alter column subscriber_id drop not null,
    add column reseller_id uuid references resellers,
    add column cycle_start date,
    add column reason text,
    drop constraint ledger_movements_kind_check,
    add constraint ledger_movements_kind_check check (kind in ('CALL', 'TOP_UP', 'BUNDLE_RENEWAL', 'CORRECTION',
      'TRANSFER', 'MONTHLY_FEE')),
    add constraint ledger_movements_reason check (kind not in ('CORRECTION', 'TRANSFER') or coalesce(reason, '') <> '');
  update ledger_movements m set reseller_id = s.reseller_id from subscribers s where s.id = m.subscriber_id;
  alter table ledger_movements
    add constraint ledger_movements_owner check (subscriber_id is null or reseller_id is not null);
  alter table ledger_movements enable trigger ledger_movements_append_only;
  create index on ledger_movements (reseller_id, id);
  create index on ledger_entries (account);
  drop trigger ledger_movements_audit on ledger_movements;
  create trigger ledger_movements_audit after insert on ledger_movements
    for each row when (new.kind in ('TOP_UP', 'CORRECTION', 'TRANSFER')) execute function audit_change();
`;

/* What a reseller has with the platform. A reseller without a cost plan is charged nothing. */
const wholesale = `
  create table reseller_wallets (
    reseller_id uuid primary key references resellers,
    version bigint not null default 0,
    balance_micros bigint not null default 0
  );
`;

/*
 * The minutes of one slot in one cycle. What is left when a cycle ends stays where it is and is of no use any more:
 * a call of the old cycle that is settled late finds its own minutes.
 */
const allocations = `
  create table bundle_allocations (
    subscriber_id uuid not null references wallets,
    slot text not null check (slot in (${slots})),
    cycle_start date not null,
    bundle_name text not null,
    monthly_price_micros bigint not null check (monthly_price_micros >= 0),
    included_seconds integer not null,
    left_seconds integer not null,
    primary key (subscriber_id, slot, cycle_start)
  );
  insert into bundle_allocations
    (subscriber_id, slot, cycle_start, bundle_name, monthly_price_micros, included_seconds, left_seconds)
  select w.subscriber_id, w.slot, v.cycle_start, coalesce(m.name, w.slot), 0,
    greatest(coalesce(m.included_seconds, 0), w.left_seconds), w.left_seconds
  from wallet_slots w join wallets v using (subscriber_id)
  left join bundle_slots b on b.subscriber_id = w.subscriber_id and b.slot = w.slot
  left join minute_bundles m on m.id = b.bundle_id;
  with moved as (
    insert into ledger_movements
      (subscriber_id, reseller_id, kind, reference, leg, sequence, author, wallet_version, cycle_start)
    select a.subscriber_id, s.reseller_id, 'BUNDLE_RENEWAL', a.subscriber_id || ' ' || a.cycle_start,
      a.slot || ' by cycle', 0, 'migration', w.version, a.cycle_start
    from bundle_allocations a join subscribers s on s.id = a.subscriber_id
    join wallets w on w.subscriber_id = a.subscriber_id where a.left_seconds <> 0
    returning id, subscriber_id, split_part(leg, ' ', 1) as slot, cycle_start
  )
  insert into ledger_entries (movement_id, account, unit, amount)
  select m.id, e.account, 'SECONDS', e.amount
  from moved m join bundle_allocations a using (subscriber_id, slot, cycle_start)
  cross join lateral (values
    ('subscriber:' || m.subscriber_id || ':seconds:' || m.slot, -a.left_seconds::bigint),
    ('subscriber:' || m.subscriber_id || ':seconds:' || m.slot || ':' || m.cycle_start, a.left_seconds::bigint)
  ) as e (account, amount);
  drop table wallet_slots;
`;

/* First day of the cycle that a day falls into, as cycleStart of the domain: the day is clamped to a short month. */
const cycles = `
  create function cycle_start_of(cycle_day integer, today date) returns date language sql immutable as $$
    select max(least(month + cycle_day - 1, (month + interval '1 month')::date - 1))
    from unnest(array[date_trunc('month', today)::date,
                      (date_trunc('month', today) - interval '1 month')::date]) month
    where least(month + cycle_day - 1, (month + interval '1 month')::date - 1) <= today
  $$;
`;

const statements = `
  create table statements (
    id uuid primary key default gen_random_uuid(),
    reseller_id uuid not null references resellers,
    subscriber_id uuid not null references subscribers,
    cycle_start date not null,
    cycle_end date not null check (cycle_end > cycle_start),
    closed_at timestamptz not null default clock_timestamp(),
    last_movement_id bigint not null,
    opening_balance_micros bigint not null,
    closing_balance_micros bigint not null,
    due_micros bigint not null check (due_micros >= 0),
    due_on date not null,
    block_on date not null check (block_on >= due_on),
    lines jsonb not null,
    unique (subscriber_id, cycle_start)
  );
  create index on statements (reseller_id, cycle_start);
  create index on statements (block_on) where due_micros > 0;
  create table bundle_alerts (
    id bigint generated always as identity primary key,
    reseller_id uuid not null references resellers,
    subscriber_id uuid not null references subscribers,
    slot text not null check (slot in (${slots})),
    cycle_start date not null,
    percent integer not null check (percent in (50, 80, 100)),
    created_at timestamptz not null default clock_timestamp(),
    unique (subscriber_id, slot, cycle_start, percent)
  );
  create index on bundle_alerts (reseller_id, id);
`;

export const ledger = [movements, wholesale, allocations, cycles, statements];
