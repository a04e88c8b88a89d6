import { WebSocket } from 'ws';
import type { z } from 'zod';
import { listRefusalsRoute, type refusalSchema } from '../../src/contract/calls.ts';
import { type LiveMessage, liveMessageSchema } from '../../src/contract/live.ts';
import type { Route } from '../../src/contract/route.ts';
import { listSubscribersRoute, type Subscriber, topUpRoute } from '../../src/contract/subscribers.ts';

export type Refusal = z.infer<typeof refusalSchema>;

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

  async function ask<R extends Route>(route: R, path: string, body?: object): Promise<z.output<R['reply']>> {
    const response = await fetch(`${url}${path}`, {
      method: route.method,
      signal: AbortSignal.timeout(TIMEOUT_ms),
      headers: body ? { ...headers, 'content-type': 'application/json' } : headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${route.method} ${path} was answered with ${response.status}`);
    return route.reply.parse(await response.json()) as z.output<R['reply']>;
  }

  return {
    subscribers: async () => (await ask(listSubscribersRoute, listSubscribersRoute.path)).items,
    refusals: async (limit) =>
      (await ask(listRefusalsRoute, `${listRefusalsRoute.path}?limit=${limit}`)).items,
    async topUp(subscriber_id, amount_micros, reference) {
      const path = topUpRoute.path.replace(':id', subscriber_id);
      await ask(topUpRoute, path, { amount_micros: String(amount_micros), reference });
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
