import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { connectPostgres, migrate, type Postgres } from '../../../src/stores/postgres/connect.ts';
import { findLineFacts } from '../../../src/stores/postgres/lines.ts';
import { proveLedger } from '../../../src/stores/postgres/prove-ledger.ts';
import { listVersionStarts, readRateTable } from '../../../src/stores/postgres/rate-versions.ts';
import { openWallet, readWallets } from '../../../src/stores/postgres/wallets.ts';
import { topUpWallet } from './use-tenants.ts';

/* A database as it was before prices had versions and minutes had cycles, with everything in it, and what becomes of it. */

const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const [OURS, THEIRS, SERVER, LINE] = [id(1), id(2), id(3), id(4)];
const PLANS = { full: id(11), free: id(12), empty: id(13), theirs: id(14) };
/** With a franquia; with money; without a wallet; of the other reseller; one that lost its franquia. */
const [ANA, BRUNO, CARLA, DIOGO, EVA] = [id(21), id(22), id(23), id(24), id(25)];
const CYCLE = '2026-10-01';

const resellers = `
  insert into resellers (id, name) values ('${OURS}', 'Nossa'), ('${THEIRS}', 'Outra');
  insert into asterisk_servers (id, name, token_sha256, ari_url, ami_host, ami_port)
  values ('${SERVER}', 'srv1', '\\x00', 'http://127.0.0.1:1', '127.0.0.1', 1);
`;

const plans = `
  insert into sales_plans (id, reseller_id, name, status) values
    ('${PLANS.full}', '${OURS}', 'Completo', 'ACTIVE'), ('${PLANS.free}', '${OURS}', 'Livre', 'INACTIVE'),
    ('${PLANS.empty}', '${OURS}', 'Vazio', 'ACTIVE'), ('${PLANS.theirs}', '${THEIRS}', 'Completo', 'ACTIVE');
  insert into sales_plan_rates values
    ('${PLANS.full}', 'MOBILE_LOCAL', 1000000000, 60, 6, 0), ('${PLANS.full}', 'FIXED_LOCAL', 123457, 30, 6, 3),
    ('${PLANS.full}', 'PREMIUM', 0, 3600, 3600, 3600), ('${PLANS.full}', 'INTERNAL', 5, 1, 1, 0),
    ('${PLANS.full}', 'EMERGENCY', 0, 1, 1, 0), ('${PLANS.full}', 'TOLL_FREE', 5, 1, 1, 0),
    ('${PLANS.free}', 'INTERNAL', 0, 1, 1, 0), ('${PLANS.theirs}', 'FIXED_LOCAL', 7, 1, 1, 0);
  insert into minute_bundles (id, reseller_id, name, included_seconds, monthly_price_micros)
  values ('${id(31)}', '${OURS}', 'Dez minutos', 600, 9900000);
`;

const subscriber = (subscriber_id: string, reseller: string, plan: string, mode: string) =>
  `('${subscriber_id}', '${reseller}', '${SERVER}', '${plan}', '${subscriber_id}', '${mode}', 5)`;
const subscribers = `
  insert into subscribers (id, reseller_id, server_id, sales_plan_id, name, billing_mode, max_concurrent_calls) values
    ${subscriber(ANA, OURS, PLANS.full, 'BUNDLE')}, ${subscriber(BRUNO, OURS, PLANS.full, 'PREPAID')},
    ${subscriber(CARLA, OURS, PLANS.free, 'POSTPAID')}, ${subscriber(DIOGO, THEIRS, PLANS.theirs, 'BUNDLE')},
    ${subscriber(EVA, OURS, PLANS.full, 'BUNDLE')};
  insert into bundle_slots values ('${ANA}', 'FIXED_LOCAL', '${id(31)}'), ('${ANA}', 'MOBILE_LOCAL', '${id(31)}'),
    ('${ANA}', 'FIXED_LDN', '${id(31)}'), ('${ANA}', 'INTL_MOBILE', '${id(31)}');
  insert into lines (id, subscriber_id, extension, name, sip_username, sip_ha1, area_code, allowed_classes,
    max_concurrent_calls)
  values ('${LINE}', '${ANA}', '201', 'x', 'ana000', repeat('0', 32), '11', '{FIXED_LOCAL}', 1);
  insert into wallets values ('${ANA}', 7, -5000, '${CYCLE}'), ('${BRUNO}', 1, 800, '2026-10-15'),
    ('${DIOGO}', 2, 0, '2000-01-01'), ('${EVA}', 3, 0, '${CYCLE}');
  insert into wallet_slots values ('${ANA}', 'FIXED_LOCAL', 500), ('${ANA}', 'MOBILE_LOCAL', -30),
    ('${ANA}', 'FIXED_LDN', 0), ('${DIOGO}', 'FIXED_LOCAL', 45), ('${EVA}', 'INTL_FIXED', 700);
`;

/** Movements with their entries: whose, kind, reference, and from where to where how much. */
const MOVEMENTS: [string, string, string, [string, string, 'MICROS' | 'SECONDS', number][]][] = [
  [ANA, 'BUNDLE_RENEWAL', 'r1', [['reseller', `${ANA}:seconds:FIXED_LOCAL`, 'SECONDS', 600]]],
  [ANA, 'BUNDLE_RENEWAL', 'r2', [['reseller', `${ANA}:seconds:MOBILE_LOCAL`, 'SECONDS', 300]]],
  [ANA, 'CALL', 'c1', [[`${ANA}:seconds:FIXED_LOCAL`, 'reseller', 'SECONDS', 100]]],
  [ANA, 'CALL', 'c2', [[`${ANA}:seconds:MOBILE_LOCAL`, 'reseller', 'SECONDS', 330]]],
  [ANA, 'CALL', 'c3', [[`${ANA}:money`, 'revenue', 'MICROS', 5000]]],
  [BRUNO, 'TOP_UP', 't1', [['cash', `${BRUNO}:money`, 'MICROS', 800]]],
  [DIOGO, 'BUNDLE_RENEWAL', 'r3', [['reseller', `${DIOGO}:seconds:FIXED_LOCAL`, 'SECONDS', 45]]],
  [EVA, 'BUNDLE_RENEWAL', 'r4', [['reseller', `${EVA}:seconds:INTL_FIXED`, 'SECONDS', 700]]],
];

const account = (name: string) => (name.includes(':') ? `subscriber:${name}` : name);
const movements = MOVEMENTS.map(
  ([whose, kind, reference, moves], index) => `
  insert into ledger_movements (subscriber_id, kind, reference, leg, sequence, author, wallet_version)
  values ('${whose}', '${kind}', '${reference}', 'subscriber', 0, 'before', 1);
  ${moves
    .map(
      ([from, to, unit, amount]) => `insert into ledger_entries values
        (${index + 1}, '${account(from)}', '${unit}', ${-amount}), (${index + 1}, '${account(to)}', '${unit}', ${amount});`,
    )
    .join('\n')}`,
).join('\n');

const calls = [
  ['c1', 'FIXED_LOCAL', 100, 0, 0],
  ['c2', 'MOBILE_LOCAL', 330, 0, 0],
  ['c3', null, 0, 30, 5000],
  ['free', null, 0, 0, 0],
]
  .map(
    ([call_id, slot, bundle, paid, micros]) => `
  insert into calls (id, server_id, reseller_id, subscriber_id, line_id, dialled, number, call_class, created_at,
    ended_at, talk_ms, billed_seconds, bundle_slot, bundle_seconds, paid_seconds, total_micros, sales_plan_id,
    granted_seconds, end_reason)
  values ('${call_id}', '${SERVER}', '${OURS}', '${ANA}', '${LINE}', '1', '1', 'FIXED_LOCAL', now(), now(), 1,
    ${Number(bundle) + Number(paid)}, ${slot ? `'${slot}'` : 'null'}, ${bundle}, ${paid}, ${micros}, '${PLANS.full}',
    1000, 'HANGUP');`,
  )
  .join('\n');

let postgres: Postgres;

beforeAll(async () => {
  const name = `pabx_${randomBytes(6).toString('hex')}`;
  const admin = connectPostgres(inject('postgresUrl'), () => {});
  await admin.pool.query(`create database ${name}`);
  await admin.close();
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  postgres = connectPostgres(url.href, () => {});
  const { '0001-first': first, '0002-tenants': tenants } = MIGRATIONS;
  if (!first || !tenants) throw new Error('the first migrations are not there');
  const before = { '0001-first': first, '0002-tenants': tenants };
  await migrate(postgres.db, { getMigrations: async () => before });
  for (const rows of [resellers, plans, subscribers, movements, calls])
    await sql.raw(rows).execute(postgres.db);
  const ran = await migrate(postgres.db, { getMigrations: async () => MIGRATIONS });
  expect(ran[0]).toBe('0003-money');
});

afterAll(() => postgres?.close());

const rowsOf = async (query: string) => (await postgres.pool.query(query)).rows;

describe('prices', () => {
  const rate = (
    price: bigint,
    initial_seconds: number,
    increment_seconds: number,
    free_threshold_seconds: number,
  ) => ({
    price_micros_per_minute: price,
    cadence: { initial_seconds, increment_seconds, free_threshold_seconds },
  });

  test.each([
    [
      PLANS.full,
      [
        ['FIXED_LOCAL', rate(123_457n, 30, 6, 3)],
        ['MOBILE_LOCAL', rate(1_000_000_000n, 60, 6, 0)],
        ['PREMIUM', rate(0n, 3_600, 3_600, 3_600)],
      ],
    ],
    [PLANS.free, []],
    [PLANS.empty, []],
    [PLANS.theirs, [['FIXED_LOCAL', rate(7n, 1, 1, 0)]]],
  ])('of plan %s are its first version, without classes that are free', async (sales_plan_id, rates) => {
    const [version, ...others] = await listVersionStarts(postgres.db, { sales_plan_id });
    expect(others).toEqual([]);
    expect(version?.valid_from_ms).toBe(Date.parse('2000-01-01T00:00:00Z'));
    const version_id = version?.version_id ?? '';
    const table = await readRateTable(postgres.db, version_id);
    expect(table).toEqual({ version_id, deck: null, class_rates: new Map(rates as []) });
  });

  test('are found by the lines that call', async () => {
    const facts = await findLineFacts(postgres.db, 'ana000');
    expect(facts?.sale_versions).toEqual(await listVersionStarts(postgres.db, { sales_plan_id: PLANS.full }));
    expect(facts?.subscriber.wholesale_versions).toBeNull();
  });
});

describe('minutes', () => {
  test('are kept by the cycle that was open, as many as were left', async () => {
    const wallets = await readWallets(postgres.db, [ANA, BRUNO, CARLA, DIOGO, EVA]);
    const left = Object.fromEntries([...wallets].map(([whose, wallet]) => [whose, wallet.left_seconds]));
    expect(left).toEqual({
      [ANA]: { [CYCLE]: { FIXED_LOCAL: 500, MOBILE_LOCAL: -30, FIXED_LDN: 0 } },
      [BRUNO]: {},
      [DIOGO]: { '2000-01-01': { FIXED_LOCAL: 45 } },
      [EVA]: { [CYCLE]: { INTL_FIXED: 700 } },
    });
    expect(wallets.get(ANA)).toMatchObject({ version: 8n, balance_micros: -5000n, cycle_start: CYCLE });
  });

  test('carry what their franquia was; one that is gone had as many as are left', async () => {
    const rows = await rowsOf(
      `select subscriber_id, slot, bundle_name, included_seconds from bundle_allocations order by 1, 2`,
    );
    expect(
      rows.map((row) => `${row.subscriber_id} ${row.slot} ${row.bundle_name} ${row.included_seconds}`),
    ).toEqual([
      `${ANA} FIXED_LDN Dez minutos 600`,
      `${ANA} FIXED_LOCAL Dez minutos 600`,
      `${ANA} MOBILE_LOCAL Dez minutos 600`,
      `${DIOGO} FIXED_LOCAL FIXED_LOCAL 45`,
      `${EVA} INTL_FIXED INTL_FIXED 700`,
    ]);
  });

  test('were moved to the accounts of their cycle, and the old ones are empty', async () => {
    const rows = await rowsOf(
      `select account, sum(amount)::integer as sum from ledger_entries where account like 'subscriber:%:seconds:%'
       group by account order by 1`,
    );
    const sums = Object.fromEntries(rows.map((row) => [row.account.replace('subscriber:', ''), row.sum]));
    expect(sums).toEqual({
      [`${ANA}:seconds:FIXED_LOCAL`]: 0,
      [`${ANA}:seconds:FIXED_LOCAL:${CYCLE}`]: 500,
      [`${ANA}:seconds:MOBILE_LOCAL`]: 0,
      [`${ANA}:seconds:MOBILE_LOCAL:${CYCLE}`]: -30,
      [`${DIOGO}:seconds:FIXED_LOCAL`]: 0,
      [`${DIOGO}:seconds:FIXED_LOCAL:2000-01-01`]: 45,
      [`${EVA}:seconds:INTL_FIXED`]: 0,
      [`${EVA}:seconds:INTL_FIXED:${CYCLE}`]: 700,
    });
  });
});

describe('the ledger', () => {
  test('has what it had, each movement with its reseller, and a movement for each slot that held something', async () => {
    const rows = await rowsOf(
      'select subscriber_id, reseller_id, kind, reference, leg, author, cycle_start from ledger_movements order by id',
    );
    const reseller = (whose: string) => (whose === DIOGO ? THEIRS : OURS);
    expect(rows.slice(0, MOVEMENTS.length)).toEqual(
      MOVEMENTS.map(([whose, kind, reference]) => ({
        subscriber_id: whose,
        reseller_id: reseller(whose),
        kind,
        reference,
        leg: 'subscriber',
        author: 'before',
        cycle_start: null,
      })),
    );
    const added = rows.slice(MOVEMENTS.length);
    expect(added.map((row) => `${row.reference} ${row.leg}`).sort()).toEqual([
      `${ANA} ${CYCLE} FIXED_LOCAL by cycle`,
      `${ANA} ${CYCLE} MOBILE_LOCAL by cycle`,
      `${DIOGO} 2000-01-01 FIXED_LOCAL by cycle`,
      `${EVA} ${CYCLE} INTL_FIXED by cycle`,
    ]);
    for (const row of added)
      expect(row).toMatchObject({
        kind: 'BUNDLE_RENEWAL',
        author: 'migration',
        reseller_id: reseller(row.subscriber_id),
        cycle_start: row.subscriber_id === DIOGO ? '2000-01-01' : CYCLE,
      });
  });

  test('is proven, but for what was below zero before', async () => {
    const what = 'the minutes left of a subscriber differ from the ledger, or are below zero';
    expect(await proveLedger(postgres.db)).toEqual([{ what, id: `${ANA} MOBILE_LOCAL ${CYCLE}` }]);
  });

  test.each(['ledger_movements', 'ledger_entries'])('%s cannot be changed', async (table) => {
    for (const change of [
      `update ${table} set ${table === 'ledger_entries' ? 'amount' : 'wallet_version'} = 1`,
      `delete from ${table}`,
    ])
      await expect(postgres.pool.query(change)).rejects.toThrow('append-only');
  });

  test('has every trigger at work that it had', async () => {
    const rows = await rowsOf(
      `select tgname, tgenabled from pg_trigger where not tgisinternal
       and tgrelid in ('ledger_movements'::regclass, 'ledger_entries'::regclass) order by 1`,
    );
    expect(rows).toEqual(
      [
        'ledger_entries_append_only',
        'ledger_entries_balanced',
        'ledger_movements_append_only',
        'ledger_movements_audit',
      ].map((tgname) => ({ tgname, tgenabled: 'O' })),
    );
    const one = "insert into ledger_entries values (1, 'somebody', 'MICROS', 1)";
    await expect(postgres.pool.query(one)).rejects.toThrow('does not sum to zero');
  });
});

test('life goes on: a top-up is charged and audited, the open cycle gives nothing twice, the next one all', async () => {
  const { db } = postgres;
  const ana = { subscriber_id: ANA, reseller_id: OURS };
  await topUpWallet(db, ana, 10_000n, 'after', 'test');
  const audited = await rowsOf("select object_type from audit_log where object_type = 'ledger_movements'");
  // The one of before, and this one.
  expect(audited).toHaveLength(2);
  const same = await openWallet(db, ana, CYCLE);
  // The slot that nobody had used yet gets its minutes; the others stay.
  const left = { FIXED_LOCAL: 500, MOBILE_LOCAL: -30, FIXED_LDN: 0, INTL_MOBILE: 600 };
  expect(same.left_seconds).toEqual({ [CYCLE]: left });
  const next = await openWallet(db, ana, '2026-11-01');
  const whole = { FIXED_LOCAL: 600, MOBILE_LOCAL: 600, FIXED_LDN: 600, INTL_MOBILE: 600 };
  expect(next.left_seconds).toEqual({ [CYCLE]: left, '2026-11-01': whole });
  expect(await proveLedger(db)).toHaveLength(1);
});
