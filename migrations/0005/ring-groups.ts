/*
 * Lines of a subscriber that ring for one number. `code` is its name in the dialplan; a call is told by a digit for each
 * member which of them are left out, and a name of an extension has room for sixteen.
 */
const groups = `
  create table ring_groups (
    id uuid primary key default gen_random_uuid(),
    subscriber_id uuid not null references subscribers,
    code text not null unique default substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)
      check (code ~ '^[a-z0-9]{12}$'),
    extension text not null check (extension ~ '^[1-9][0-9]{1,5}$'),
    name text not null,
    strategy text not null check (strategy in ('ALL', 'ORDER')),
    ring_seconds integer not null check (ring_seconds between 5 and 120),
    member_line_ids uuid[] not null check (cardinality(member_line_ids) between 0 and 16),
    overflow_line_id uuid,
    created_at timestamptz not null default now(),
    version integer not null default 1,
    updated_at timestamptz not null default now(),
    unique (id, subscriber_id),
    unique (subscriber_id, extension),
    foreign key (overflow_line_id, subscriber_id) references lines (id, subscriber_id)
      on delete set null (overflow_line_id)
  );
  create trigger ring_groups_notice after insert or update or delete on ring_groups
    for each statement execute function notify_reference_change();
  create trigger ring_groups_audit after insert or update or delete on ring_groups
    for each row execute function audit_change();
  create trigger ring_groups_version before update on ring_groups
    for each row execute function bump_version();
`;

/* Lines and groups are dialled alike, so that no extension is both; a line that is deleted rings in no group. */
const extensions = `
  create function keep_extension_unique() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock(hashtextextended('extensions of ' || new.subscriber_id, 0));
      if tg_table_name <> 'lines' and exists (
          select from lines where subscriber_id = new.subscriber_id and extension = new.extension)
        or tg_table_name <> 'ring_groups' and exists (
          select from ring_groups where subscriber_id = new.subscriber_id and extension = new.extension) then
        raise exception 'the extension is taken'
          using errcode = 'unique_violation', constraint = 'lines_subscriber_id_extension_key';
      end if;
      return new;
    end $$;
  create trigger lines_extension before insert or update of extension on lines
    for each row execute function keep_extension_unique();
  create trigger ring_groups_extension before insert or update of extension on ring_groups
    for each row execute function keep_extension_unique();
  create function leave_ring_groups() returns trigger language plpgsql as $$
    begin
      update ring_groups set member_line_ids = array_remove(member_line_ids, old.id)
      where subscriber_id = old.subscriber_id and old.id = any(member_line_ids);
      return old;
    end $$;
  create trigger lines_leave_groups after delete on lines
    for each row execute function leave_ring_groups();
`;

const targets = `
  alter table dids
    add column target_group_id uuid,
    add foreign key (target_group_id, subscriber_id) references ring_groups (id, subscriber_id),
    add check (target_group_id is null or subscriber_id is not null),
    add check (num_nonnulls(target_line_id, target_group_id) <= 1);
  alter table calls add column ring_group_id uuid;
  grant select (ring_group_id) on calls to pabx_reseller, pabx_subscriber;
`;

const everything = 'select, insert, update, delete';
const policy = (role: string, condition: string) => `
  create policy ${role} on ring_groups to ${role} using (${condition}) with check (${condition});
`;

const wall = `
  alter table ring_groups enable row level security;
  alter table ring_groups force row level security;
  ${policy('pabx_system', 'true')}
  ${policy('pabx_master', 'true')}
  ${policy('pabx_reseller', 'exists (select from subscribers w where w.id = ring_groups.subscriber_id)')}
  ${policy('pabx_subscriber', 'subscriber_id = own_subscriber()')}
  grant ${everything} on ring_groups to pabx_master, pabx_reseller, pabx_subscriber;
`;

export const ringGroups = [groups, extensions, targets, wall];
