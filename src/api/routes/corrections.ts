import { correctAs, type ManualMove, type SetApart, transferAs } from '../../admin/move-money.ts';
import { correctReseller, topUpReseller } from '../../admin/reseller-money.ts';
import type { Reserve } from '../../calls/reserve.ts';
import { correctResellerRoute, correctRoute, transferRoute } from '../../contract/corrections.ts';
import { topUpResellerRoute } from '../../contract/top-ups.ts';
import type { ResellerWallet } from '../../stores/postgres/reseller-wallets.ts';
import type { Wallet } from '../../stores/postgres/wallets.ts';
import type { Binder } from '../bind.ts';

export interface MoneyDependencies {
  readonly reserve: Reserve;
  /** Lets running calls know of what changed, once it is there for everybody. */
  readonly walletChanged: (wallet: Wallet | ResellerWallet) => void;
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

/** Sets money apart until the transaction has ended, and tells then what has become of it. */
function apartUntilEnd(reserve: Reserve, afterEnd: (work: (committed: boolean) => void) => void) {
  let left: Wallet | ResellerWallet | null = null;
  const setApart: SetApart = async (leaving) => {
    const moved = await reserve(leaving);
    afterEnd((committed) => moved(committed ? left : null));
  };
  return {
    setApart,
    /** The wallet that it went away from. */
    moved<W extends Wallet | ResellerWallet>(wallet: W): W {
      left = wallet;
      return wallet;
    },
  };
}

/** What people move by hand, apart from top-ups of subscribers. */
export function addCorrectionRoutes({ bind }: Binder, { reserve, walletChanged }: MoneyDependencies): void {
  bind(correctRoute, async ({ tx, viewer, params, body, afterCommit, afterEnd }) => {
    const { setApart, moved } = apartUntilEnd(reserve, afterEnd);
    const move = moveOf(body, viewer.actor.name);
    const wallet = moved(await correctAs(tx, viewer.tenant, setApart, params.subscriber_id, move));
    afterCommit(() => walletChanged(wallet));
    return balanceOf(wallet);
  });

  bind(transferRoute, async ({ tx, viewer, body, afterCommit, afterEnd }) => {
    const { setApart, moved } = apartUntilEnd(reserve, afterEnd);
    const move = moveOf(body, viewer.actor.name);
    const { from, to } = await transferAs(tx, viewer.tenant, setApart, body, move);
    moved(from);
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
    afterCommit(() => walletChanged(wallet));
    return balanceOf(wallet);
  });

  bind(correctResellerRoute, async ({ tx, viewer, params, body, afterCommit, afterEnd }) => {
    const { setApart, moved } = apartUntilEnd(reserve, afterEnd);
    const move = moveOf(body, viewer.actor.name);
    const wallet = moved(await correctReseller(tx, setApart, params.reseller_id, move));
    afterCommit(() => walletChanged(wallet));
    return balanceOf(wallet);
  });
}
