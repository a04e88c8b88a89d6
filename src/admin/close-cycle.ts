import { cycleStart, dayStart_ms, localDay } from '../domain/cycle.ts';
import { CLOSING_DELAY_ms, dueOf, nextDayOfMonth } from '../domain/statement.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { blockIfOverdue, listOverdue } from '../stores/postgres/overdue.ts';
import {
  type Billed,
  chargeFees,
  coverPeriod,
  insertStatement,
  lastStatement,
  listBilled,
  type Period,
} from '../stores/postgres/statements.ts';
import { lockWallets } from '../stores/postgres/wallet-locks.ts';
import { readWallets, type Wallet } from '../stores/postgres/wallets.ts';

/** What the jobs write down, as pino does: fields first, then a sentence. */
export interface JobLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * The next period of a subscriber that a statement is due for; null when there is none yet. Periods follow each other
 * without gaps, also where the day of the cycle was changed.
 */
function periodToClose(billed: Billed, closed_until: string | null, now: Date): Period | null {
  const { cycle_day, began_on } = billed;
  const start = closed_until ?? (began_on && cycleStart(cycle_day, new Date(`${began_on}T12:00:00Z`)));
  if (!start) return null;
  const end = nextDayOfMonth(cycle_day, start);
  return dayStart_ms(end) + CLOSING_DELAY_ms <= now.getTime() ? { start, end } : null;
}

interface Closed {
  readonly period: Period;
  /** null: no fee was charged, so the wallet is as it was. */
  readonly wallet: Wallet | null;
}

/** Closes the subscriber's next period, or finds that somebody else did. */
function closeNext(db: Db, billed: Billed, now: Date): Promise<Closed | null> {
  const { subscriber_id } = billed;
  return db.transaction().execute(async (tx) => {
    await lockWallets(tx, [subscriber_id]);
    const previous = await lastStatement(tx, subscriber_id);
    const period = periodToClose(billed, previous.cycle_end, now);
    if (period === null) return null;
    const charged = await chargeFees(tx, billed, period);
    const covered = await coverPeriod(tx, billed, period, previous);
    const due = dueOf(billed, covered.closing_balance_micros, localDay(now));
    await insertStatement(tx, billed, period, previous, { ...covered, ...due, closed_at: now });
    const wallet = charged ? (await readWallets(tx, [subscriber_id])).get(subscriber_id) : null;
    return { period, wallet: wallet ?? null };
  });
}

/**
 * Charges the monthly fees of every cycle that is over and writes its statement, the oldest first; running again
 * changes nothing. What fails for one subscriber is logged and does not keep the others. `walletChanged` lets running
 * calls know of the fees.
 */
export async function closeCycles(
  db: Db,
  now: Date,
  log: JobLog,
  walletChanged: (wallet: Wallet) => void,
): Promise<number> {
  let statements = 0;
  for (const billed of await listBilled(db)) {
    if (periodToClose(billed, billed.closed_until, now) === null) continue;
    try {
      for (let closed = await closeNext(db, billed, now); closed; closed = await closeNext(db, billed, now)) {
        statements += 1;
        if (closed.wallet) walletChanged(closed.wallet);
      }
    } catch (error) {
      log.error({ err: error, subscriber_id: billed.subscriber_id }, 'a cycle could not be closed');
    }
  }
  if (statements > 0) log.info({ statements }, 'cycles closed');
  return statements;
}

/** Blocks the active subscribers that owe a statement past its last day. */
export async function blockOverdue(db: Db, now: Date, log: JobLog): Promise<number> {
  let blocked = 0;
  for (const subscriber_id of await listOverdue(db, now)) {
    if (!(await db.transaction().execute((tx) => blockIfOverdue(tx, subscriber_id, now)))) continue;
    blocked += 1;
    log.info({ subscriber_id }, 'blocked: a statement is overdue');
  }
  return blocked;
}
