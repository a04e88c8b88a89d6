import { sql } from 'kysely';
import { cycleStart } from '../domain/cycle.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { openWallet, openWalletIn, type Wallet } from '../stores/postgres/wallets.ts';

interface Holder {
  readonly subscriber_id: string;
  readonly reseller_id: string;
  readonly cycle_day: number;
}

/**
 * Gives a subscriber's slots their minutes of the cycle of now, unless they have them: after its bundles changed. null
 * when it has none.
 */
export async function openCycle(tx: Tx, subscriber_id: string): Promise<Wallet | null> {
  const { rows } = await sql<Holder>`
    select id as subscriber_id, reseller_id, cycle_day from subscribers s
    where id = ${subscriber_id} and billing_mode = 'BUNDLE'
      and exists (select from bundle_slots b where b.subscriber_id = s.id)`.execute(tx);
  const [holder] = rows;
  return holder ? openWalletIn(tx, holder, cycleStart(holder.cycle_day, new Date())) : null;
}

/**
 * Opens the cycle of `now` of every subscriber with a slot that has no minutes of it yet: who makes no call has a franquia
 * all the same, and pays for it. Each in a transaction of its own; `opened` hears of each wallet.
 */
export async function openCycles(db: Db, now: Date, opened: (wallet: Wallet) => void): Promise<number> {
  const { rows } = await sql<Holder>`
    select s.id as subscriber_id, s.reseller_id, s.cycle_day
    from subscribers s
    where s.billing_mode = 'BUNDLE' and s.status <> 'INACTIVE' and exists (
      select from bundle_slots b where b.subscriber_id = s.id and not exists (
        select from bundle_allocations a where a.subscriber_id = b.subscriber_id and a.slot = b.slot
          and a.cycle_start >= cycle_start_of(s.cycle_day, (${now}::timestamptz at time zone 'America/Sao_Paulo')::date)))
    order by s.id`.execute(db);
  for (const holder of rows) opened(await openWallet(db, holder, cycleStart(holder.cycle_day, now)));
  return rows.length;
}
