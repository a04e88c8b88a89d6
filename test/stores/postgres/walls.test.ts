import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createDatabase, type Database } from '../../../dev/world/database.ts';
import { addReseller, addSubscriber, type TestSubscriber } from '../../../dev/world/tenants.ts';
import { addServer } from '../../../src/admin/add-server.ts';
import type { Tenant } from '../../../src/domain/tenant.ts';
import { connectPostgres, type Postgres } from '../../../src/stores/postgres/connect.ts';
import { addClassVersion } from '../../../src/stores/postgres/rate-versions.ts';
import { settleCalls } from '../../../src/stores/postgres/settlements.ts';
import { COMMAND, changeAs, readAs } from '../../../src/stores/postgres/tenancy.ts';
import { openWallet } from '../../../src/stores/postgres/wallets.ts';
import { BY_THE_SECOND, billedRecord, CYCLE } from './use-tenants.ts';

let database: Database;
let tenants: Postgres;
let ours: TestSubscriber;
let theirs: TestSubscriber;

/** Every table of ours, from the catalogue: one that comes later is in here by itself. */
let tables: string[] = [];

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  const { db } = database;
  const { rows } = await database.pool.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
     and relname not like 'kysely%' order by 1`,
  );
  tables = rows.map(({ name }) => name);
  const server = await addServer(db, {
    name: 'walls',
    ari_url: 'http://127.0.0.1:1',
    ami_host: '127.0.0.1',
    ami_port: 1,
  });
  const bundles = { FIXED_LOCAL: 600 };
  const make = async () => {
    const at = { reseller_id: await addReseller(db), server_id: server.id };
    const subscriber = await addSubscriber(db, at, {
      billing_mode: 'BUNDLE',
      bundles,
      balance_micros: 1_000n,
    });
    await subscriber.addLine();
    await giveHistory(at, subscriber.id);
    return subscriber;
  };
  [ours, theirs] = [await make(), await make()];
  tenants = connectPostgres(database.url, () => {}, 'pabx_nobody');
});

/** Minutes of a cycle, an alert, a call that was paid at every level, and a cost plan of its reseller. */
async function giveHistory(
  at: { reseller_id: string; server_id: string },
  subscriber_id: string,
): Promise<void> {
  const { db } = database;
  await openWallet(db, { ...at, subscriber_id }, CYCLE);
  const { id: line_id } = await db
    .selectFrom('lines')
    .select('id')
    .where('subscriber_id', '=', subscriber_id)
    .executeTakeFirstOrThrow();
  const { sales_plan_id } = await db
    .selectFrom('subscribers')
    .select('sales_plan_id')
    .where('id', '=', subscriber_id)
    .executeTakeFirstOrThrow();
  const tenant = { ...at, subscriber_id, sales_plan_id, line_id, username: '' };
  const paid = { wholesale: BY_THE_SECOND, cost: BY_THE_SECOND, bundle_slot: 'FIXED_LOCAL' } as const;
  const grant = { bundle_seconds: 400, paid_seconds: 0 };
  const more = { trunk_id: randomUUID() };
  await settleCalls(db, [billedRecord(tenant, { talk_ms: 400_000, grant, ...paid }, more)]);
  const plan = await db
    .insertInto('cost_plans')
    .values({ name: `Custo ${at.reseller_id}` })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db.updateTable('resellers').set({ cost_plan_id: plan.id }).where('id', '=', at.reseller_id).execute();
  const of = { plan: { cost_plan_id: plan.id }, valid_from: null, author: 'test', class_rates: [] };
  await db.transaction().execute((tx) => addClassVersion(tx, of));
}

afterAll(async () => {
  await tenants?.close();
  await database?.close();
});

const reseller = (): Tenant => ({ role: 'RESELLER', reseller_id: ours.reseller_id });
const subscriber = (): Tenant => ({
  role: 'SUBSCRIBER',
  reseller_id: ours.reseller_id,
  subscriber_id: ours.id,
});

const isPermissionDenied = { code: '42501' };

describe('from the catalogue', () => {
  test('every table has row-level security, for its owner too', async () => {
    const { rows } = await database.pool.query(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
       and relname not like 'kysely%' and not (relrowsecurity and relforcerowsecurity)`,
    );
    expect(rows).toEqual([]);
    expect(tables).toContain('subscribers');
  });

  test('no role of ours owns a table, passes walls or is a superuser', async () => {
    const { rows } = await database.pool.query(
      `select rolname from pg_roles r where rolname like 'pabx\\_%' and (rolsuper or rolbypassrls or rolcreaterole
       or rolcanlogin or exists (select from pg_class where relowner = r.oid and relkind = 'r'))`,
    );
    expect(rows).toEqual([]);
  });

  test('no policy of a reseller or subscriber is for everybody', async () => {
    const { rows } = await database.pool.query(
      `select tablename, policyname from pg_policies where schemaname = 'public'
       and roles && array['pabx_reseller', 'pabx_subscriber', 'public']::name[]
       and coalesce(qual, 'true') in ('true', '(true)')`,
    );
    expect(rows).toEqual([]);
  });

  test('what people edit is audited', async () => {
    const { rows } = await database.pool.query(
      `select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'version'
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not in ('wallets', 'reseller_wallets')
       and (select count(*) from pg_trigger t where t.tgrelid = c.oid
            and t.tgname in (c.relname || '_audit', c.relname || '_version')) < 2`,
    );
    expect(rows).toEqual([]);
  });
});

describe('without a tenant', () => {
  test('a connection sees no table at all', async () => {
    for (const table of tables) {
      await expect(sql`select from ${sql.table(table)}`.execute(tenants.db), table).rejects.toMatchObject(
        isPermissionDenied,
      );
    }
  });

  test.each(['pabx_reseller', 'pabx_subscriber'])(
    '%s without its tenant gets an error, not all rows',
    async (role) => {
      const client = await database.pool.connect();
      try {
        for (const setting of ['', "set local pabx.reseller_id = ''; set local pabx.subscriber_id = ''"]) {
          await client.query(`begin; set local role ${role}; ${setting}`);
          await expect(client.query('select id from subscribers')).rejects.toThrow();
          await client.query('rollback');
        }
      } finally {
        client.release();
      }
    },
  );

  test('an id that is none never reaches the settings', () => {
    const hostile = { role: 'RESELLER', reseller_id: "'; reset role; --" } as const;
    expect(() => readAs(tenants.db, hostile, async () => 1)).toThrow('an id that is none');
  });
});

describe('with a tenant', () => {
  /** Rows of every readable table that name a stranger's id anywhere. */
  async function leaks(tenant: Tenant, strange: string[]) {
    return readAs(tenants.db, tenant, async (tx) => {
      const found: string[] = [];
      for (const table of tables) {
        // Secret columns are not for tenants; what is left of a table is.
        const { rows: columns } = await sql<{ name: string }>`
          select quote_ident(attname) as name from pg_attribute where attrelid = ${table}::regclass and attnum > 0
          and not attisdropped and has_column_privilege(attrelid, attnum, 'select')`.execute(tx);
        if (columns.length === 0) continue;
        const { rows } = await sql<{ row: string }>`
          select concat_ws(' ', ${sql.raw(columns.map(({ name }) => `${name}::text`).join(', '))}) as row
          from ${sql.table(table)}`.execute(tx);
        if (rows.some(({ row }) => strange.some((id) => row.includes(id)))) found.push(table);
      }
      return found;
    });
  }

  test('a reseller sees no row of another anywhere', async () => {
    expect(await leaks(reseller(), [theirs.id, theirs.reseller_id])).toEqual([]);
    // The eye itself sees: the same query by whom it all belongs to.
    const own = await leaks({ role: 'RESELLER', reseller_id: theirs.reseller_id }, [theirs.id]);
    expect(own).toEqual(
      expect.arrayContaining([
        'bundle_alerts',
        'bundle_allocations',
        'bundle_slots',
        'calls',
        'ledger_movements',
        'lines',
        'subscribers',
        'wallets',
      ]),
    );
  });

  test('a subscriber sees no row of another anywhere', async () => {
    expect(await leaks(subscriber(), [theirs.id, theirs.reseller_id])).toEqual([]);
  });

  const countOf = (tenant: Tenant, from: string) =>
    readAs(tenants.db, tenant, async (tx) => {
      const { rows } = await sql<{ n: bigint }>`select count(*) as n from ${sql.raw(from)}`.execute(tx);
      return Number(rows[0]?.n);
    });

  test('a reseller sees what it has with the platform and the plan it buys by; its subscriber does not', async () => {
    const own = "ledger_movements where leg = 'wholesale'";
    for (const [from, count] of [
      ['reseller_wallets', 1],
      ['cost_plans', 1],
      ['rate_versions where cost_plan_id is not null', 1],
      [own, 1],
      ["ledger_entries where account like '%:wholesale'", 1],
      ["ledger_movements where leg = 'carrier'", 0],
      ["ledger_entries where account like 'trunk:%'", 0],
    ] as const)
      expect(await countOf(reseller(), from), from).toBe(count);
    for (const from of [
      own,
      "ledger_entries where account like '%:wholesale'",
      'rate_versions where cost_plan_id is not null',
    ])
      expect(await countOf(subscriber(), from), from).toBe(0);
    for (const from of ['reseller_wallets', 'cost_plans', 'jobs', 'ledger_proofs'])
      await expect(countOf(subscriber(), from), from).rejects.toMatchObject(isPermissionDenied);
  });

  test('a reseller changes nothing of what it buys by, and gives itself no money', async () => {
    const attempts = [
      sql`update cost_plans set name = 'x'`,
      sql`insert into cost_plans (name) values ('x')`,
      sql`insert into rate_versions (cost_plan_id, valid_from, pricing, class_rates, author)
          select id, now(), 'BY_CLASS', '[]', 'x' from cost_plans`,
      sql`insert into deck_rates select id, '55', 'x', null, 0, 1, 1, 0, true from rate_versions
          where cost_plan_id is not null`,
      sql`update reseller_wallets set balance_micros = 1`,
      sql`update rate_versions set valid_from = now()`,
      sql`update deck_rates set price_micros_per_minute = 0`,
      sql`insert into ledger_movements (reseller_id, kind, reference, leg, sequence, author, wallet_version)
          values (${ours.reseller_id}, 'TOP_UP', 'x', 'reseller', 0, 'x', 1)`,
    ];
    for (const [index, attempt] of attempts.entries()) {
      const trying = changeAs(tenants.db, reseller(), COMMAND, (tx) => attempt.execute(tx));
      await expect(trying, String(index)).rejects.toMatchObject(isPermissionDenied);
    }
    const gone = sql`delete from rate_versions where cost_plan_id is not null`;
    const { numAffectedRows } = await changeAs(tenants.db, reseller(), COMMAND, (tx) => gone.execute(tx));
    expect(numAffectedRows).toBe(0n);
  });

  test('what a carrier costs is not for resellers, and what its reseller pays not for a subscriber', async () => {
    const hidden: [Tenant, string[]][] = [
      [reseller(), ['cost', 'cost_micros']],
      [subscriber(), ['cost', 'cost_micros', 'wholesale', 'wholesale_micros', 'loss']],
    ];
    for (const [tenant, columns] of hidden) {
      for (const column of columns) {
        await expect(
          readAs(tenants.db, tenant, (tx) => sql`select ${sql.ref(column)} from calls`.execute(tx)),
        ).rejects.toMatchObject(isPermissionDenied);
      }
    }
    expect(await countOf(reseller(), 'calls where wholesale_micros = 400000 and not loss')).toBe(1);
    expect(await countOf(subscriber(), 'calls where total_micros = 0 and sale is not null')).toBe(1);
  });

  test('nothing can be moved over to another tenant, or made for it', async () => {
    const attempts = [
      sql`update subscribers set reseller_id = ${theirs.reseller_id} where id = ${ours.id}`,
      sql`update lines set subscriber_id = ${theirs.id}`,
      sql`insert into dids (reseller_id, number) values (${theirs.reseller_id}, '+551133334444')`,
      sql`insert into subscriber_contacts (subscriber_id, name, phone) values (${theirs.id}, 'x', '+551133334444')`,
      sql`insert into users (role, reseller_id, username, name, password_hash)
          values ('RESELLER', ${theirs.reseller_id}, 'intruder', 'x', 'x')`,
      sql`insert into users (role, username, name, password_hash) values ('MASTER', 'intruder', 'x', 'x')`,
    ];
    for (const attempt of attempts) {
      await expect(changeAs(tenants.db, reseller(), COMMAND, (tx) => attempt.execute(tx))).rejects.toThrow();
    }
    const { rows } = await database.pool.query("select from users where username = 'intruder'");
    expect(rows).toEqual([]);
  });

  test('reading changes nothing, and one transaction leaves no tenant behind for the next', async () => {
    await expect(
      readAs(tenants.db, reseller(), (tx) => sql`update subscribers set name = 'x'`.execute(tx)),
    ).rejects.toMatchObject({ code: '25006' });
    await readAs(tenants.db, reseller(), (tx) => sql`select id from subscribers`.execute(tx));
    await expect(sql`select id from subscribers`.execute(tenants.db)).rejects.toMatchObject(
      isPermissionDenied,
    );
  });

  test.each([
    ['lines', 'sip_ha1'],
    ['users', 'password_hash'],
    ['api_keys', 'key_sha256'],
  ])('the secret %s.%s is not for tenants', async (table, column) => {
    for (const tenant of [reseller(), subscriber(), { role: 'MASTER' } as const]) {
      await expect(
        readAs(tenants.db, tenant, (tx) =>
          sql`select ${sql.ref(column)} from ${sql.table(table)}`.execute(tx),
        ),
      ).rejects.toMatchObject(isPermissionDenied);
    }
  });
});

describe('the audit log', () => {
  test('names who changed what, before and after, and masks secrets', async () => {
    const actor = { ...COMMAND, kind: 'USER', name: 'ana', id: ours.id } as const;
    await changeAs(tenants.db, reseller(), actor, (tx) =>
      sql`update lines set name = 'Portaria', sip_ha1 = repeat('a', 32) where subscriber_id = ${ours.id}`.execute(
        tx,
      ),
    );
    const { rows } = await database.pool.query(
      "select * from audit_log where object_type = 'lines' and action = 'UPDATE' order by id desc limit 1",
    );
    expect(rows[0]).toMatchObject({
      reseller_id: ours.reseller_id,
      subscriber_id: ours.id,
      actor: { kind: 'USER', name: 'ana' },
      after: { name: 'Portaria', sip_ha1: '***' },
    });
    expect(Object.keys(rows[0].after).sort()).toEqual(['name', 'sip_ha1']);
    expect(JSON.stringify(rows[0].before)).not.toMatch(/[0-9a-f]{32}/);
  });

  test('cannot be changed, by nobody', async () => {
    for (const change of [
      'update audit_log set action = action',
      'delete from audit_log',
      'truncate audit_log',
    ]) {
      await expect(database.pool.query(change)).rejects.toThrow('append-only');
    }
    await expect(
      changeAs(tenants.db, reseller(), COMMAND, (tx) =>
        sql`insert into audit_log (action) values ('x')`.execute(tx),
      ),
    ).rejects.toMatchObject(isPermissionDenied);
  });
});
