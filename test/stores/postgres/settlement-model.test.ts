import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addSubscriber } from '../../../dev/world/tenants.ts';
import type { BundleSlot } from '../../../src/domain/call-class.ts';
import type { Grant } from '../../../src/domain/charge.ts';
import { proveLedger } from '../../../src/stores/postgres/prove-ledger.ts';
import { readResellerWallet } from '../../../src/stores/postgres/reseller-wallets.ts';
import { type CallRecord, settleCalls } from '../../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../../src/stores/postgres/wallets.ts';
import {
  accountsOf,
  addTenant,
  BY_THE_SECOND,
  billedRecord,
  foundRate,
  type Tenant,
  useDatabase,
} from './use-tenants.ts';

/*
 * Random calls in random batches against arithmetic that knows nothing of ledgers: all by the second, at 1,000 micros
 * for the subscriber, 700 for its reseller and 300 for the carrier.
 */

const database = useDatabase();
const CYCLES = ['2026-09-01', '2026-10-01', '2026-11-01', '2026-12-01'] as const;
const INCLUDED: Readonly<Partial<Record<BundleSlot, number>>> = { FIXED_LOCAL: 40_000, MOBILE_LOCAL: 300 };
const SALE = BY_THE_SECOND;
const WHOLESALE = foundRate(42_000n, [1, 1, 0]);
const CARRIER = foundRate(18_000n, [1, 1, 0]);
const TRUNK = '00000000-0000-4000-8000-00000000000a';

/** Two resellers with two subscribers each, all their cycles open. */
async function addTown(): Promise<Tenant[]> {
  const { db } = database();
  const options = { billing_mode: 'BUNDLE', bundles: INCLUDED } as const;
  const tenants: Tenant[] = [];
  for (let i = 0; i < 2; i += 1) {
    const first = await addTenant(db, options);
    const { reseller_id, server_id } = first;
    const second = await addSubscriber(db, { reseller_id, server_id }, options);
    const { line_id } = await second.addLine();
    tenants.push(first, { ...first, subscriber_id: second.id, line_id });
  }
  for (const tenant of tenants) for (const cycle of CYCLES) await openWallet(db, tenant, cycle);
  return tenants;
}

interface Drawn {
  readonly who: number;
  readonly cycle: number;
  readonly slot: BundleSlot | null;
  /** Minutes and money, before the turn and after it; null: the cycle does not turn. */
  readonly before: readonly [number, number];
  readonly after: readonly [number, number] | null;
  readonly bought: boolean;
  readonly carried: boolean;
}

const seconds = fc.nat(60);
const pair = fc.tuple(seconds, seconds);
const drawn: fc.Arbitrary<Drawn> = fc.record({
  who: fc.nat(3),
  cycle: fc.nat(2),
  slot: fc.constantFrom('FIXED_LOCAL', null),
  before: pair,
  after: fc.option(pair),
  bought: fc.boolean(),
  carried: fc.boolean(),
});

/** Without a slot no minutes are granted: there are none to take. */
const without = ([bundle, paid]: readonly [number, number], slot: BundleSlot | null): [number, number] =>
  slot ? [bundle, paid] : [0, bundle + paid];

function recordOf(tenant: Tenant, call: Drawn): CallRecord {
  const before = without(call.before, call.slot);
  const after = call.after && without(call.after, call.slot);
  const grant: Grant = {
    bundle_seconds: before[0],
    paid_seconds: before[1],
    ...(after && {
      after_turn: { turn_seconds: before[0] + before[1], bundle_seconds: after[0], paid_seconds: after[1] },
    }),
  };
  const talked = [...before, ...(after ?? [])].reduce((sum, each) => sum + each, 0);
  const ended = {
    talk_ms: talked * 1000,
    grant,
    bundle_slot: call.slot,
    rate: SALE,
    wholesale: call.bought ? WHOLESALE : null,
    cost: call.carried ? CARRIER : null,
    cycles: [CYCLES[call.cycle] ?? '', CYCLES[call.cycle + 1] ?? ''] as const,
  };
  return billedRecord(tenant, ended, { trunk_id: call.carried ? TRUNK : null });
}

/** What each has paid so far, and the minutes it used by cycle. */
interface Model {
  readonly money: number[];
  readonly used: Map<string, number>[];
  readonly wholesale: Map<string, number>;
  carrier: number;
}

function take(model: Model, tenant: Tenant, call: Drawn): void {
  const parts = [call.before, ...(call.after ? [call.after] : [])].map((part) => without(part, call.slot));
  let talked = 0;
  parts.forEach(([bundle, paid], index) => {
    const cycle = CYCLES[call.cycle + index] ?? '';
    model.money[call.who] = (model.money[call.who] ?? 0) - paid * 1_000;
    const used = model.used[call.who];
    used?.set(cycle, (used.get(cycle) ?? 0) + bundle);
    talked += bundle + paid;
  });
  const bought = model.wholesale.get(tenant.reseller_id) ?? 0;
  if (call.bought) model.wholesale.set(tenant.reseller_id, bought - talked * 700);
  if (call.carried) model.carrier += talked * 300;
}

test('whatever is settled in whatever batches, wallets, minutes and ledger are plain arithmetic', async () => {
  const { db } = database();
  const tenants = await addTown();
  const model: Model = {
    money: tenants.map(() => 0),
    used: tenants.map(() => new Map()),
    wholesale: new Map(),
    carrier: 0,
  };

  async function expectModel(): Promise<void> {
    for (const [who, tenant] of tenants.entries()) {
      const { wallet, ledger } = await accountsOf(db, tenant);
      const minutes = Object.fromEntries(
        CYCLES.map((cycle) => [
          cycle,
          { ...INCLUDED, FIXED_LOCAL: 40_000 - (model.used[who]?.get(cycle) ?? 0) },
        ]),
      );
      expect(wallet).toEqual({ money: model.money[who], minutes });
      expect(ledger).toEqual(wallet);
      const reseller = await readResellerWallet(db, tenant.reseller_id);
      expect(Number(reseller.balance_micros)).toBe(model.wholesale.get(tenant.reseller_id) ?? 0);
    }
    const { owed } = await db
      .selectFrom('ledger_entries')
      .select((e) => e.fn.coalesce(e.fn.sum<string>('amount'), e.val('0')).as('owed'))
      .where('account', '=', `trunk:${TRUNK}:payable`)
      .executeTakeFirstOrThrow();
    expect(Number(owed)).toBe(0 - model.carrier);
    expect(await proveLedger(db)).toEqual([]);
  }

  // Each batch is a list of calls; `again` adds some of an earlier batch to it, which must change nothing.
  const batches = fc.array(fc.record({ calls: fc.array(drawn, { maxLength: 8 }), again: fc.nat(3) }), {
    minLength: 1,
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(batches, fc.boolean(), async (some, atOnce) => {
      const settled: CallRecord[] = [];
      const made = some.map(({ calls, again }) => {
        const records = calls.map((call) => {
          const tenant = tenants[call.who] as Tenant;
          take(model, tenant, call);
          return recordOf(tenant, call);
        });
        const batch = [...records, ...records.slice(0, again), ...settled.slice(-again)];
        settled.push(...records);
        return batch;
      });
      const settle = (batch: CallRecord[]) => (batch.length > 0 ? settleCalls(db, batch) : undefined);
      if (atOnce) await Promise.all(made.map(settle));
      else for (const batch of made) await settle(batch);
      await expectModel();
    }),
    { numRuns: 25, endOnFailure: true },
  );
});
