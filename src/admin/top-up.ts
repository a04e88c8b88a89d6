import type { Tenant } from '../domain/tenant.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { unblockIfPaid } from '../stores/postgres/overdue.ts';
import { topUpReference, topUpWallet } from '../stores/postgres/top-ups.ts';
import type { Wallet } from '../stores/postgres/wallets.ts';
import { owns } from './create-line.ts';
import { oncePerReference } from './move-money.ts';

/**
 * Adds money to a subscriber that the tenant owns, once per reference, in a transaction that somebody else began.
 * The ledger names `actorName` as the author.
 */
export async function topUpAs(
  tx: Tx,
  tenant: Tenant,
  actorName: string,
  subscriber_id: string,
  amount_micros: bigint,
  reference: string,
): Promise<Wallet> {
  // The id as the database writes it: accounts and references are named after it, letter by letter.
  const payer = await tx
    .selectFrom('subscribers')
    .select(['id as subscriber_id', 'reseller_id'])
    .where('id', '=', subscriber_id)
    .executeTakeFirst();
  if (!payer || !owns(tenant, payer)) throw notFound();
  const { subscriber_id: id } = payer;
  const wallet = await oncePerReference(() =>
    topUpWallet(tx, payer, amount_micros, topUpReference(id, reference), actorName),
  );
  await unblockIfPaid(tx, id, new Date());
  return wallet;
}

/** The same for commands, which have no transaction yet. */
export function topUp(
  db: Db,
  tenant: Tenant,
  subscriber_id: string,
  amount_micros: bigint,
  reference: string,
): Promise<Wallet> {
  return db
    .transaction()
    .execute((tx) => topUpAs(tx, tenant, tenant.role, subscriber_id, amount_micros, reference));
}
