import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { BillingMode } from '../domain/authorize.ts';
import { correctionEntries, type Holder, type Payer, transferEntries } from '../domain/ledger.ts';
import type { Micros } from '../domain/money.ts';
import type { Tenant } from '../domain/tenant.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { unblockIfPaid } from '../stores/postgres/overdue.ts';
import { lockWallets } from '../stores/postgres/wallet-locks.ts';
import { moveMoney, type Wallet } from '../stores/postgres/wallets.ts';
import { owns } from './create-line.ts';

/** Money that is about to go away from somebody: `amount` above zero, and how far below zero it may leave them. */
export interface Leaving {
  readonly holder: Holder;
  readonly amount: Micros;
  readonly credit_micros: Micros;
}

/**
 * Keeps running calls from taking money until the transaction that moves it has ended. Throws CONFLICT when what they
 * have reserved leaves less than that, and UNAVAILABLE when nobody can tell now.
 */
export type SetApart = (leaving: Leaving) => Promise<void>;

/** What somebody moves by hand, and why. */
export interface ManualMove {
  readonly amount_micros: Micros;
  readonly reason: string;
  /** As the person gave it; each counts once per kind and holder. */
  readonly reference: string;
  readonly author: string;
}

interface Account extends Payer {
  readonly billing_mode: BillingMode;
  readonly credit_limit_micros: Micros;
}

async function accountOf(tx: Tx, tenant: Tenant, subscriber_id: string, field?: string): Promise<Account> {
  // The id as the database writes it: accounts and references are named after it, letter by letter.
  const account = await tx
    .selectFrom('subscribers')
    .select(['id as subscriber_id', 'reseller_id', 'billing_mode', 'credit_limit_micros'])
    .where('id', '=', subscriber_id)
    .executeTakeFirst();
  if (!account || !owns(tenant, account)) throw notFound(field);
  return account;
}

/** How far below zero a balance may be brought. */
function creditOf({ billing_mode, credit_limit_micros }: Account): Micros {
  return billing_mode === 'PREPAID' ? 0n : credit_limit_micros;
}

/** Thrown inside the transaction that moved it: all of it is undone. */
export function notEnough(): ProblemError {
  const message = say(
    'the balance does not have that much that may be taken; nothing was moved',
    'o saldo não tem tanto que possa ser tirado; nada foi movido',
  );
  return new ProblemError('CONFLICT', message, [{ field: 'amount_micros', message }]);
}

/** A reference that was used before becomes CONFLICT; the transaction is lost and nothing was moved. */
export async function oncePerReference<W>(work: () => Promise<W>): Promise<W> {
  try {
    return await work();
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23505') throw error;
    const message = say(
      'this reference was used before; nothing was moved',
      'esta referência já foi usada; nada foi movido',
    );
    throw new ProblemError('CONFLICT', message, [{ field: 'reference', message }]);
  }
}

/** Sets a subscriber's balance right, up or down; down no further than its credit limit and what its calls reserved. */
export async function correctAs(
  tx: Tx,
  tenant: Tenant,
  setApart: SetApart,
  subscriber_id: string,
  move: ManualMove,
): Promise<Wallet> {
  const account = await accountOf(tx, tenant, subscriber_id);
  const { subscriber_id: id, reseller_id } = account;
  const holder = { subscriber_id: id, reseller_id };
  const { amount_micros: amount, reason, author } = move;
  const reference = `correction ${id} ${move.reference}`;
  const entries = correctionEntries(holder, amount);
  const credit_micros = creditOf(account);
  if (amount < 0n) await setApart({ holder, amount: -amount, credit_micros });
  const wallet = await oncePerReference(() =>
    moveMoney(tx, {
      holder,
      kind: 'CORRECTION',
      amount,
      reference,
      leg: 'subscriber',
      author,
      reason,
      entries,
    }),
  );
  // Calls that were settled meanwhile may have made less of it.
  if (amount < 0n && wallet.balance_micros + credit_micros < 0n) throw notEnough();
  if (amount > 0n) await unblockIfPaid(tx, id, new Date());
  return wallet;
}

export interface Transferred {
  readonly from: Wallet;
  readonly to: Wallet;
}

function faultOfEnds(giver: Account, taker: Account): string | null {
  if (giver.reseller_id !== taker.reseller_id)
    return say('both must be of the same reseller', 'os dois devem ser da mesma revenda');
  if (giver.subscriber_id === taker.subscriber_id) return say('is the one who gives', 'é o mesmo que dá');
  return null;
}

/**
 * Moves money from one subscriber to another of the same reseller. Only what the giver really has can be given: what
 * it may owe is the reseller's risk with that one subscriber.
 */
export async function transferAs(
  tx: Tx,
  tenant: Tenant,
  setApart: SetApart,
  ends: { readonly from_subscriber_id: string; readonly to_subscriber_id: string },
  move: ManualMove,
): Promise<Transferred> {
  const giver = await accountOf(tx, tenant, ends.from_subscriber_id, 'from_subscriber_id');
  const taker = await accountOf(tx, tenant, ends.to_subscriber_id, 'to_subscriber_id');
  const { reseller_id } = giver;
  const wrong = faultOfEnds(giver, taker);
  if (wrong !== null)
    throw new ProblemError('INVALID_REQUEST', wrong, [{ field: 'to_subscriber_id', message: wrong }]);
  const { amount_micros, reason, author } = move;
  const reference = `transfer ${reseller_id} ${move.reference}`;
  const leg = ({ subscriber_id }: Account, name: 'from' | 'to', amount: Micros) => {
    const holder = { subscriber_id, reseller_id };
    const entries = transferEntries(holder, amount);
    return moveMoney(tx, { holder, kind: 'TRANSFER', amount, reference, leg: name, author, reason, entries });
  };
  const holder = { subscriber_id: giver.subscriber_id, reseller_id };
  await setApart({ holder, amount: amount_micros, credit_micros: 0n });
  return oncePerReference(async () => {
    // In one order by everyone: transfers that cross each other wait instead of deadlocking.
    await lockWallets(tx, [giver.subscriber_id, taker.subscriber_id]);
    const from = await leg(giver, 'from', -amount_micros);
    if (from.balance_micros < 0n) throw notEnough();
    const to = await leg(taker, 'to', amount_micros);
    await unblockIfPaid(tx, taker.subscriber_id, new Date());
    return { from, to };
  });
}
