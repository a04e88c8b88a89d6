import { sql } from 'kysely';
import { correctionEntries, topUpEntries } from '../../domain/ledger.ts';
import type { Micros } from '../../domain/money.ts';
import type { Db } from './connect.ts';
import { type Tx, writeMovements } from './ledger.ts';
import { requireCountable } from './wallets.ts';

/** What a reseller has with the platform, stamped with the version it was read at. */
export interface ResellerWallet {
  readonly reseller_id: string;
  readonly version: bigint;
  readonly balance_micros: Micros;
}

/** Wallets by reseller, as they stand in this transaction. A reseller that never had any is not there. */
export async function readResellerWallets(
  db: Db | Tx,
  reseller_ids: readonly string[],
): Promise<Map<string, ResellerWallet>> {
  const { rows } = await sql<ResellerWallet>`
    select reseller_id, version, balance_micros from reseller_wallets
    where reseller_id = any(${[...reseller_ids]}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.reseller_id, row]));
}

/** The reseller's wallet; an empty one of version 0 where there is none yet. */
export async function readResellerWallet(db: Db | Tx, reseller_id: string): Promise<ResellerWallet> {
  const wallets = await readResellerWallets(db, [reseller_id]);
  return wallets.get(reseller_id) ?? { reseller_id, version: 0n, balance_micros: 0n };
}

/** Adds to balances, in one order so that two batches that share resellers wait instead of deadlocking. */
export async function addToResellerWallets(
  tx: Tx,
  amounts: ReadonlyMap<string, Micros>,
): Promise<Map<string, ResellerWallet>> {
  const ids = [...amounts.keys()].sort();
  const { rows } = await sql<ResellerWallet>`
    insert into reseller_wallets as w (reseller_id, version, balance_micros)
    select id, 1, amount from unnest(${ids}::uuid[], ${ids.map((id) => String(amounts.get(id)))}::bigint[])
      as d(id, amount) order by id
    on conflict (reseller_id) do update
    set balance_micros = w.balance_micros + excluded.balance_micros, version = w.version + 1
    returning reseller_id, version, balance_micros`.execute(tx);
  return new Map(rows.map((row) => [row.reseller_id, row]));
}

export interface ResellerMove {
  readonly reseller_id: string;
  readonly kind: 'TOP_UP' | 'CORRECTION';
  readonly amount: Micros;
  /** Happens once: a second time is an error of the database (23505). */
  readonly reference: string;
  readonly author: string;
  readonly reason: string | null;
}

/** Moves money between a reseller and the platform. Throws INVALID_REQUEST when the wallet would hold too much. */
export async function moveResellerMoney(tx: Tx, move: ResellerMove): Promise<ResellerWallet> {
  const { reseller_id, kind, amount, reference, author, reason } = move;
  const wallet = (await addToResellerWallets(tx, new Map([[reseller_id, amount]]))).get(reseller_id);
  if (!wallet) throw new Error(`wallet of reseller ${reseller_id} was not written`);
  requireCountable(wallet.balance_micros);
  const holder = { subscriber_id: null, reseller_id };
  await writeMovements(tx, [
    {
      subscriber_id: null,
      reseller_id,
      kind,
      cycle_start: null,
      reference,
      leg: 'reseller',
      sequence: 0,
      author,
      reason,
      wallet_version: wallet.version,
      entries: kind === 'TOP_UP' ? topUpEntries(holder, amount) : correctionEntries(holder, amount),
    },
  ]);
  return wallet;
}
