import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { cycleStart } from '../../../src/domain/cycle.ts';
import { proveLedger } from '../../../src/stores/postgres/prove-ledger.ts';
import { settleCalls } from '../../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../../src/stores/postgres/wallets.ts';
import { callOf } from './billed-calls.ts';
import { useBilled } from './use-billed.ts';
import { type Tenant, useDatabase } from './use-tenants.ts';

const database = useDatabase();
const { closeAt, addBilled, statementsOf, balanceOf, move } = useBilled(database);

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
