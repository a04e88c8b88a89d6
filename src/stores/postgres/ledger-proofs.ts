import type { Db } from './connect.ts';
import type { Difference } from './prove-ledger.ts';

/** What a proof keeps by name; the number is kept of all. */
const KEPT = 100;

export async function insertProof(db: Db, found: readonly Difference[]): Promise<void> {
  await db
    .insertInto('ledger_proofs')
    .values({ differences: found.length, found: JSON.stringify(found.slice(0, KEPT)) })
    .execute();
}

/** The last proof of the ledger; null before the first. */
export async function lastProof(db: Db): Promise<{ at: Date; differences: number } | null> {
  const row = await db
    .selectFrom('ledger_proofs')
    .select(['at', 'differences'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}
