import { randomUUID } from 'node:crypto';
import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Holder } from '../domain/ledger.ts';
import type { Micros } from '../domain/money.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { type ResellerWallet, readResellerWallet } from '../stores/postgres/reseller-wallets.ts';
import { readWallets, type Wallet } from '../stores/postgres/wallets.ts';
import type { HoldAnswer, LiveCallStore } from '../stores/redis/live-calls.ts';
import type { Log } from './log.ts';

/** Money that is about to go away from somebody: `amount` above zero, and how far below zero it may leave them. */
export interface Leaving {
  readonly holder: Holder;
  readonly amount: Micros;
  readonly credit_micros: Micros;
}

/** Tells that the move is over: with the wallet as the ledger has it afterwards, or null when nothing was moved. */
export type Moved = (wallet: Wallet | ResellerWallet | null) => void;

/**
 * Sets money apart that a transaction is about to move: what running calls have reserved cannot be moved, and no call is
 * granted what is about to go. Whoever asks tells the outcome once the transaction has ended, however it ended. Throws
 * CONFLICT when so much is not free, UNAVAILABLE when nobody can tell.
 */
export type Reserve = (leaving: Leaving) => Promise<Moved>;

const NOT_FREE = say(
  'not so much is free: running calls have reserved the rest; nothing was moved',
  'não há tanto livre: as chamadas em andamento reservaram o resto; nada foi movido',
);

/** Who never had a wallet has nothing, and may owe as much as anybody. Its cycle is one that no call is of. */
const noWallet = (subscriber_id: string): Wallet => ({
  subscriber_id,
  version: 0n,
  balance_micros: 0n,
  cycle_start: '2000-01-01',
  spend_day: '2000-01-01',
  spent_micros: 0n,
  left_seconds: {},
});

export function createReserve(db: Db, store: LiveCallStore, log: Log): Reserve {
  async function load({ subscriber_id, reseller_id }: Holder): Promise<void> {
    if (subscriber_id === null) return store.loadResellerWallet(await readResellerWallet(db, reseller_id));
    const wallet = (await readWallets(db, [subscriber_id])).get(subscriber_id);
    await store.loadWallet(wallet ?? noWallet(subscriber_id));
  }

  async function hold({ holder, amount, credit_micros }: Leaving, move_id: string): Promise<HoldAnswer> {
    // A Redis that somebody emptied would say that calls hold nothing.
    if (!store.ready() || !(await store.epochHolds())) return 'UNKNOWN';
    const answer = await store.holdMoney(holder, move_id, amount, credit_micros);
    if (answer !== 'UNKNOWN') return answer;
    await load(holder);
    return store.holdMoney(holder, move_id, amount, credit_micros);
  }

  return async (leaving) => {
    const move_id = randomUUID();
    const answer = await hold(leaving, move_id).catch((error: Error): HoldAnswer => {
      log.warn({ err: error }, 'money cannot be set apart');
      return 'UNKNOWN';
    });
    if (answer === 'NOT_ENOUGH')
      throw new ProblemError('CONFLICT', NOT_FREE, [{ field: 'amount_micros', message: NOT_FREE }]);
    if (answer === 'UNKNOWN')
      throw new ProblemError(
        'UNAVAILABLE',
        say(
          'what running calls have reserved is not known right now: try again; nothing was moved',
          'não se sabe agora o que as chamadas reservaram: tente de novo; nada foi movido',
        ),
      );
    return (wallet) => {
      // What is not let go of now goes by its lease.
      store
        .releaseMoney(leaving.holder, move_id, wallet)
        .catch((error: Error) => log.warn({ err: error }, 'money stays set apart until its lease ends'));
    };
  };
}
