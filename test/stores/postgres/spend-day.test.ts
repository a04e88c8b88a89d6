import { expect, test } from 'vitest';
import { proveLedger } from '../../../src/stores/postgres/prove-ledger.ts';
import { settleCalls } from '../../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../../src/stores/postgres/wallets.ts';
import { addTenant, BY_THE_SECOND, billedRecord, CYCLE, type Tenant, useDatabase } from './use-tenants.ts';

const database = useDatabase();

/** A call of so many paid seconds that ended at this moment. */
const endedAt = (tenant: Tenant, ended_at: string, paid_seconds: number) =>
  billedRecord(
    tenant,
    { talk_ms: paid_seconds * 1000, grant: { bundle_seconds: 0, paid_seconds } },
    { ended_at: new Date(ended_at) },
  );

const micros = (seconds: number) => (BigInt(seconds) * BY_THE_SECOND.price_micros_per_minute) / 60n;

test('a wallet tells what the calls of the latest day cost, each on the day in São Paulo on which it ended', async () => {
  const { db } = database();
  const tenant = await addTenant(db, { billing_mode: 'POSTPAID' });
  await openWallet(db, tenant, CYCLE);
  const settle = async (...calls: [ended_at: string, seconds: number][]) => {
    const records = calls.map(([ended_at, seconds]) => endedAt(tenant, ended_at, seconds));
    const { wallets } = await settleCalls(db, [...records, ...records]);
    // Once more changes nothing.
    await settleCalls(db, records);
    expect(await proveLedger(db)).toEqual([]);
    const { spend_day, spent_micros } = wallets.get(tenant.subscriber_id) ?? {};
    return [spend_day, spent_micros];
  };
  expect(await settle(['2026-11-10T12:00:00Z', 60])).toEqual(['2026-11-10', micros(60)]);
  // 23:59:59 there.
  expect(await settle(['2026-11-11T02:59:59Z', 30])).toEqual(['2026-11-10', micros(90)]);
  expect(await settle(['2026-11-11T02:59:59Z', 6], ['2026-11-11T03:00:00Z', 12])).toEqual([
    '2026-11-11',
    micros(12),
  ]);
  // Settled late: it is no money of the latest day.
  expect(await settle(['2026-11-10T12:00:00Z', 600])).toEqual(['2026-11-11', micros(12)]);
  expect(
    await settle(['2026-11-12T15:00:00Z', 1], ['2026-11-11T15:00:00Z', 2], ['2026-11-12T16:00:00Z', 4]),
  ).toEqual(['2026-11-12', micros(5)]);
});
