import WebSocket from 'ws';
import { factsOf } from '../../dev/world/call-facts.ts';
import { type CallFacts, type LiveCall, newLiveCall } from '../../src/calls/live-call.ts';
import { hearLive, type LiveMessage, type LiveState, NO_LIVE_STATE } from '../../src/contract/live.ts';
import { NO_CHARGE, NO_GRANT } from '../../src/domain/charge.ts';
import type { TestApi } from './use-api.ts';

export const NO_BILL = { charge: NO_CHARGE, parts: [], wholesale: null, cost: null } as const;

/** A call of some household that costs nothing, unless told otherwise. */
export function callOf(
  { subscriber_id, reseller_id }: { readonly subscriber_id: string; readonly reseller_id: string },
  call_id: string,
  more: Partial<CallFacts> = {},
): LiveCall {
  const ids = { call_id, subscriber_id, reseller_id, server_id: subscriber_id, line_id: subscriber_id };
  return newLiveCall(factsOf({ ...ids, rate: null, ...more }), NO_GRANT, 0, false);
}

/** A viewer over a real socket, with every message and what it knows by them. */
export async function watchLive(api: TestApi, key: string, query = '') {
  const headers = { authorization: `Bearer ${key}` };
  const socket = new WebSocket(`ws://127.0.0.1:${api.port}/api/v1/live${query}`, { headers });
  const messages: LiveMessage[] = [];
  let state: LiveState = NO_LIVE_STATE;
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString()) as LiveMessage;
    messages.push(message);
    state = hearLive(state, message);
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return { socket, messages, closed, state: () => state, ids: () => [...state.calls.keys()].sort() };
}
