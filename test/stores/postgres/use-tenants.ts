import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, inject } from 'vitest';
import { createDatabase, type Database } from '../../../dev/world/database.ts';
import { addReseller, addSubscriber, type SubscriberOptions } from '../../../dev/world/tenants.ts';
import type { Payer } from '../../../src/domain/ledger.ts';
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

/** Record of an ended call of this tenant: 36 s for money, unless told otherwise. */
export function recordOf(tenant: Tenant, more: Partial<CallRecord> = {}): CallRecord {
  const { username: _, ...ids } = tenant;
  return {
    id: randomUUID(),
    ...ids,
    trunk_id: null,
    dialled: '1133334444',
    number: '+551133334444',
    call_class: 'FIXED_LOCAL',
    csp: null,
    created_at: new Date('2026-11-10T12:00:00Z'),
    ringing_at: null,
    answered_at: new Date('2026-11-10T12:00:05Z'),
    ended_at: new Date('2026-11-10T12:00:40Z'),
    talk_ms: 35_000,
    billed_seconds: 36,
    bundle_slot: null,
    bundle_seconds: 0,
    paid_seconds: 36,
    total_micros: 60_000n,
    price_micros_per_minute: 100_000n,
    cadence: '30/6/3',
    granted_seconds: 60,
    end_reason: 'HANGUP',
    q850: 16,
    ...more,
  };
}

/** The same with these seconds out of the minutes and these for money, at R$ 0,06 a minute: 1,000 micros a second. */
export function splitRecord(tenant: Tenant, bundle_seconds: number, paid_seconds: number): CallRecord {
  const billed_seconds = bundle_seconds + paid_seconds;
  return recordOf(tenant, {
    bundle_slot: 'FIXED_LOCAL',
    billed_seconds,
    granted_seconds: billed_seconds,
    bundle_seconds,
    paid_seconds,
    total_micros: BigInt(paid_seconds) * 1_000n,
    price_micros_per_minute: 60_000n,
  });
}

/** Balance and minutes of a payer, as the wallet has them and as the entries of the ledger add up to. */
export async function accountsOf(db: Db, payer: Payer) {
  const entries = await db
    .selectFrom('ledger_entries')
    .select(['account', (e) => e.fn.sum<string>('amount').as('sum')])
    .where('account', 'like', `subscriber:${payer.subscriber_id}:%`)
    .groupBy('account')
    .execute();
  const sums = new Map(
    entries.map(({ account, sum }) => [account.split(':').slice(2).join(':'), Number(sum)]),
  );
  const wallet = await db
    .selectFrom('wallets')
    .select(['balance_micros', 'version'])
    .where('subscriber_id', '=', payer.subscriber_id)
    .executeTakeFirst();
  const slots = await db
    .selectFrom('wallet_slots')
    .select(['slot', 'left_seconds'])
    .where('subscriber_id', '=', payer.subscriber_id)
    .orderBy('slot')
    .execute();
  return {
    version: wallet?.version ?? 0n,
    wallet: {
      money: Number(wallet?.balance_micros ?? 0n),
      minutes: Object.fromEntries(slots.map(({ slot, left_seconds }) => [slot, left_seconds])),
    },
    ledger: {
      money: sums.get('money') ?? 0,
      minutes: Object.fromEntries(
        [...sums].flatMap(([name, sum]) => (name === 'money' ? [] : [[name.replace('seconds:', ''), sum]])),
      ),
    },
  };
}

/** Movements of a payer, the oldest first, each with its entries. */
export function movementsOf(db: Db, payer: Payer) {
  return db
    .selectFrom('ledger_movements')
    .select(['id', 'kind', 'reference', 'leg', 'sequence', 'author', 'wallet_version'])
    .where('subscriber_id', '=', payer.subscriber_id)
    .orderBy('id')
    .execute();
}
