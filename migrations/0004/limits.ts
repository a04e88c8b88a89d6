/* Limits of lines, subscribers and trunks that a call is held to. null: there is none. */
const limits = `
  alter table lines
    add column max_calls_per_second integer check (max_calls_per_second between 1 and 100),
    add column max_call_seconds integer check (max_call_seconds between 1 and 14400),
    add column max_ring_seconds integer check (max_ring_seconds between 5 and 300);
  alter table subscribers
    add column reserved_in integer not null default 0 check (reserved_in >= 0),
    add column max_calls_per_second integer check (max_calls_per_second between 1 and 1000),
    add column internal_calls_take_slots boolean not null default true;
  alter table trunks add column reserved_in integer not null default 0 check (reserved_in >= 0);
  alter table refusals add column limit_direction text check (limit_direction in ('TOTAL', 'OUT', 'IN'));
  update refusals set limit_direction = 'TOTAL' where limit_level is not null;
  alter table calls
    drop constraint calls_end_reason_check,
    add constraint calls_end_reason_check
      check (end_reason in ('HANGUP', 'EXHAUSTED', 'TOO_LONG', 'LOST', 'SWITCH_JOURNAL'));
`;

/*
 * What the calls that ended on spend_day, the latest day in São Paulo on which one ended, cost in money. Wallets get a new
 * version, so that whoever keeps one without it asks again.
 */
const spent = `
  alter table wallets
    add column spend_day date not null default '2000-01-01',
    add column spent_micros bigint not null default 0 check (spent_micros >= 0);
  update wallets w set version = w.version + 1,
    spend_day = coalesce(c.day, w.spend_day), spent_micros = coalesce(c.micros, 0)
  from wallets o left join lateral (
    select day, sum(total_micros) as micros from (
      select total_micros, (ended_at at time zone 'America/Sao_Paulo')::date as day
      from calls where subscriber_id = o.subscriber_id) ended
    group by day order by day desc limit 1) c on true
  where o.subscriber_id = w.subscriber_id;
`;

/* Of lines every role reads by the column, so that a secret of theirs is read by none. */
const readable = `
  grant select (max_calls_per_second, max_call_seconds, max_ring_seconds) on lines
    to pabx_master, pabx_reseller, pabx_subscriber;
`;

export const limitsOfCalls = [limits, readable, spent];
