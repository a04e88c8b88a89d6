import { WebSocket } from 'ws';
import type { z } from 'zod';
import { listRefusalsRoute, type refusalSchema } from '../../src/contract/calls.ts';
import { createClient } from '../../src/contract/client.ts';
import { type LiveMessage, liveMessageSchema } from '../../src/contract/live.ts';
import { type Subscriber as AnySubscriber, listSubscribersRoute } from '../../src/contract/subscribers.ts';
import { topUpRoute } from '../../src/contract/top-ups.ts';

export type Refusal = z.infer<typeof refusalSchema>;

/** As the master sees it, from whom nothing is hidden. */
type Shown = 'billing_mode' | 'balance_micros' | 'bundles';
export type Subscriber = Omit<AnySubscriber, Shown> & { [K in Shown]: NonNullable<AnySubscriber[K]> };

function whole(subscriber: AnySubscriber): Subscriber {
  const { billing_mode, balance_micros, bundles } = subscriber;
  if (billing_mode === undefined || balance_micros === undefined || bundles === undefined)
    throw new Error('the master was not shown a subscriber whole');
  return { ...subscriber, billing_mode, balance_micros, bundles };
}

/** The control plane as any program outside sees it: HTTP and the live socket, with a token. */
export interface Api {
  subscribers(): Promise<Subscriber[]>;
  refusals(limit: number): Promise<Refusal[]>;
  topUp(subscriber_id: string, amount_micros: bigint, reference: string): Promise<void>;
  /** Follows the live calls, and connects again whenever the link breaks. */
  watchLive(deliver: (message: LiveMessage) => void): { close(): void };
}

const TIMEOUT_ms = 5_000;
const RECONNECT_ms = 1_000;

export function createApi(url: string, token: string): Api {
  const headers = { authorization: `Bearer ${token}` };
  const call = createClient(
    url,
    (address, init) => fetch(address, { ...init, signal: AbortSignal.timeout(TIMEOUT_ms) }),
    headers,
  );

  return {
    subscribers: async () => (await call(listSubscribersRoute)).items.map(whole),
    refusals: async (limit) => (await call(listRefusalsRoute, { query: { limit } })).items,
    async topUp(subscriber_id, amount_micros, reference) {
      await call(topUpRoute, {
        params: { subscriber_id },
        body: { amount_micros: String(amount_micros), reference },
        idempotency_key: `${subscriber_id}/${reference.replaceAll(' ', '-')}`,
      });
    },
    watchLive(deliver) {
      let socket: WebSocket | null = null;
      let timer: NodeJS.Timeout | null = null;
      let closed = false;
      const connect = () => {
        socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/v1/live`, { headers });
        socket.on('message', (data) => deliver(liveMessageSchema.parse(JSON.parse(String(data)))));
        // Each failure also closes.
        socket.on('error', () => {});
        socket.on('close', () => {
          if (!closed) timer = setTimeout(connect, RECONNECT_ms);
        });
      };
      connect();
      return {
        close() {
          closed = true;
          if (timer) clearTimeout(timer);
          socket?.terminate();
        },
      };
    },
  };
}
