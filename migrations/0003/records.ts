/*
 * What explains a record afterwards. parts: [{ cycle_start, granted_bundle_seconds, granted_paid_seconds,
 * bundle_seconds, paid_seconds, total_micros }], one per cycle that the call ran in. sale, wholesale and cost:
 * { version_id, prefix, locality, price_micros_per_minute, cadence } and, but for sale, billed_seconds.
 */
const explained = `
  alter table calls
    add column area_code text,
    add column billing_mode text,
    add column turn_seconds integer check (turn_seconds >= 0),
    add column parts jsonb not null default '[]',
    add column claims jsonb not null default '[]',
    add column sale jsonb,
    add column loss boolean not null default false,
    add column wholesale jsonb,
    add column wholesale_micros bigint not null default 0 check (wholesale_micros >= 0),
    add column cost jsonb,
    add column cost_micros bigint not null default 0 check (cost_micros >= 0);
  create index on calls (line_id, created_at);
`;

export const records = [explained];
