import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { blockOverdue, closeCycles } from '../../../src/admin/close-cycle.ts';
import { topUp } from '../../../src/admin/top-up.ts';
import { cycleStart } from '../../../src/domain/cycle.ts';
import { correctionEntries, topUpEntries, transferEntries } from '../../../src/domain/ledger.ts';
import { proveLedger } from '../../../src/stores/postgres/prove-ledger.ts';
import { settleCalls } from '../../../src/stores/postgres/settlements.ts';
import { type MoneyMove, moveMoney, openWallet, type Wallet } from '../../../src/stores/postgres/wallets.ts';
import { callOf } from './billed-calls.ts';
import { addTenant, type Tenant, useDatabase } from './use-tenants.ts';

const database = useDatabase();
const LOG = { info() {}, error: (fields: object) => expect.fail(JSON.stringify(fields)) };

const told: Wallet[] = [];
const closeAt = (at: string | Date) =>
  closeCycles(database().db, new Date(at), LOG, (wallet) => void told.push(wallet));
const blockAt = (at: string) => blockOverdue(database().db, new Date(at), LOG);

async function addBilled(
  more: { readonly billing_mode?: 'PREPAID' | 'POSTPAID' | 'BUNDLE'; readonly price?: bigint } = {},
): Promise<Tenant> {
  const { db } = database();
  const { billing_mode = 'BUNDLE', price } = more;
  const bundles = price === undefined ? {} : { FIXED_LOCAL: 600 };
  const tenant = await addTenant(db, { billing_mode, bundles });
  if (price !== undefined)
    await db
      .updateTable('minute_bundles')
      .set({ monthly_price_micros: price, name: 'Franquia 10' })
      .where('reseller_id', '=', tenant.reseller_id)
      .execute();
  return tenant;
}

const statementsOf = ({ subscriber_id }: Tenant) =>
  database()
    .db.selectFrom('statements')
    .selectAll()
    .where('subscriber_id', '=', subscriber_id)
    .orderBy('cycle_start')
    .execute();

const statusOf = ({ subscriber_id }: Tenant) =>
  database()
    .db.selectFrom('subscribers')
    .select(['status', 'blocked_reason'])
    .where('id', '=', subscriber_id)
    .executeTakeFirstOrThrow();

const balanceOf = async ({ subscriber_id }: Tenant) =>
  (
    await database()
      .db.selectFrom('wallets')
      .select('balance_micros')
      .where('subscriber_id', '=', subscriber_id)
      .executeTakeFirst()
  )?.balance_micros ?? 0n;

let serial = 0;
function move(
  tenant: Tenant,
  kind: 'TOP_UP' | 'CORRECTION' | 'TRANSFER',
  amount: bigint,
  cycle_start: string,
) {
  const entries = { TOP_UP: topUpEntries, CORRECTION: correctionEntries, TRANSFER: transferEntries }[kind](
    tenant,
    amount,
  );
  const holder = { subscriber_id: tenant.subscriber_id, reseller_id: tenant.reseller_id };
  const reference = `test ${++serial}`;
  const made: MoneyMove = {
    ...{ holder, kind, amount, reference, leg: 'x', author: 'ana', reason: 'acerto', entries, cycle_start },
  };
  return database()
    .db.transaction()
    .execute((tx) => moveMoney(tx, made));
}

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

  test('a payment and the block at once: whoever pays in time is never left blocked', async () => {
    const debtors = await Promise.all(Array.from({ length: 10 }, addDebtor));
    const { db } = database();
    await Promise.all([
      blockAt('2025-04-21T12:00:00Z'),
      ...debtors.map(({ subscriber_id }) => topUp(db, { role: 'MASTER' }, subscriber_id, 10_000_000n, 'pix')),
    ]);
    for (const debtor of debtors) expect(await statusOf(debtor)).toEqual(ACTIVE);
  });
});

describe('whatever happens and whenever it is closed', () => {
  const KINDS = ['TOP_UP', 'CORRECTION', 'TRANSFER', 'CALL'] as const;
  type Step =
    | { readonly do: 'wait'; readonly days: number }
    | { readonly do: 'money'; readonly kind: (typeof KINDS)[number]; readonly late: boolean }
    | { readonly do: 'open' }
    | { readonly do: 'close' }
    | { readonly do: 'cycle day'; readonly day: number };
  const steps: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 25 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('money' as const),
        kind: fc.constantFrom(...KINDS),
        late: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.constantFrom({ do: 'open' as const }, { do: 'close' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('cycle day' as const), day: fc.integer({ min: 1, max: 31 }) }),
    },
  );

  /** Amounts of a kind are powers of two, so that a sum says which movements are in it. */
  const bitsOf = (sum: bigint) =>
    [...(sum < 0n ? -sum : sum).toString(2)].reverse().flatMap((bit, n) => (bit === '1' ? [n] : []));

  async function live(tenant: Tenant, script: readonly Step[]) {
    const { db } = database();
    const count = { TOP_UP: 0, CORRECTION: 0, TRANSFER: 0, CALL: 0 };
    let [now, cycle_day] = [new Date('2023-01-10T15:00:00Z'), 1];
    for (const step of script) {
      const cycle = cycleStart(cycle_day, now);
      if (step.do === 'wait') now = new Date(now.getTime() + step.days * 86_400_000);
      else if (step.do === 'open') await openWallet(db, tenant, cycle);
      else if (step.do === 'close') await closeAt(now);
      else if (step.do === 'cycle day') {
        cycle_day = step.day;
        await sql`update subscribers set cycle_day = ${cycle_day} where id = ${tenant.subscriber_id}`.execute(
          db,
        );
      } else {
        const amount = 2n ** BigInt(count[step.kind]++);
        const at = step.late ? cycleStart(cycle_day, new Date(now.getTime() - 31 * 86_400_000)) : cycle;
        if (step.kind === 'CALL')
          await settleCalls(db, [
            callOf(tenant, [{ cycle_start: at, bundle_seconds: 0, total_micros: amount, paid_seconds: 1 }]),
          ]);
        else await move(tenant, step.kind, amount, at);
      }
    }
    return { count, ended_ms: now.getTime() };
  }

  test('every movement is on exactly one statement, balances chain, and nothing is left over', async () => {
    const { db } = database();
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 30 }), async (script) => {
        const tenant = await addBilled({ price: 1_000_000n });
        const { count, ended_ms } = await live(tenant, script);
        const before = await statementsOf(tenant);
        const sumOf = (rows: typeof before, kind: string) =>
          rows.flatMap(({ lines }) =>
            (lines as { totals: { kind: string; amount_micros: string }[] }).totals
              .filter((line) => line.kind === kind)
              .map((line) => BigInt(line.amount_micros)),
          );
        // What is on no statement yet is what the wallet has beyond the last closing.
        const open = KINDS.map((kind) => {
          const seen = sumOf(before, kind).reduce((sum, one) => sum + one, 0n);
          return (kind === 'CALL' ? -1n : 1n) * (2n ** BigInt(count[kind]) - 1n) - seen;
        });
        const closed = before.at(-1)?.closing_balance_micros ?? 0n;
        expect(await balanceOf(tenant)).toBe(closed + open.reduce((sum, one) => sum + one, 0n));

        await closeAt(new Date(ended_ms + 70 * 86_400_000));
        const after = await statementsOf(tenant);
        for (const kind of KINDS) {
          const seen = sumOf(after, kind).flatMap(bitsOf);
          expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: count[kind] }, (_, n) => n));
        }
        expect(after.at(-1)?.closing_balance_micros ?? 0n).toBe(await balanceOf(tenant));
      }),
      { numRuns: 30 },
    );
    expect(await proveLedger(db)).toEqual([]);
  }, 120_000);
});

describe('the proofs of statements', () => {
  const forged: [string, string, string][] = [
    ['a balance', 'opening_balance_micros = opening_balance_micros + 1', 'does not go on where'],
    ['a closing', 'closing_balance_micros = closing_balance_micros - 1', 'differs from the movements'],
    ['a line', "lines = jsonb_set(lines, '{totals,0,amount_micros}', '\"1\"')", 'do not add up'],
    [
      'usage',
      'lines = jsonb_set(lines, \'{usage}\', \'[{"amount_micros": "1"}]\')',
      'the usage on a statement',
    ],
    ['what is due', 'due_micros = due_micros + 1', 'asks for other than what is owed'],
    ['a period', 'cycle_start = cycle_start + 1', 'does not go on where'],
  ];
  test.each(forged)('see a forged %s', async (_, change, what) => {
    const { db, pool } = database();
    const tenant = await addBilled({ billing_mode: 'POSTPAID' });
    await move(tenant, 'CORRECTION', -10_000_000n, '2025-02-01');
    await closeAt('2025-04-01T12:00:00Z');
    const second = (await statementsOf(tenant)).at(change.includes('totals') ? 0 : 1);
    await pool.query(`update statements set ${change} where id = $1`, [second?.id]);
    const found = await proveLedger(db);
    await pool.query('delete from statements where subscriber_id = $1', [tenant.subscriber_id]);
    expect(found.map((one) => one.what).join()).toContain(what);
  });

  test('see a fee that was never charged', async () => {
    const { db } = database();
    const tenant = await addBilled({ price: 1_000_000n });
    await openWallet(db, tenant, '2025-03-01');
    await closeAt('2025-04-01T12:00:00Z');
    await sql`update bundle_allocations set monthly_price_micros = 2 where subscriber_id = ${tenant.subscriber_id}`.execute(
      db,
    );
    expect((await proveLedger(db)).map(({ what }) => what)).toEqual([
      'a franquia of a closed cycle was charged other than its monthly price',
    ]);
  });
});
