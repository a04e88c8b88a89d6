import { type Insertable, sql } from 'kysely';
import { callEntries } from '../../domain/ledger.ts';
import type { Db } from './connect.ts';
import { type NewMovement, type Tx, writeMovements } from './ledger.ts';
import type { Database } from './tables.ts';
import { readWallets, type Wallet } from './wallets.ts';

export type CallRecord = Insertable<Database['calls']>;

function movementOf(record: CallRecord, wallet_version: bigint): NewMovement {
  return {
    subscriber_id: record.subscriber_id,
    kind: 'CALL',
    reference: record.id,
    leg: 'subscriber',
    sequence: 0,
    author: 'call',
    wallet_version,
    entries: callEntries(record, record.bundle_slot ?? null, record),
  };
}

async function insertNew(tx: Tx, records: readonly CallRecord[]): Promise<CallRecord[]> {
  const inserted = await tx
    .insertInto('calls')
    .values(records)
    .onConflict((c) => c.column('id').doNothing())
    .returning('id')
    .execute();
  const ids = new Set(inserted.map((row) => row.id));
  return records.filter((record) => ids.delete(record.id));
}

/** Takes what the calls cost out of their wallets and gives each wallet's new version. */
async function debitWallets(tx: Tx, records: readonly CallRecord[]): Promise<Map<string, bigint>> {
  const money = new Map<string, bigint>();
  const slots = new Map<string, number>();
  for (const { subscriber_id, bundle_slot, bundle_seconds, total_micros } of records) {
    money.set(subscriber_id, (money.get(subscriber_id) ?? 0n) + total_micros);
    if (!bundle_slot || bundle_seconds === 0) continue;
    const key = `${subscriber_id} ${bundle_slot}`;
    slots.set(key, (slots.get(key) ?? 0) + bundle_seconds);
  }
  const payers = [...money.keys()].sort();
  await tx
    .insertInto('wallets')
    .values(payers.map((subscriber_id) => ({ subscriber_id })))
    .onConflict((c) => c.doNothing())
    .execute();
  // Locked in one order by everyone, so that two batches that share payers wait instead of deadlocking.
  await sql`select from wallets where subscriber_id = any(${payers}::uuid[]) order by subscriber_id for update`.execute(
    tx,
  );
  const { rows } = await sql<{ subscriber_id: string; version: bigint }>`
    update wallets w set balance_micros = w.balance_micros - d.amount, version = w.version + 1
    from unnest(${payers}::uuid[], ${payers.map((id) => String(money.get(id)))}::bigint[]) as d(id, amount)
    where w.subscriber_id = d.id returning w.subscriber_id, w.version`.execute(tx);
  if (slots.size > 0) {
    const keys = [...slots.keys()].map((key) => key.split(' '));
    await sql`
      update wallet_slots w set left_seconds = w.left_seconds - d.seconds
      from unnest(${keys.map((key) => key[0])}::uuid[], ${keys.map((key) => key[1])}::text[],
                  ${[...slots.values()]}::integer[]) as d(id, slot, seconds)
      where w.subscriber_id = d.id and w.slot = d.slot`.execute(tx);
  }
  return new Map(rows.map((row) => [row.subscriber_id, row.version]));
}

/**
 * Records ended calls and charges them, all or none, in one transaction. A call that is recorded already is
 * left as it is, so settling twice changes nothing (R7). Gives the wallets of all payers as they stand after.
 */
export function settleCalls(db: Db, records: readonly CallRecord[]): Promise<Map<string, Wallet>> {
  return db.transaction().execute(async (tx) => {
    const fresh = await insertNew(tx, records);
    const charged = fresh.filter((record) => record.total_micros > 0n || record.bundle_seconds > 0);
    if (charged.length > 0) {
      const versions = await debitWallets(tx, charged);
      await writeMovements(
        tx,
        charged.map((record) => movementOf(record, versions.get(record.subscriber_id) ?? 0n)),
      );
    }
    return readWallets(tx, [...new Set(records.map((record) => record.subscriber_id))]);
  });
}

/** Which of these calls have their record. */
export async function settledAmong(db: Db, call_ids: readonly string[]): Promise<Set<string>> {
  if (call_ids.length === 0) return new Set();
  const rows = await db.selectFrom('calls').select('id').where('id', 'in', call_ids).execute();
  return new Set(rows.map((row) => row.id));
}
