import { sql } from 'kysely';
import { say } from '../../contract/language.ts';
import type { Page, PageRequest } from '../../contract/paging.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { BundleSlot } from '../../domain/call-class.ts';
import { accounts, type Payer, renewalEntries, topUpEntries } from '../../domain/ledger.ts';
import { MICROS_PER_REAL, type Micros } from '../../domain/money.ts';
import type { Db } from './connect.ts';
import { type Tx, writeMovements } from './ledger.ts';
import { matches, pageClauses, type SortColumn, toPage } from './page.ts';

/** A subscriber's money and minutes as the ledger has them, stamped with the version they were read at. */
export interface Wallet {
  readonly subscriber_id: string;
  readonly version: bigint;
  readonly balance_micros: Micros;
  /** First day of the cycle that the minutes belong to, `YYYY-MM-DD`. */
  readonly cycle_start: string;
  readonly left_seconds: Readonly<Partial<Record<BundleSlot, number>>>;
}

/** Locks a wallet for the rest of the transaction; creates it when the subscriber has none yet. */
async function lockWallet(tx: Tx, subscriber_id: string) {
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
    select w.subscriber_id, w.version, w.balance_micros, w.cycle_start,
      (select coalesce(json_object_agg(slot, left_seconds), '{}') from wallet_slots s
       where s.subscriber_id = w.subscriber_id) as left_seconds
    from wallets w where w.subscriber_id = any(${[...subscriber_ids]}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.subscriber_id, row]));
}

interface SlotToRenew {
  readonly slot: BundleSlot;
  /** null: the slot has minutes of a bundle that it no longer holds. */
  readonly included_seconds: number | null;
  /** null: the slot's bundle was never used in any cycle. */
  readonly left_seconds: number | null;
}

/** At the turn of a cycle every slot; within one, those that got their first bundle. */
async function slotsToRenew(tx: Tx, subscriber_id: string, cycleTurned: boolean): Promise<SlotToRenew[]> {
  const { rows } = await sql<SlotToRenew>`
    select slot, m.included_seconds, w.left_seconds
    from (select slot, bundle_id from bundle_slots where subscriber_id = ${subscriber_id}) b
    full join (select slot, left_seconds from wallet_slots where subscriber_id = ${subscriber_id}) w using (slot)
    left join minute_bundles m on m.id = b.bundle_id
    where ${cycleTurned} or w.left_seconds is null`.execute(tx);
  return rows;
}

/** What was left expires; a slot that still holds a bundle is full again. */
async function renewSlot(
  tx: Tx,
  payer: Payer,
  slot: SlotToRenew,
  cycle: { readonly start: string; readonly wallet_version: bigint },
): Promise<void> {
  const { subscriber_id } = payer;
  const { included_seconds, left_seconds } = slot;
  if (included_seconds === null) {
    await tx
      .deleteFrom('wallet_slots')
      .where('subscriber_id', '=', subscriber_id)
      .where('slot', '=', slot.slot)
      .execute();
  } else {
    await tx
      .insertInto('wallet_slots')
      .values({ subscriber_id, slot: slot.slot, left_seconds: included_seconds })
      .onConflict((c) => c.columns(['subscriber_id', 'slot']).doUpdateSet({ left_seconds: included_seconds }))
      .execute();
  }
  const entries = renewalEntries(payer, slot.slot, left_seconds ?? 0, included_seconds ?? 0);
  await writeMovements(tx, [
    {
      subscriber_id,
      kind: 'BUNDLE_RENEWAL',
      reference: `${subscriber_id} ${cycle.start}`,
      // A bundle that is given back later in the cycle is a movement of its own.
      leg: included_seconds === null ? `${slot.slot} expired` : slot.slot,
      sequence: 0,
      author: 'cycle',
      wallet_version: cycle.wallet_version,
      entries,
    },
  ]);
}

/**
 * The subscriber's wallet in the cycle that starts on `cycle_start`. The first to ask in a new cycle renews
 * the bundles, in the same transaction; asking again changes nothing.
 */
export function openWallet(db: Db, payer: Payer, cycle_start: string): Promise<Wallet> {
  const { subscriber_id } = payer;
  return db.transaction().execute(async (tx) => {
    const locked = await lockWallet(tx, subscriber_id);
    const cycleTurned = locked.cycle_start < cycle_start;
    const slots = await slotsToRenew(tx, subscriber_id, cycleTurned);
    if (cycleTurned || slots.length > 0) {
      const wallet_version = locked.version + 1n;
      const start = cycleTurned ? cycle_start : locked.cycle_start;
      await tx
        .updateTable('wallets')
        .set({ version: wallet_version, cycle_start: start })
        .where('subscriber_id', '=', subscriber_id)
        .execute();
      for (const slot of slots) await renewSlot(tx, payer, slot, { start, wallet_version });
    }
    const wallet = (await readWallets(tx, [subscriber_id])).get(subscriber_id);
    if (!wallet) throw new Error(`wallet of ${subscriber_id} vanished while it was locked`);
    return wallet;
  });
}

/** The most that a wallet holds: R$ 100 million. Scripts of the live ledger count exactly up to 2^53 only. */
const MAX_BALANCE: Micros = 100_000_000n * MICROS_PER_REAL;

/**
 * Adds money, all or nothing with the rest of the transaction. `reference` makes it happen once: a second top-up with
 * the same one is an error of the database. Throws INVALID_REQUEST when the wallet would hold more than it can.
 */
export async function topUpWallet(
  tx: Tx,
  payer: Payer,
  amount: Micros,
  reference: string,
  author: string,
): Promise<Wallet> {
  const { subscriber_id } = payer;
  const { version, balance_micros } = await lockWallet(tx, subscriber_id);
  const next = { version: version + 1n, balance_micros: balance_micros + amount };
  if (next.balance_micros > MAX_BALANCE) {
    const message = say('the balance would exceed R$ 100 million', 'o saldo passaria de R$ 100 milhões');
    throw new ProblemError('INVALID_REQUEST', message, [{ field: 'amount_micros', message }]);
  }
  await tx.updateTable('wallets').set(next).where('subscriber_id', '=', subscriber_id).execute();
  await writeMovements(tx, [
    {
      subscriber_id,
      kind: 'TOP_UP',
      reference,
      leg: 'subscriber',
      sequence: 0,
      author,
      wallet_version: next.version,
      entries: topUpEntries(payer, amount),
    },
  ]);
  const wallet = (await readWallets(tx, [subscriber_id])).get(subscriber_id);
  if (!wallet) throw new Error(`wallet of ${subscriber_id} vanished while it was locked`);
  return wallet;
}

/** Movements of top-ups are named after the subscriber too: references of different ones never collide. */
export function topUpReference(subscriber_id: string, reference: string): string {
  return `top-up ${subscriber_id} ${reference}`;
}

export interface TopUpRow {
  id: bigint;
  amount_micros: bigint;
  reference: string;
  author: string;
  created_at: Date;
}

/** One page of the top-ups of a wallet. */
export async function listTopUps(
  tx: Tx,
  subscriber_id: string,
  request: PageRequest,
): Promise<Page<TopUpRow>> {
  const id: SortColumn = ['m.id', 'bigint'];
  const page = pageClauses(request, { id }, id);
  // What stands in front of the reference is as long for every subscriber.
  const reference = `right(m.reference, -${topUpReference(subscriber_id, '').length})`;
  const { rows } = await sql<TopUpRow & { page_cursor: string }>`
    select m.id, e.amount as amount_micros, ${sql.raw(reference)} as reference, m.author, m.created_at,
      ${page.cursor} as page_cursor
    from ledger_movements m
    join ledger_entries e on e.movement_id = m.id and e.account = ${accounts.subscriberMoney(subscriber_id)}
    where m.subscriber_id = ${subscriber_id} and m.kind = 'TOP_UP'
      and ${page.after} and ${matches(request.q, reference, 'm.author')}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}
