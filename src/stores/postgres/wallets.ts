import { sql } from 'kysely';
import { say } from '../../contract/language.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { BundleSlot } from '../../domain/call-class.ts';
import { cycleStart } from '../../domain/cycle.ts';
import { type LedgerEntry, type Payer, renewalEntries } from '../../domain/ledger.ts';
import { MICROS_PER_REAL, type Micros } from '../../domain/money.ts';
import type { Db } from './connect.ts';
import { type Tx, writeMovements } from './ledger.ts';
import type { MovementKind } from './tables.ts';

type LeftSeconds = Readonly<Partial<Record<BundleSlot, number>>>;

/** A subscriber's money and minutes as the ledger has them, stamped with the version they were read at. */
export interface Wallet {
  readonly subscriber_id: string;
  readonly version: bigint;
  readonly balance_micros: Micros;
  /** First day of the latest cycle that was opened, `YYYY-MM-DD`. */
  readonly cycle_start: string;
  /** The latest day on which a call ended that cost something, and what the calls of that day cost in money. */
  readonly spend_day: string;
  readonly spent_micros: Micros;
  /** Minutes left per cycle: of the latest one and of the one before, from which calls may still be paid. */
  readonly left_seconds: Readonly<Record<string, LeftSeconds>>;
}

/** Locks a wallet for the rest of the transaction; creates it when the subscriber has none yet. */
export async function lockWallet(tx: Tx, subscriber_id: string) {
  await tx
    .insertInto('wallets')
    .values({ subscriber_id })
    .onConflict((c) => c.doNothing())
    .execute();
  return tx
    .selectFrom('wallets')
    .selectAll()
    .where('subscriber_id', '=', subscriber_id)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

/** Wallets by subscriber, as they stand in this transaction. */
export async function readWallets(
  db: Db | Tx,
  subscriber_ids: readonly string[],
): Promise<Map<string, Wallet>> {
  const { rows } = await sql<Wallet>`
    select w.subscriber_id, w.version, w.balance_micros, w.cycle_start, w.spend_day, w.spent_micros,
      (select coalesce(json_object_agg(c.cycle_start, c.slots), '{}') from (
         select a.cycle_start, json_object_agg(a.slot, a.left_seconds) as slots from bundle_allocations a
         where a.subscriber_id = w.subscriber_id group by a.cycle_start order by a.cycle_start desc limit 2) c
      ) as left_seconds
    from wallets w where w.subscriber_id = any(${[...subscriber_ids]}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.subscriber_id, row]));
}

async function readWallet(tx: Tx, subscriber_id: string): Promise<Wallet> {
  const wallet = (await readWallets(tx, [subscriber_id])).get(subscriber_id);
  if (!wallet) throw new Error(`wallet of ${subscriber_id} vanished while it was locked`);
  return wallet;
}

interface Renewal {
  readonly slot: BundleSlot;
  readonly included_seconds: number;
}

/**
 * Gives every slot that holds a bundle its minutes of a cycle, unless it has them. A call that was settled before the cycle
 * was opened has left a row without any.
 */
async function renewSlots(tx: Tx, subscriber_id: string, cycle_start: string): Promise<Renewal[]> {
  const { rows } = await sql<Renewal>`
    insert into bundle_allocations
      (subscriber_id, slot, cycle_start, bundle_name, monthly_price_micros, included_seconds, left_seconds)
    select b.subscriber_id, b.slot, ${cycle_start}::date, m.name, m.monthly_price_micros, m.included_seconds,
      m.included_seconds
    from bundle_slots b join minute_bundles m on m.id = b.bundle_id
    join subscribers s on s.id = b.subscriber_id and s.billing_mode = 'BUNDLE'
    where b.subscriber_id = ${subscriber_id}
    on conflict (subscriber_id, slot, cycle_start) do update
    set bundle_name = excluded.bundle_name, monthly_price_micros = excluded.monthly_price_micros,
      included_seconds = excluded.included_seconds,
      left_seconds = bundle_allocations.left_seconds + excluded.left_seconds
    where bundle_allocations.included_seconds = 0
    returning slot, included_seconds`.execute(tx);
  return rows;
}

/**
 * The subscriber's wallet with the cycle that starts on `cycle_start` open. The first to ask in a new cycle, or after a
 * slot got its first bundle, renews the minutes; asking again changes nothing. A day before the latest cycle opens
 * nothing: its cycle day was changed, and the latest goes on.
 */
export async function openWalletIn(tx: Tx, payer: Payer, cycle_start: string): Promise<Wallet> {
  const { subscriber_id, reseller_id } = payer;
  const locked = await lockWallet(tx, subscriber_id);
  const cycle = cycle_start > locked.cycle_start ? cycle_start : locked.cycle_start;
  const renewed = await renewSlots(tx, subscriber_id, cycle);
  if (cycle > locked.cycle_start || renewed.length > 0) {
    const wallet_version = locked.version + 1n;
    await tx
      .updateTable('wallets')
      .set({ version: wallet_version, cycle_start: cycle })
      .where('subscriber_id', '=', subscriber_id)
      .execute();
    await writeMovements(
      tx,
      renewed.map(({ slot, included_seconds }) => ({
        subscriber_id,
        reseller_id,
        kind: 'BUNDLE_RENEWAL',
        cycle_start: cycle,
        reference: `${subscriber_id} ${cycle}`,
        leg: slot,
        sequence: 0,
        author: 'cycle',
        reason: null,
        wallet_version,
        entries: renewalEntries(payer, slot, cycle, included_seconds),
      })),
    );
  }
  return readWallet(tx, subscriber_id);
}

/** The same in a transaction of its own. */
export function openWallet(db: Db, payer: Payer, cycle_start: string): Promise<Wallet> {
  return db.transaction().execute((tx) => openWalletIn(tx, payer, cycle_start));
}

/** The most that a wallet holds, and owes: R$ 100 million. Scripts of the live ledger count exactly up to 2^53 only. */
const MOST: Micros = 100_000_000n * MICROS_PER_REAL;

/** Throws INVALID_REQUEST when a balance would be more than a wallet can tell. */
export function requireCountable(balance_micros: Micros): void {
  if (balance_micros <= MOST && balance_micros >= -MOST) return;
  const message = say('the balance would exceed R$ 100 million', 'o saldo passaria de R$ 100 milhões');
  throw new ProblemError('INVALID_REQUEST', message, [{ field: 'amount_micros', message }]);
}

/** What somebody does with a subscriber's money. `amount` is below zero when it goes away. */
export interface MoneyMove {
  readonly holder: Payer;
  readonly kind: Exclude<MovementKind, 'CALL' | 'BUNDLE_RENEWAL'>;
  readonly amount: Micros;
  /** Happens once per reference and leg: a second time is an error of the database (23505). */
  readonly reference: string;
  readonly leg: string;
  readonly author: string;
  readonly reason: string | null;
  readonly entries: readonly LedgerEntry[];
  /** The cycle that it counts in; left out: that of this moment. */
  readonly cycle_start?: string;
}

async function currentCycle(tx: Tx, subscriber_id: string): Promise<string> {
  const { cycle_day, now } = await tx
    .selectFrom('subscribers')
    .select(['cycle_day', sql<Date>`now()`.as('now')])
    .where('id', '=', subscriber_id)
    .executeTakeFirstOrThrow();
  return cycleStart(cycle_day, now);
}

/**
 * Moves money of a subscriber, all or nothing with the rest of the transaction. Throws INVALID_REQUEST when the wallet
 * would hold more than it can. What running calls have reserved is the caller's business.
 */
export async function moveMoney(tx: Tx, move: MoneyMove): Promise<Wallet> {
  const { subscriber_id, reseller_id } = move.holder;
  const { version, balance_micros } = await lockWallet(tx, subscriber_id);
  const next = { version: version + 1n, balance_micros: balance_micros + move.amount };
  requireCountable(next.balance_micros);
  await tx.updateTable('wallets').set(next).where('subscriber_id', '=', subscriber_id).execute();
  await writeMovements(tx, [
    {
      subscriber_id,
      reseller_id,
      kind: move.kind,
      cycle_start: move.cycle_start ?? (await currentCycle(tx, subscriber_id)),
      reference: move.reference,
      leg: move.leg,
      sequence: 0,
      author: move.author,
      reason: move.reason,
      wallet_version: next.version,
      entries: move.entries,
    },
  ]);
  return readWallet(tx, subscriber_id);
}

/** Seconds that a slot has left in a cycle. A bundle whose cycle nobody opened yet is whole. */
export async function readLeftSeconds(
  tx: Tx,
  subscriber_id: string,
  slot: BundleSlot,
  cycle_start: string,
): Promise<number> {
  const { rows } = await sql<{ left_seconds: number }>`
    select case when a.included_seconds > 0 then a.left_seconds
      else m.included_seconds + coalesce(a.left_seconds, 0) end as left_seconds
    from bundle_slots b join minute_bundles m on m.id = b.bundle_id
    left join bundle_allocations a
      on a.subscriber_id = b.subscriber_id and a.slot = b.slot and a.cycle_start = ${cycle_start}::date
    where b.subscriber_id = ${subscriber_id} and b.slot = ${slot}`.execute(tx);
  return rows[0]?.left_seconds ?? 0;
}
