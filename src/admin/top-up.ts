import { ProblemError } from '../contract/problem.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { Tenant } from '../stores/postgres/tokens.ts';
import { topUpWallet, type Wallet } from '../stores/postgres/wallets.ts';

/** Adds money to a subscriber that the tenant owns, once per reference. */
export async function topUp(
  db: Db,
  tenant: Tenant,
  subscriber_id: string,
  amount_micros: bigint,
  reference: string,
): Promise<Wallet> {
  const owner = await db
    .selectFrom('subscribers')
    .select('reseller_id')
    .where('id', '=', subscriber_id)
    .executeTakeFirst();
  if (!owner || (tenant.role !== 'MASTER' && tenant.reseller_id !== owner.reseller_id)) {
    throw new ProblemError('NOT_FOUND', 'there is no such subscriber');
  }
  const payer = { subscriber_id, reseller_id: owner.reseller_id };
  try {
    return await topUpWallet(db, payer, amount_micros, `top-up ${subscriber_id} ${reference}`, tenant.role);
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23505') throw error;
    throw new ProblemError('CONFLICT', `reference ${reference} was used before; nothing was added`);
  }
}
