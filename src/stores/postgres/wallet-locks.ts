import { sql } from 'kysely';
import type { Tx } from './ledger.ts';

/**
 * Locks the wallets of subscribers for the rest of the transaction, always in the order of their ids, so that
 * transactions that share wallets wait for each other. A subscriber without a wallet gets one.
 */
export async function lockWallets(tx: Tx, subscriber_ids: readonly string[]): Promise<void> {
  const ordered = [...subscriber_ids].sort();
  await tx
    .insertInto('wallets')
    .values(ordered.map((subscriber_id) => ({ subscriber_id })))
    .onConflict((c) => c.doNothing())
    .execute();
  await sql`
    select from wallets where subscriber_id = any(${ordered}::uuid[]) order by subscriber_id for update`.execute(
    tx,
  );
}
