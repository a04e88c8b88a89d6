import type { Micros } from '../domain/money.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { moveResellerMoney, type ResellerWallet } from '../stores/postgres/reseller-wallets.ts';
import { type ManualMove, notEnough, oncePerReference, type SetApart } from './move-money.ts';

interface ResellerCredit {
  readonly id: string;
  readonly credit_limit_micros: Micros;
}

async function resellerOf(tx: Tx, reseller_id: string): Promise<ResellerCredit> {
  const reseller = await tx
    .selectFrom('resellers')
    .select(['id', 'credit_limit_micros'])
    .where('id', '=', reseller_id)
    .executeTakeFirst();
  if (!reseller) throw notFound();
  return reseller;
}

/** Adds money that a reseller paid to the platform to its wholesale wallet. */
export async function topUpReseller(
  tx: Tx,
  reseller_id: string,
  move: Omit<ManualMove, 'reason'>,
): Promise<ResellerWallet> {
  const { id } = await resellerOf(tx, reseller_id);
  const { amount_micros: amount, author } = move;
  const reference = `top-up ${id} ${move.reference}`;
  return oncePerReference(() =>
    moveResellerMoney(tx, {
      reseller_id: id,
      kind: 'TOP_UP',
      amount,
      reference,
      author,
      reason: null,
    }),
  );
}

/** Sets a reseller's wholesale balance right; down no further than its credit limit and what its calls reserved. */
export async function correctReseller(
  tx: Tx,
  setApart: SetApart,
  reseller_id: string,
  move: ManualMove,
): Promise<ResellerWallet> {
  const { id, credit_limit_micros: credit } = await resellerOf(tx, reseller_id);
  const { amount_micros: amount, reason, author } = move;
  const reference = `correction ${id} ${move.reference}`;
  if (amount < 0n)
    await setApart({
      holder: { subscriber_id: null, reseller_id: id },
      amount: -amount,
      credit_micros: credit,
    });
  const wallet = await oncePerReference(() =>
    moveResellerMoney(tx, { reseller_id: id, kind: 'CORRECTION', amount, reference, author, reason }),
  );
  if (amount < 0n && wallet.balance_micros + credit < 0n) throw notEnough();
  return wallet;
}
