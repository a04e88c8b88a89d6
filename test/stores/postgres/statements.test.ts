import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { topUp, topUpAs } from '../../../src/admin/top-up.ts';
import { proveLedger } from '../../../src/stores/postgres/prove-ledger.ts';
import { settleCalls } from '../../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../../src/stores/postgres/wallets.ts';
import { callOf } from './billed-calls.ts';
import { useBilled } from './use-billed.ts';
import { type Tenant, useDatabase } from './use-tenants.ts';

const database = useDatabase();
const { told, closeAt, blockAt, addBilled, statementsOf, statusOf, balanceOf, move } = useBilled(database);

describe('closing a cycle', () => {
  test('says what was used, charged and paid, six hours after its end', async () => {
    const { db } = database();
    const tenant = await addBilled({ price: 30_000_000n });
    await openWallet(db, tenant, '2025-03-01');
    await move(tenant, 'TOP_UP', 10_000_000n, '2025-03-01');
    await move(tenant, 'CORRECTION', -500_000n, '2025-03-01');
    await settleCalls(db, [
      callOf(tenant, [{ cycle_start: '2025-03-01', bundle_seconds: 100, total_micros: 62_000n }], {
        bundle_slot: 'FIXED_LOCAL',
      }),
      callOf(tenant, [{ cycle_start: '2025-03-01', bundle_seconds: 0, total_micros: 30_000n }], {
        call_class: 'PREMIUM',
      }),
    ]);
    told.length = 0;
    expect(await closeAt('2025-04-01T05:59:59-03:00')).toBe(0);
    expect(await closeAt('2025-04-01T06:00:00-03:00')).toBe(1);
    expect(await closeAt('2025-04-01T06:00:00-03:00')).toBe(0);
    const [statement] = await statementsOf(tenant);
    expect(statement).toMatchObject({
      cycle_start: '2025-03-01',
      cycle_end: '2025-04-01',
      opening_balance_micros: 0n,
      closing_balance_micros: -20_592_000n,
      due_micros: 20_592_000n,
      due_on: '2025-04-10',
      block_on: '2025-04-20',
      lines: {
        usage: [
          {
            call_class: 'FIXED_LOCAL',
            calls: 1,
            billed_seconds: 162,
            bundle_seconds: 100,
            paid_seconds: 62,
            amount_micros: '62000',
          },
          { call_class: 'PREMIUM', calls: 1, billed_seconds: 30, paid_seconds: 30, amount_micros: '30000' },
        ],
        bundles: [
          {
            slot: 'FIXED_LOCAL',
            bundle_name: 'Franquia 10',
            included_seconds: 600,
            used_seconds: 100,
            expired_seconds: 500,
            price_micros: '30000000',
          },
        ],
        totals: [
          { kind: 'CALL', movements: 2, amount_micros: '-92000' },
          { kind: 'CORRECTION', movements: 1, amount_micros: '-500000' },
          { kind: 'MONTHLY_FEE', movements: 1, amount_micros: '-30000000' },
          { kind: 'TOP_UP', movements: 1, amount_micros: '10000000' },
        ],
      },
    });
    expect(told.map(({ balance_micros }) => balance_micros)).toEqual([-20_592_000n]);
    expect(await balanceOf(tenant)).toBe(-20_592_000n);
    const fee = await db
      .selectFrom('ledger_movements')
      .select(['author', 'reason', 'leg', 'cycle_start'])
      .where('subscriber_id', '=', tenant.subscriber_id)
      .where('kind', '=', 'MONTHLY_FEE')
      .execute();
    expect(fee).toEqual([
      { author: 'cycle', reason: 'Franquia 10', leg: 'FIXED_LOCAL', cycle_start: '2025-03-01' },
    ]);
    expect(await proveLedger(db)).toEqual([]);
  });

  test('by five at once is one statement and one fee', async () => {
    const tenant = await addBilled({ price: 30_000_000n });
    await openWallet(database().db, tenant, '2025-03-01');
    await Promise.all([1, 2, 3, 4, 5].map(() => closeAt('2025-04-02T12:00:00Z')));
    expect(await statementsOf(tenant)).toHaveLength(1);
    expect(await balanceOf(tenant)).toBe(-30_000_000n);
  });

  test('after months away closes every cycle in between, and goes on without use', async () => {
    const tenant = await addBilled({ billing_mode: 'POSTPAID' });
    await move(tenant, 'CORRECTION', -7n, '2024-11-01');
    await closeAt('2025-03-01T12:00:00Z');
    const found = await statementsOf(tenant);
    expect(found.map(({ cycle_start, due_on }) => [cycle_start, due_on])).toEqual([
      ['2024-11-01', '2025-03-10'],
      ['2024-12-01', '2025-03-10'],
      ['2025-01-01', '2025-03-10'],
      ['2025-02-01', '2025-03-10'],
    ]);
    expect(new Set(found.map(({ closing_balance_micros }) => closing_balance_micros))).toEqual(
      new Set([-7n]),
    );
  });

  test('of a subscriber that never had anything is none', async () => {
    const tenant = await addBilled({ billing_mode: 'POSTPAID' });
    await closeAt('2025-04-02T12:00:00Z');
    expect(await statementsOf(tenant)).toEqual([]);
  });

  test('asks nobody for money who pays before', async () => {
    const tenant = await addBilled({ billing_mode: 'PREPAID' });
    await move(tenant, 'CORRECTION', 5n, '2025-03-01');
    await closeAt('2025-04-02T12:00:00Z');
    expect((await statementsOf(tenant)).map(({ due_micros }) => due_micros)).toEqual([0n]);
  });

  test('a call across the turn is on both statements with its parts, and one settled late on the next', async () => {
    const { db } = database();
    const tenant = await addBilled({ billing_mode: 'POSTPAID' });
    await settleCalls(db, [
      callOf(tenant, [
        { cycle_start: '2025-03-01', bundle_seconds: 0, total_micros: 10_000n },
        { cycle_start: '2025-04-01', bundle_seconds: 0, total_micros: 3_000n },
      ]),
    ]);
    await closeAt('2025-04-01T12:00:00Z');
    await settleCalls(db, [
      callOf(tenant, [{ cycle_start: '2025-03-01', bundle_seconds: 0, total_micros: 500n, paid_seconds: 1 }]),
    ]);
    await closeAt('2025-05-01T12:00:00Z');
    const [march, april] = await statementsOf(tenant);
    const usage = [march, april].map((one) => (one?.lines as { usage: object[] } | undefined)?.usage[0]);
    expect(usage).toMatchObject([
      { calls: 1, paid_seconds: 10, amount_micros: '10000' },
      { calls: 2, paid_seconds: 4, amount_micros: '3500' },
    ]);
    expect(await proveLedger(db)).toEqual([]);
  });
});

describe('who owes past the last day', () => {
  /** Owes R$ 10 of March, due on April 10, last day April 20. */
  async function addDebtor(): Promise<Tenant> {
    const tenant = await addBilled({ billing_mode: 'POSTPAID' });
    await move(tenant, 'CORRECTION', -10_000_000n, '2025-03-01');
    await closeAt('2025-04-01T12:00:00Z');
    return tenant;
  }
  const BLOCKED = { status: 'BLOCKED', blocked_reason: 'OVERDUE' };
  const ACTIVE = { status: 'ACTIVE', blocked_reason: null };

  test('is blocked on the day after, not on the last one, and written down as done by the system', async () => {
    const tenant = await addDebtor();
    await blockAt('2025-04-20T23:59:59-03:00');
    expect(await statusOf(tenant)).toEqual(ACTIVE);
    await blockAt('2025-04-21T00:00:00-03:00');
    expect(await statusOf(tenant)).toEqual(BLOCKED);
    expect(await blockAt('2025-04-21T00:00:00-03:00')).toBe(0);
    const { rows } = await database().pool.query(
      "select actor ->> 'kind' as kind, after from audit_log where object_type = 'subscribers' and object_id = $1 and action = 'UPDATE'",
      [tenant.subscriber_id],
    );
    expect(rows).toMatchObject([{ kind: 'SYSTEM', after: { status: 'BLOCKED', blocked_reason: 'OVERDUE' } }]);
  });

  const payments: [string, (tenant: Tenant) => Promise<unknown>, object][] = [
    ['all of it, before the closing', (t) => move(t, 'TOP_UP', 10_000_000n, '2025-04-01'), ACTIVE],
    ['all of it as a correction', (t) => move(t, 'CORRECTION', 10_000_000n, '2025-04-01'), ACTIVE],
    ['all of it from somebody else', (t) => move(t, 'TRANSFER', 10_000_000n, '2025-04-01'), ACTIVE],
    ['one micro less', (t) => move(t, 'TOP_UP', 9_999_999n, '2025-04-01'), BLOCKED],
    [
      'and took it away again',
      async (t) => {
        await move(t, 'TOP_UP', 10_000_000n, '2025-04-01');
        await move(t, 'TRANSFER', -10_000_000n, '2025-04-01');
      },
      ACTIVE,
    ],
  ];
  test.each(payments)('but paid %s', async (_, pay, state) => {
    const tenant = await addDebtor();
    await pay(tenant);
    await blockAt('2025-04-21T12:00:00Z');
    expect(await statusOf(tenant)).toEqual(state);
  });

  test('paid in the new cycle before the old one was closed: that counts', async () => {
    const tenant = await addBilled({ billing_mode: 'POSTPAID' });
    await move(tenant, 'CORRECTION', -10_000_000n, '2025-03-01');
    await move(tenant, 'TOP_UP', 10_000_000n, '2025-04-01');
    await closeAt('2025-04-01T12:00:00Z');
    expect((await statementsOf(tenant))[0]).toMatchObject({ due_micros: 10_000_000n });
    await blockAt('2025-04-21T12:00:00Z');
    expect(await statusOf(tenant)).toEqual(ACTIVE);
  });

  test('is let go by the payment that pays it off, and only where it was blocked for owing', async () => {
    const [tenant, byHand] = [await addDebtor(), await addDebtor()];
    const { db } = database();
    await sql`update subscribers set status = 'BLOCKED' where id = ${byHand.subscriber_id}`.execute(db);
    await blockAt('2025-04-21T12:00:00Z');
    for (const { subscriber_id } of [tenant, byHand]) {
      await topUp(db, { role: 'MASTER' }, subscriber_id, 9_999_999n, 'pix 1');
    }
    expect(await statusOf(tenant)).toEqual(BLOCKED);
    for (const { subscriber_id } of [tenant, byHand])
      await topUp(db, { role: 'MASTER' }, subscriber_id, 1n, 'pix 2');
    expect(await statusOf(tenant)).toEqual(ACTIVE);
    expect(await statusOf(byHand)).toEqual({ status: 'BLOCKED', blocked_reason: null });
  });

  test('stays blocked while a later statement is overdue too', async () => {
    const tenant = await addDebtor();
    await move(tenant, 'CORRECTION', -5_000_000n, '2025-04-01');
    await closeAt('2025-05-01T12:00:00Z');
    await blockAt('2025-05-21T12:00:00Z');
    const { db } = database();
    await topUp(db, { role: 'MASTER' }, tenant.subscriber_id, 10_000_000n, 'pix 1');
    expect(await statusOf(tenant)).toEqual(BLOCKED);
    await topUp(db, { role: 'MASTER' }, tenant.subscriber_id, 5_000_000n, 'pix 2');
    expect(await statusOf(tenant)).toEqual(ACTIVE);
  });

  test('and is blocked while the payment is under way is never left blocked', async () => {
    const debtor = await addDebtor();
    const { db, pool } = database();
    const waiting = async () => {
      const { rows } = await pool.query(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      return rows.length > 0;
    };
    const blocked = await db.transaction().execute(async (tx) => {
      await topUpAs(tx, { role: 'MASTER' }, 'ana', debtor.subscriber_id, 10_000_000n, 'pix');
      let ended = false;
      const block = blockAt('2025-04-21T12:00:00Z').finally(() => {
        ended = true;
      });
      await expect.poll(async () => ended || (await waiting())).toBe(true);
      return { block };
    });
    await blocked.block;
    expect(await statusOf(debtor)).toEqual(ACTIVE);
  });
});
