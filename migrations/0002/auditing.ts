/*
 * Every change of reference data is written down by the database itself, so that no code can forget it. Who did it
 * travels as the setting pabx.actor of the transaction.
 */
const log = `
  create table audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    action text not null,
    object_type text not null,
    object_id text,
    reseller_id uuid,
    subscriber_id uuid,
    actor jsonb not null,
    acting_subscriber_id uuid generated always as ((actor ->> 'as_subscriber_id')::uuid) stored,
    before jsonb,
    after jsonb
  );
  create index on audit_log (reseller_id, id);
  create index on audit_log (acting_subscriber_id, id);
  create index on audit_log (object_id, id);
  create function refuse_audit_change() returns trigger language plpgsql as $$
    begin
      raise exception 'the audit log is append-only';
    end $$;
  create trigger audit_log_append_only before update or delete or truncate on audit_log
    for each statement execute function refuse_audit_change();
`;

/* What changes by itself all the time and is nobody's edit. */
const noise = `array['version', 'updated_at', 'last_used_at', 'totp_last_step',
  'acknowledged_revision', 'acknowledged_at', 'acknowledged_error']`;
const secrets = `array['sip_ha1', 'password_hash', 'totp_sealed', 'key_sha256', 'token_sha256']`;

const functions = `
  create function current_actor() returns jsonb language sql stable as $$
    select coalesce(nullif(current_setting('pabx.actor', true), ''), '{"kind": "SYSTEM"}')::jsonb
  $$;
  create function bump_version() returns trigger language plpgsql as $$
    begin
      if to_jsonb(new) - ${noise} is distinct from to_jsonb(old) - ${noise} then
        new.version := old.version + 1;
        new.updated_at := clock_timestamp();
      end if;
      return new;
    end $$;
  create function masked(row_data jsonb) returns jsonb language sql immutable strict as $$
    select coalesce(jsonb_object_agg(key, case when key = any(${secrets}) and value <> 'null'
      then '"***"'::jsonb else value end), '{}') from jsonb_each(row_data)
  $$;
  create function audit_change() returns trigger language plpgsql security definer set search_path = public as $$
    declare
      old_row jsonb := case when tg_op = 'INSERT' then null else to_jsonb(old) - ${noise} end;
      new_row jsonb := case when tg_op = 'DELETE' then null else to_jsonb(new) - ${noise} end;
      whole jsonb := coalesce(new_row, old_row);
      owner_subscriber uuid;
      owner_reseller uuid;
      before_part jsonb;
      after_part jsonb;
    begin
      if tg_op = 'UPDATE' then
        if old_row = new_row then
          return null;
        end if;
        select masked(coalesce(jsonb_object_agg(o.key, o.value), '{}')),
               masked(coalesce(jsonb_object_agg(o.key, new_row -> o.key), '{}'))
        into before_part, after_part
        from jsonb_each(old_row) o
        -- What tells the row from its neighbours of the same owner is always named.
        where o.value is distinct from new_row -> o.key or o.key in ('call_class', 'slot');
      else
        before_part := masked(old_row);
        after_part := masked(new_row);
      end if;
      owner_subscriber := case when tg_table_name = 'subscribers' then whole ->> 'id' else whole ->> 'subscriber_id' end;
      owner_reseller := case when tg_table_name = 'resellers' then whole ->> 'id' else whole ->> 'reseller_id' end;
      if owner_reseller is null and owner_subscriber is not null then
        select reseller_id into owner_reseller from subscribers where id = owner_subscriber;
      end if;
      if owner_reseller is null and whole ? 'sales_plan_id' then
        select reseller_id into owner_reseller from sales_plans where id = (whole ->> 'sales_plan_id')::uuid;
      end if;
      insert into audit_log (action, object_type, object_id, reseller_id, subscriber_id, actor, before, after)
      values (tg_op, tg_table_name, coalesce(whole ->> 'id', whole ->> 'subscriber_id', whole ->> 'sales_plan_id'),
              owner_reseller, owner_subscriber, current_actor(), before_part, after_part);
      return null;
    end $$;
`;

const AUDITED = [
  'resellers',
  'sales_plans',
  'sales_plan_rates',
  'minute_bundles',
  'permission_profiles',
  'asterisk_servers',
  'trunks',
  'subscribers',
  'subscriber_contacts',
  'bundle_slots',
  'lines',
  'dids',
  'users',
  'api_keys',
] as const;

const VERSIONED = [
  'resellers',
  'sales_plans',
  'minute_bundles',
  'permission_profiles',
  'asterisk_servers',
  'trunks',
  'subscribers',
  'lines',
  'dids',
  'users',
] as const;

const triggers = [
  ...AUDITED.map(
    (table) => `create trigger ${table}_audit after insert or update or delete on ${table}
      for each row execute function audit_change();`,
  ),
  // Money that people move; what calls and cycles move is in the ledger with its call.
  `create trigger ledger_movements_audit after insert on ledger_movements
     for each row when (new.kind not in ('CALL', 'BUNDLE_RENEWAL')) execute function audit_change();`,
  ...VERSIONED.map(
    (table) => `create trigger ${table}_version before update on ${table}
      for each row execute function bump_version();`,
  ),
];

export const auditing = [log, functions, ...triggers];
