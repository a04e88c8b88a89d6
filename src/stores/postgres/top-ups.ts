import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import { accounts, type Payer, topUpEntries } from '../../domain/ledger.ts';
import type { Micros } from '../../domain/money.ts';
import type { Tx } from './ledger.ts';
import { matches, pageClauses, type SortColumn, toPage } from './page.ts';
import { moveMoney, type Wallet } from './wallets.ts';

/** Movements of top-ups are named after the subscriber too: references of different ones never collide. */
export function topUpReference(subscriber_id: string, reference: string): string {
  return `top-up ${subscriber_id} ${reference}`;
}

/**
 * Adds money. `reference` makes it happen once: a second top-up with the same one is an error of the database. Throws
 * INVALID_REQUEST when the wallet would hold more than it can.
 */
export function topUpWallet(
  tx: Tx,
  holder: Payer,
  amount: Micros,
  reference: string,
  author: string,
): Promise<Wallet> {
  const entries = topUpEntries(holder, amount);
  return moveMoney(tx, {
    holder,
    kind: 'TOP_UP',
    amount,
    reference,
    leg: 'subscriber',
    author,
    reason: null,
    entries,
  });
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
