import { topUpAs } from '../../admin/top-up.ts';
import { listTopUpsRoute, topUpRoute } from '../../contract/top-ups.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import { listTopUps } from '../../stores/postgres/top-ups.ts';
import type { Wallet } from '../../stores/postgres/wallets.ts';
import type { Binder } from '../bind.ts';

export interface TopUpDependencies {
  /** Lets running calls know of money that came in. */
  readonly walletChanged: (wallet: Wallet) => void;
}

export function addTopUpRoutes({ bind }: Binder, { walletChanged }: TopUpDependencies): void {
  bind(topUpRoute, async ({ tx, viewer, params, body, afterCommit }) => {
    const { tenant, actor } = viewer;
    const amount = BigInt(body.amount_micros);
    const wallet = await topUpAs(tx, tenant, actor.name, params.subscriber_id, amount, body.reference);
    afterCommit(() => walletChanged(wallet));
    return { balance_micros: wallet.balance_micros.toString() };
  });

  bind(listTopUpsRoute, async ({ tx, params, query }) => {
    // The id as the database writes it: accounts are named after it, letter by letter.
    const subscriber = await tx
      .selectFrom('subscribers')
      .select('id')
      .where('id', '=', params.subscriber_id)
      .executeTakeFirst();
    if (!subscriber) throw notFound();
    const { items, next_cursor } = await listTopUps(tx, subscriber.id, query);
    return {
      items: items.map((row) => ({
        ...row,
        id: row.id.toString(),
        amount_micros: row.amount_micros.toString(),
        created_at: row.created_at.toISOString(),
      })),
      next_cursor,
    };
  });
}
