/*
 * Row-level security. A request runs under one of three roles that own nothing; which reseller and subscriber it is
 * for is set per transaction, and reading without that is an error of the database, never all rows.
 * pabx_system is call control and sign-in, which serve everybody; pabx_nobody is what a connection is between requests.
 */
const ROLES = ['pabx_system', 'pabx_nobody', 'pabx_master', 'pabx_reseller', 'pabx_subscriber'] as const;

/* Roles belong to the whole server: another installation on it may have made them already. */
const roles = `
  do $$
    declare r text;
    begin
      foreach r in array array[${ROLES.map((role) => `'${role}'`).join(', ')}] loop
        begin
          execute format('create role %I nologin', r);
        exception when duplicate_object or unique_violation then
          null;
        end;
        -- From 16 on being a member does not mean that the role may be taken.
        if not pg_has_role(current_user, r,
            case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end) then
          execute format('grant %I to %I', r, current_user);
        end if;
      end loop;
    end $$;
  grant usage on schema public to ${ROLES.join(', ')};
  create function own_reseller() returns uuid language sql stable as $$
    select current_setting('pabx.reseller_id')::uuid
  $$;
  create function own_subscriber() returns uuid language sql stable as $$
    select current_setting('pabx.subscriber_id')::uuid
  $$;
  grant select, insert, update, delete on all tables in schema public to pabx_system;
  alter default privileges in schema public grant select, insert, update, delete on tables to pabx_system;
`;

interface Wall {
  /** What the roles may do with the rows they see. */
  readonly master: string;
  readonly reseller?: readonly [can: string, condition: string];
  readonly subscriber?: readonly [can: string, condition: string];
  /** Columns that no tenant reads, not even its own. */
  readonly secret?: readonly string[];
}

const READ = 'select';
const EDIT = 'select, insert, update, delete';
const byReseller = 'reseller_id = own_reseller()';
const bySubscriber = 'subscriber_id = own_subscriber()';
/** The inner table's own wall holds for the one who asks. */
const visible = (table: string, condition: string) => `exists (select from ${table} w where ${condition})`;
const ofVisibleSubscriber = (table: string) => visible('subscribers', `w.id = ${table}.subscriber_id`);

const WALLS: Readonly<Record<string, Wall>> = {
  resellers: {
    master: EDIT,
    reseller: [READ, 'id = own_reseller()'],
    subscriber: [READ, 'id = own_reseller()'],
  },
  sales_plans: {
    master: EDIT,
    reseller: [EDIT, byReseller],
    subscriber: [
      READ,
      `${visible('subscribers', 'w.sales_plan_id = sales_plans.id')} or ${visible('lines', 'w.sales_plan_id = sales_plans.id')}`,
    ],
  },
  sales_plan_rates: {
    master: EDIT,
    reseller: [EDIT, visible('sales_plans', 'w.id = sales_plan_rates.sales_plan_id')],
    subscriber: [READ, visible('sales_plans', 'w.id = sales_plan_rates.sales_plan_id')],
  },
  minute_bundles: {
    master: EDIT,
    reseller: [EDIT, byReseller],
    subscriber: [READ, visible('bundle_slots', 'w.bundle_id = minute_bundles.id')],
  },
  permission_profiles: {
    master: EDIT,
    reseller: [EDIT, byReseller],
    subscriber: [READ, visible('subscribers', 'w.permission_profile_id = permission_profiles.id')],
  },
  asterisk_servers: { master: EDIT, secret: ['token_sha256'] },
  trunks: { master: EDIT },
  revisions: { master: READ },
  subscribers: {
    master: EDIT,
    reseller: [EDIT, byReseller],
    subscriber: ['select, update', 'id = own_subscriber()'],
  },
  subscriber_contacts: {
    master: EDIT,
    reseller: [EDIT, ofVisibleSubscriber('subscriber_contacts')],
    subscriber: [EDIT, bySubscriber],
  },
  bundle_slots: {
    master: EDIT,
    reseller: [EDIT, ofVisibleSubscriber('bundle_slots')],
    subscriber: [READ, bySubscriber],
  },
  lines: {
    master: EDIT,
    reseller: [EDIT, ofVisibleSubscriber('lines')],
    subscriber: ['select, update', bySubscriber],
    secret: ['sip_ha1'],
  },
  dids: { master: EDIT, reseller: [EDIT, byReseller], subscriber: ['select, update', bySubscriber] },
  users: {
    master: EDIT,
    reseller: [EDIT, byReseller],
    subscriber: [EDIT, bySubscriber],
    secret: ['password_hash', 'totp_sealed', 'totp_last_step'],
  },
  recovery_codes: {
    master: 'select, delete',
    reseller: ['select, delete', visible('users', 'w.id = recovery_codes.user_id')],
    subscriber: ['select, delete', visible('users', 'w.id = recovery_codes.user_id')],
    secret: ['code_sha256'],
  },
  api_keys: {
    master: EDIT,
    reseller: [EDIT, byReseller],
    subscriber: [EDIT, bySubscriber],
    secret: ['key_sha256'],
  },
  idempotency_keys: {
    master: 'select, insert',
    reseller: ['select, insert', 'scope = own_reseller()::text'],
    subscriber: ['select, insert', 'scope = own_subscriber()::text'],
  },
  wallets: {
    master: 'select, insert, update',
    reseller: ['select, insert, update', ofVisibleSubscriber('wallets')],
    subscriber: [READ, bySubscriber],
  },
  wallet_slots: {
    master: EDIT,
    reseller: [EDIT, ofVisibleSubscriber('wallet_slots')],
    subscriber: [READ, bySubscriber],
  },
  ledger_movements: {
    master: 'select, insert',
    reseller: ['select, insert', ofVisibleSubscriber('ledger_movements')],
    subscriber: [READ, bySubscriber],
  },
  ledger_entries: {
    master: 'select, insert',
    reseller: ['select, insert', visible('ledger_movements', 'w.id = ledger_entries.movement_id')],
    subscriber: [READ, visible('ledger_movements', 'w.id = ledger_entries.movement_id')],
  },
  calls: { master: READ, reseller: [READ, byReseller], subscriber: [READ, bySubscriber] },
  refusals: { master: READ, reseller: [READ, byReseller], subscriber: [READ, bySubscriber] },
  // A subscriber sees what was done as that subscriber, by its own people or by those who entered as it.
  audit_log: {
    master: READ,
    reseller: [READ, byReseller],
    subscriber: [READ, 'acting_subscriber_id = own_subscriber()'],
  },
};

/** `select` on a table with secrets becomes `select` on its other columns. */
function grant(table: string, can: string, role: string, secret: readonly string[] = []): string {
  if (secret.length === 0) return `grant ${can} on ${table} to ${role};`;
  const others = can.split(', ').filter((right) => right !== 'select');
  const hidden = secret.map((column) => `'${column}'`).join(', ');
  return `
    do $$ begin execute (select format('grant select (%s) on ${table} to ${role}', string_agg(quote_ident(attname), ', '))
      from pg_attribute where attrelid = '${table}'::regclass and attnum > 0 and not attisdropped
      and attname not in (${hidden})); end $$;
    ${others.length > 0 ? `grant ${others.join(', ')} on ${table} to ${role};` : ''}`;
}

function wallOf(table: string, wall: Wall): string {
  const everybody = ['pabx_system', 'pabx_master']
    .map((role) => `create policy ${role} on ${table} to ${role} using (true) with check (true);`)
    .join('\n');
  const own = (['reseller', 'subscriber'] as const).map((who) => {
    const right = wall[who];
    if (!right) return '';
    const [can, condition] = right;
    return `create policy pabx_${who} on ${table} to pabx_${who} using (${condition}) with check (${condition});
      ${grant(table, can, `pabx_${who}`, wall.secret)}`;
  });
  return `
    alter table ${table} enable row level security;
    alter table ${table} force row level security;
    ${everybody}
    ${grant(table, wall.master, 'pabx_master', wall.secret)}
    ${own.join('\n')}`;
}

/* The owner is under the wall too, so what writes for everybody runs as pabx_system. */
const definers = `
  create function least_loaded_server() returns uuid language sql stable security definer set search_path = public as $$
    select a.id from asterisk_servers a
    order by (select count(*) from subscribers s where s.server_id = a.id), a.name limit 1
  $$;
  grant create on schema public to pabx_system;
  alter function audit_change() owner to pabx_system;
  alter function least_loaded_server() owner to pabx_system;
  revoke create on schema public from pabx_system;
`;

export const walls = [roles, ...Object.entries(WALLS).map(([table, wall]) => wallOf(table, wall)), definers];
