import { sql } from 'kysely';
import type { BundleSlot } from '../../domain/call-class.ts';
import { type Payer, renewalEntries, topUpEntries } from '../../domain/ledger.ts';
import type { Micros } from '../../domain/money.ts';
import type { Db } from './connect.ts';
import { type Tx, writeMovements } from './ledger.ts';

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

async function bundlesToRenew(tx: Tx, subscriber_id: string, cycleTurned: boolean) {
  return tx
    .selectFrom('bundle_slots as b')
    .innerJoin('minute_bundles as m', 'm.id', 'b.bundle_id')
    .leftJoin('wallet_slots as w', (join) =>
      join.onRef('w.subscriber_id', '=', 'b.subscriber_id').onRef('w.slot', '=', 'b.slot'),
    )
    .select(['b.slot', 'm.included_seconds', 'w.left_seconds'])
    .where('b.subscriber_id', '=', subscriber_id)
    .$if(!cycleTurned, (query) => query.where('w.left_seconds', 'is', null))
    .execute();
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
    const renewed = await bundlesToRenew(tx, subscriber_id, cycleTurned);
    if (cycleTurned || renewed.length > 0) {
      const version = locked.version + 1n;
      await tx
        .updateTable('wallets')
        .set({ version, cycle_start: cycleTurned ? cycle_start : locked.cycle_start })
        .where('subscriber_id', '=', subscriber_id)
        .execute();
      for (const { slot, included_seconds, left_seconds } of renewed) {
        await tx
          .insertInto('wallet_slots')
          .values({ subscriber_id, slot, left_seconds: included_seconds })
          .onConflict((c) =>
            c.columns(['subscriber_id', 'slot']).doUpdateSet({ left_seconds: included_seconds }),
          )
          .execute();
        await writeMovements(tx, [
          {
            subscriber_id,
            kind: 'BUNDLE_RENEWAL',
            reference: `${subscriber_id} ${cycle_start}`,
            leg: slot,
            sequence: 0,
            author: 'cycle',
            wallet_version: version,
            entries: renewalEntries(payer, slot, left_seconds ?? 0, included_seconds),
          },
        ]);
      }
    }
    const wallet = (await readWallets(tx, [subscriber_id])).get(subscriber_id);
    if (!wallet) throw new Error(`wallet of ${subscriber_id} vanished while it was locked`);
    return wallet;
  });
}

/** Adds money. `reference` makes it happen once: a second top-up with the same one is an error of the database. */
export function topUpWallet(
  db: Db,
  payer: Payer,
  amount: Micros,
  reference: string,
  author: string,
): Promise<Wallet> {
  const { subscriber_id } = payer;
  return db.transaction().execute(async (tx) => {
    const { version, balance_micros } = await lockWallet(tx, subscriber_id);
    const next = { version: version + 1n, balance_micros: balance_micros + amount };
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
  });
}
