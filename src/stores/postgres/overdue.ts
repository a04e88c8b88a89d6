import { type RawBuilder, sql } from 'kysely';
import { localDay } from '../../domain/cycle.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import { lockWallets } from './wallet-locks.ts';

/**
 * Whether the subscriber `s` owes a statement whose `block_on` is over. The latest of those speaks for all of them:
 * what an older one lacks is part of what it asks for. Paid is what people paid in and what the statement does not
 * hold: after its closing, or before that but in a later cycle.
 */
function isOverdue(today: string): RawBuilder<boolean> {
  return sql<boolean>`coalesce((
    select t.due_micros > (
      select coalesce(sum(e.amount), 0)
      from ledger_movements m
      join ledger_entries e on e.movement_id = m.id and e.account = 'subscriber:' || s.id || ':money'
      where m.subscriber_id = s.id and m.kind in ('TOP_UP', 'CORRECTION', 'TRANSFER') and e.amount > 0
        and (m.id > t.last_movement_id or m.cycle_start >= t.cycle_end))
    from statements t
    where t.subscriber_id = s.id and t.due_micros > 0 and t.block_on < ${today}::date
    order by t.cycle_start desc limit 1), false)`;
}

/** Active subscribers that owe, as of this moment. */
export async function listOverdue(db: Db, now: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select s.id from subscribers s where s.status = 'ACTIVE' and ${isOverdue(localDay(now))}
    order by s.id`.execute(db);
  return rows.map(({ id }) => id);
}

/** Blocks an active subscriber that owes; false when it has paid meanwhile. No payment can come in between. */
export async function blockIfOverdue(tx: Tx, subscriber_id: string, now: Date): Promise<boolean> {
  await lockWallets(tx, [subscriber_id]);
  const { rows } = await sql`
    update subscribers s set status = 'BLOCKED', blocked_reason = 'OVERDUE'
    where s.id = ${subscriber_id} and s.status = 'ACTIVE' and ${isOverdue(localDay(now))}
    returning s.id`.execute(tx);
  return rows.length > 0;
}

/**
 * Lets a subscriber call again that was blocked for owing and owes nothing overdue any more, in the transaction of
 * the payment. One that people blocked stays blocked.
 */
export async function unblockIfPaid(tx: Tx, subscriber_id: string, now: Date): Promise<void> {
  await sql`
    update subscribers s set status = 'ACTIVE', blocked_reason = null
    where s.id = ${subscriber_id} and s.blocked_reason = 'OVERDUE' and not ${isOverdue(localDay(now))}`.execute(
    tx,
  );
}
