import { formatReais, MICROS_PER_REAL } from '../../src/domain/money.ts';
import type { Api, Subscriber } from './api.ts';
import type { Board } from './board.ts';

/** Small for prepaid, so that it ends again; the others reach their limit only after hours. */
const AMOUNT: Readonly<Record<Subscriber['billing_mode'], bigint>> = {
  PREPAID: MICROS_PER_REAL,
  POSTPAID: 100n * MICROS_PER_REAL,
  BUNDLE: 100n * MICROS_PER_REAL,
};
const AFTER_ms = 8_000;

export interface Recharge {
  /** A call of this subscriber was refused for want of money: in a while it pays some in. */
  wanted(subscriber_id: string): void;
  stop(): void;
}

/** Plays the subscriber that tops up when it cannot call any more, by the API as a payment gateway would. */
export function createRecharge(api: Api, board: () => Board): Recharge {
  const waiting = new Map<string, NodeJS.Timeout>();
  let paid = 0;

  async function pay(subscriber_id: string): Promise<void> {
    const subscriber = board().subscribers.find(({ id }) => id === subscriber_id);
    if (!subscriber) return;
    const amount = AMOUNT[subscriber.billing_mode];
    await api.topUp(subscriber_id, amount, `demo ${++paid}`);
    board().tell(`${subscriber.name}: recarga de ${formatReais(amount)}`);
  }

  return {
    wanted(subscriber_id) {
      if (waiting.has(subscriber_id)) return;
      const timer = setTimeout(() => {
        waiting.delete(subscriber_id);
        pay(subscriber_id).catch((error: Error) => board().tell(`recarga falhou: ${error.message}`));
      }, AFTER_ms);
      waiting.set(subscriber_id, timer);
    },
    stop() {
      for (const timer of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
