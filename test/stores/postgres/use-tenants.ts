import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, inject } from 'vitest';
import { createDatabase, type Database } from '../../../dev/world/database.ts';
import { addReseller, addSubscriber, type SubscriberOptions } from '../../../dev/world/tenants.ts';
import { billCall, type CallRates } from '../../../src/domain/bill.ts';
import type { BundleSlot } from '../../../src/domain/call-class.ts';
import type { Grant } from '../../../src/domain/charge.ts';
import type { Payer } from '../../../src/domain/ledger.ts';
import type { FoundRate } from '../../../src/domain/rate-table.ts';
import { billColumns } from '../../../src/stores/postgres/call-record.ts';
import type { Db } from '../../../src/stores/postgres/connect.ts';
import type { CallRecord } from '../../../src/stores/postgres/settlements.ts';
import { topUpWallet as topUpInside } from '../../../src/stores/postgres/top-ups.ts';

/** A migrated database of its own for the tests of one file. */
export function useDatabase(): () => Database {
  let database: Database | null = null;
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'));
  });
  afterAll(() => database?.close());
  return () => {
    if (!database) throw new Error('the database is not there yet');
    return database;
  };
}

/** A top-up in a transaction of its own. */
export function topUpWallet(db: Db, payer: Payer, amount: bigint, reference: string, author: string) {
  return db.transaction().execute((tx) => topUpInside(tx, payer, amount, reference, author));
}

export async function addServer(db: Db): Promise<string> {
  const name = `s${randomUUID().slice(0, 8)}`;
  const token_sha256 = createHash('sha256').update(name).digest();
  const address = { ari_url: 'http://127.0.0.1:1', ami_host: '127.0.0.1', ami_port: 1 };
  const { id } = await db
    .insertInto('asterisk_servers')
    .values({ name, token_sha256, ...address })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

export interface Tenant extends Payer {
  readonly server_id: string;
  readonly sales_plan_id: string;
  readonly line_id: string;
  readonly username: string;
}

/** A subscriber with a line, on a server and of a reseller of their own. */
export async function addTenant(
  db: Db,
  options: SubscriberOptions = { billing_mode: 'POSTPAID' },
): Promise<Tenant> {
  const [server_id, reseller_id] = [await addServer(db), await addReseller(db)];
  const subscriber = await addSubscriber(db, { server_id, reseller_id }, options);
  const { line_id, username } = await subscriber.addLine();
  const { sales_plan_id } = await db
    .selectFrom('subscribers')
    .select('sales_plan_id')
    .where('id', '=', subscriber.id)
    .executeTakeFirstOrThrow();
  return { subscriber_id: subscriber.id, reseller_id, server_id, sales_plan_id, line_id, username };
}

/** First day of the cycle that the records of these tests are of, and of the one after it. */
export const CYCLE = '2026-11-01';
export const NEXT_CYCLE = '2026-12-01';

/** A rate of a class, as a version of prices has it. `cadence`: initial, increment and free threshold, in seconds. */
export function foundRate(
  price_micros_per_minute: bigint,
  [initial_seconds, increment_seconds, free_threshold_seconds]: readonly [number, number, number],
): FoundRate {
  const cadence = { initial_seconds, increment_seconds, free_threshold_seconds };
  const found = { version_id: '00000000-0000-4000-8000-000000000001', prefix: null, locality: null };
  return { price_micros_per_minute, cadence, ...found, kind: null };
}

/** R$ 0,10 a minute at 30/6/3, and R$ 0,06 by the second: 1,000 micros each. */
export const BY_TENTHS = foundRate(100_000n, [30, 6, 3]);
export const BY_THE_SECOND = foundRate(60_000n, [1, 1, 0]);

export interface EndedCall extends Partial<CallRates> {
  readonly talk_ms: number;
  readonly grant: Grant;
  readonly bundle_slot?: BundleSlot | null;
  readonly cycles?: readonly [began: string, next: string];
}

/** Record of an ended call of this tenant with the bill of its talk, at R$ 0,06 by the second unless told otherwise. */
export function billedRecord(tenant: Tenant, ended: EndedCall, more: Partial<CallRecord> = {}): CallRecord {
  const { username: _, ...ids } = tenant;
  const { talk_ms, grant, bundle_slot = null, cycles = [CYCLE, NEXT_CYCLE] } = ended;
  const { rate = BY_THE_SECOND, wholesale = null, cost = null } = ended;
  const rates = { rate, wholesale, cost };
  const record: CallRecord = {
    id: randomUUID(),
    ...ids,
    trunk_id: null,
    dialled: '1133334444',
    number: '+551133334444',
    call_class: 'FIXED_LOCAL',
    csp: null,
    direction: 'OUT',
    caller_number: null,
    forwarded_from: null,
    ring_group_id: null,
    created_at: new Date('2026-11-10T12:00:00Z'),
    ringing_at: null,
    answered_at: new Date('2026-11-10T12:00:05Z'),
    ended_at: new Date('2026-11-10T12:00:40Z'),
    talk_ms,
    ...billColumns(rates, grant, billCall(talk_ms, rates, grant, cycles)),
    bundle_slot,
    area_code: '11',
    billing_mode: 'POSTPAID',
    claims: [{ level: 'LINE', direction: 'TOTAL', limit: 50 }],
    loss: false,
    end_reason: 'HANGUP',
    q850: 16,
  };
  return { ...record, ...more };
}

/** Record of an ended call of this tenant: 36 s for money, unless told otherwise. Its one part is all of it. */
export function recordOf(tenant: Tenant, more: Partial<CallRecord> = {}): CallRecord {
  const grant = { bundle_seconds: 0, paid_seconds: 60 };
  const record = billedRecord(tenant, { talk_ms: 35_000, rate: BY_TENTHS, grant }, more);
  const { bundle_seconds, paid_seconds, total_micros } = record;
  const whole = { bundle_seconds, paid_seconds, total_micros: total_micros.toString() };
  return { ...record, parts: more.parts ?? record.parts.map((part) => ({ ...part, ...whole })) };
}

/** The same with these seconds out of the minutes and these for money, at R$ 0,06 a minute: 1,000 micros a second. */
export function splitRecord(tenant: Tenant, bundle_seconds: number, paid_seconds: number): CallRecord {
  const talk_ms = (bundle_seconds + paid_seconds) * 1000;
  return billedRecord(tenant, {
    talk_ms,
    grant: { bundle_seconds, paid_seconds },
    bundle_slot: 'FIXED_LOCAL',
  });
}

type Minutes = Record<string, Partial<Record<BundleSlot, number>>>;

/** Seconds by cycle and slot. */
function byCycle(rows: readonly { slot: string; cycle_start: string; seconds: number }[]): Minutes {
  const minutes: Minutes = {};
  for (const { slot, cycle_start, seconds } of rows)
    minutes[cycle_start] = { ...minutes[cycle_start], [slot]: seconds };
  return minutes;
}

/** Balance and minutes by cycle of a payer, as the wallet has them and as the entries of the ledger add up to. */
export async function accountsOf(db: Db, payer: Payer) {
  const entries = await db
    .selectFrom('ledger_entries')
    .select(['account', (e) => e.fn.sum<string>('amount').as('sum')])
    .where('account', 'like', `subscriber:${payer.subscriber_id}:%`)
    .groupBy('account')
    .execute();
  const sums = entries.map(({ account, sum }) => [account.split(':').slice(2), Number(sum)] as const);
  const wallet = await db
    .selectFrom('wallets')
    .select(['balance_micros', 'version'])
    .where('subscriber_id', '=', payer.subscriber_id)
    .executeTakeFirst();
  const slots = await db
    .selectFrom('bundle_allocations')
    .select(['slot', 'cycle_start', 'left_seconds as seconds'])
    .where('subscriber_id', '=', payer.subscriber_id)
    .execute();
  return {
    version: wallet?.version ?? 0n,
    wallet: { money: Number(wallet?.balance_micros ?? 0n), minutes: byCycle(slots) },
    ledger: {
      money: sums.find(([[name]]) => name === 'money')?.[1] ?? 0,
      minutes: byCycle(
        sums.flatMap(([[name, slot = '', cycle_start = ''], seconds]) =>
          name === 'seconds' ? [{ slot, cycle_start, seconds }] : [],
        ),
      ),
    },
  };
}

/** Movements of a payer, the oldest first. */
export function movementsOf(db: Db, payer: Payer) {
  return db
    .selectFrom('ledger_movements')
    .select([
      'id',
      'reseller_id',
      'kind',
      'reference',
      'leg',
      'sequence',
      'cycle_start',
      'author',
      'wallet_version',
    ])
    .where('subscriber_id', '=', payer.subscriber_id)
    .orderBy('id')
    .execute();
}
