import { correctAs, type ManualMove, type Reserve, transferAs } from '../../admin/move-money.ts';
import { correctReseller, topUpReseller } from '../../admin/reseller-money.ts';
import { correctResellerRoute, correctRoute, transferRoute } from '../../contract/corrections.ts';
import { topUpResellerRoute } from '../../contract/top-ups.ts';
import type { ResellerWallet } from '../../stores/postgres/reseller-wallets.ts';
import type { Wallet } from '../../stores/postgres/wallets.ts';
import type { Binder } from '../bind.ts';

export interface MoneyDependencies {
  readonly reserve: Reserve;
  /** Let running calls know of what changed, once it is there for everybody. */
  readonly walletChanged: (wallet: Wallet) => void;
  readonly resellerWalletChanged: (wallet: ResellerWallet) => void;
}

interface Asked {
  readonly amount_micros: string;
  readonly reason: string;
  readonly reference: string;
}

function moveOf({ amount_micros, reason, reference }: Asked, author: string): ManualMove {
  return { amount_micros: BigInt(amount_micros), reason, reference, author };
}

const balanceOf = ({ balance_micros }: Wallet | ResellerWallet) => ({
  balance_micros: balance_micros.toString(),
});

/** What people move by hand, apart from top-ups of subscribers. */
export function addCorrectionRoutes({ bind }: Binder, deps: MoneyDependencies): void {
  const { reserve, walletChanged, resellerWalletChanged } = deps;

  bind(correctRoute, async ({ tx, viewer, params, body, afterCommit }) => {
    const move = moveOf(body, viewer.actor.name);
    const wallet = await correctAs(tx, viewer.tenant, reserve, params.subscriber_id, move);
    afterCommit(() => walletChanged(wallet));
    return balanceOf(wallet);
  });

  bind(transferRoute, async ({ tx, viewer, body, afterCommit }) => {
    const move = moveOf(body, viewer.actor.name);
    const { from, to } = await transferAs(tx, viewer.tenant, reserve, body, move);
    afterCommit(() => {
      walletChanged(from);
      walletChanged(to);
    });
    return { from: balanceOf(from), to: balanceOf(to) };
  });

  bind(topUpResellerRoute, async ({ tx, viewer, params, body, afterCommit }) => {
    const move = {
      amount_micros: BigInt(body.amount_micros),
      reference: body.reference,
      author: viewer.actor.name,
    };
    const wallet = await topUpReseller(tx, params.reseller_id, move);
    afterCommit(() => resellerWalletChanged(wallet));
    return balanceOf(wallet);
  });

  bind(correctResellerRoute, async ({ tx, viewer, params, body, afterCommit }) => {
    const move = moveOf(body, viewer.actor.name);
    const wallet = await correctReseller(tx, reserve, params.reseller_id, move);
    afterCommit(() => resellerWalletChanged(wallet));
    return balanceOf(wallet);
  });
}
