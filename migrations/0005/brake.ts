/* Calls that are kept from being made for a time. Emergency and internal calls cannot be named. */
const blocks = `
  create table blocks (
    id uuid primary key default gen_random_uuid(),
    reseller_id uuid not null references resellers,
    subscriber_id uuid,
    line_id uuid,
    direction text not null check (direction in ('OUT', 'IN')),
    call_classes text[] not null check (cardinality(call_classes) > 0 and call_classes <@ array['FIXED_LOCAL', 'FIXED_LDN',
      'MOBILE_LOCAL', 'MOBILE_LDN', 'INTL_FIXED', 'INTL_MOBILE', 'PUBLIC_UTILITY', 'TOLL_FREE', 'SHARED_COST', 'PREMIUM',
      'COLLECT', 'INTL_SPECIAL', 'INBOUND']),
    reason text not null check (reason in ('SUSPICION', 'FRAUD', 'ABUSE', 'REQUEST', 'OTHER')),
    origin text not null check (origin in ('BRAKE', 'RESELLER', 'MASTER')),
    note text,
    -- What tripped the brake: { group, level, score, signs: [{ signal, value, points }] }
    detail jsonb,
    created_by text not null,
    created_at timestamptz not null default clock_timestamp(),
    ends_at timestamptz not null,
    lifted_at timestamptz,
    lifted_by text,
    check (ends_at > created_at),
    check ((lifted_at is null) = (lifted_by is null)),
    check ((origin = 'BRAKE') = (reason = 'SUSPICION')),
    check ((direction = 'IN') = (call_classes = array['INBOUND']) and (direction = 'IN' or not 'INBOUND' = any(call_classes))),
    check (line_id is null or subscriber_id is not null),
    foreign key (subscriber_id, reseller_id) references subscribers (id, reseller_id) on delete cascade,
    foreign key (line_id, subscriber_id) references lines (id, subscriber_id) on delete cascade
  );
  create index on blocks (ends_at) where lifted_at is null;
  create index on blocks (reseller_id, created_at);
  create index on blocks (subscriber_id, created_at);
  create trigger blocks_audit after insert or update or delete on blocks for each row execute function audit_change();
  create trigger blocks_notice after insert or update or delete on blocks
    for each statement execute function notify_reference_change();
`;

/*
 * What somebody has to be told, each of the two it concerns by a row of its own: the panel lists it, and what sends
 * mails takes those that are not sent. Texts carry both languages; recipients: [{ name, email, phone }].
 */
const notices = `
  create table notices (
    id uuid primary key default gen_random_uuid(),
    reseller_id uuid not null references resellers,
    subscriber_id uuid not null,
    audience text not null check (audience in ('RESELLER', 'SUBSCRIBER')),
    kind text not null check (kind in ('CALLS_BLOCKED', 'CALLS_SUSPICIOUS')),
    line_id uuid,
    block_id uuid references blocks on delete cascade,
    subject text not null,
    body text not null,
    recipients jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    read_at timestamptz,
    sent_at timestamptz,
    check ((kind = 'CALLS_BLOCKED') = (block_id is not null)),
    foreign key (subscriber_id, reseller_id) references subscribers (id, reseller_id) on delete cascade
  );
  create index on notices (reseller_id, created_at);
  create index on notices (subscriber_id, created_at);
  create index on notices (created_at) where sent_at is null;
`;

/* null: as the platform has it. */
const settings = `
  alter table subscribers
    add column brake_mode text check (brake_mode in ('OFF', 'WATCH', 'BRAKE')),
    add column brake_percent integer check (brake_percent between 1 and 1000);
`;

/* Calls that were cut because a block came over them. */
const ends = `
  alter table calls
    drop constraint calls_end_reason_check,
    add constraint calls_end_reason_check
      check (end_reason in ('HANGUP', 'EXHAUSTED', 'TOO_LONG', 'BLOCKED', 'LOST', 'SWITCH_JOURNAL'));
`;

/* Which countries a subscriber has called is looked up. */
const abroad = `
  create index calls_abroad on calls (subscriber_id, created_at)
    where call_class in ('INTL_FIXED', 'INTL_MOBILE', 'INTL_SPECIAL') and answered_at is not null;
`;

/* Nobody lifts what was blocked above him: the platform's blocks a reseller cannot, its reseller's a subscriber cannot. */
const walls = `
  alter table blocks enable row level security;
  alter table blocks force row level security;
  create policy pabx_system on blocks to pabx_system using (true) with check (true);
  create policy pabx_master on blocks to pabx_master using (true) with check (true);
  create policy pabx_reseller on blocks to pabx_reseller using (reseller_id = own_reseller())
    with check (reseller_id = own_reseller() and origin <> 'MASTER');
  create policy pabx_reseller_lifts on blocks as restrictive for update to pabx_reseller using (origin <> 'MASTER');
  create policy pabx_subscriber on blocks to pabx_subscriber using (subscriber_id = own_subscriber());
  create policy pabx_subscriber_lifts on blocks as restrictive for update to pabx_subscriber using (origin = 'BRAKE');
  grant select, insert on blocks to pabx_master, pabx_reseller;
  grant select on blocks to pabx_subscriber;
  grant update (lifted_at, lifted_by) on blocks to pabx_master, pabx_reseller, pabx_subscriber;

  alter table notices enable row level security;
  alter table notices force row level security;
  create policy pabx_system on notices to pabx_system using (true) with check (true);
  create policy pabx_master on notices to pabx_master using (true);
  create policy pabx_reseller on notices to pabx_reseller
    using (reseller_id = own_reseller() and audience = 'RESELLER');
  create policy pabx_subscriber on notices to pabx_subscriber
    using (subscriber_id = own_subscriber() and audience = 'SUBSCRIBER');
  grant select on notices to pabx_master, pabx_reseller, pabx_subscriber;
  grant update (read_at) on notices to pabx_reseller, pabx_subscriber;
`;

export const brake = [blocks, notices, settings, ends, abroad, walls];
