import { cycleStart } from '../domain/cycle.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { findBundleHolder, listToOpen } from '../stores/postgres/cycle-openings.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { openWallet, openWalletIn, type Wallet } from '../stores/postgres/wallets.ts';

/**
 * Gives a subscriber's slots their minutes of the cycle of now, unless they have them: after its bundles changed. null
 * when it has none.
 */
export async function openCycle(tx: Tx, subscriber_id: string): Promise<Wallet | null> {
  const holder = await findBundleHolder(tx, subscriber_id);
  return holder && openWalletIn(tx, holder, cycleStart(holder.cycle_day, new Date()));
}

/**
 * Opens the cycle of `now` of every subscriber with a slot that has no minutes of it yet: who makes no call has a franquia
 * all the same, and pays for it. Each in a transaction of its own; `opened` hears of each wallet.
 */
export async function openCycles(db: Db, now: Date, opened: (wallet: Wallet) => void): Promise<number> {
  const holders = await listToOpen(db, now);
  for (const holder of holders) opened(await openWallet(db, holder, cycleStart(holder.cycle_day, now)));
  return holders.length;
}
