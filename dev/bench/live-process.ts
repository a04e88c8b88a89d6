import { randomUUID } from 'node:crypto';
import { type CallFacts, type LiveCall, newLiveCall } from '../../src/calls/live-call.ts';
import { readConfig } from '../../src/config.ts';
import { startService } from '../../src/context.ts';
import { NO_GRANT } from '../../src/domain/charge.ts';
import type { FoundRate } from '../../src/domain/rate-table.ts';
import { factsOf } from '../world/call-facts.ts';

/*
 * The whole service, with calls on its board that nobody makes: its parent says how many rows there are, how many of
 * them change a second, and asks for its memory. A row's `dialled` is when it changed, in ms since 1970.
 */

export interface LiveOrder {
  readonly reseller_id: string;
  readonly subscriber_id: string;
  readonly rows: number;
  readonly changes_per_second: number;
}

export type LiveRequest = LiveOrder | 'MEMORY';

const TICK_ms = 10;
const RATE: FoundRate = {
  version_id: randomUUID(),
  prefix: '55119',
  locality: 'São Paulo celular',
  kind: 'MOBILE',
  price_micros_per_minute: 350_000n,
  cadence: { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
};

function rowOf({ reseller_id, subscriber_id }: LiveOrder, extension: number): CallFacts {
  return factsOf({
    ...{ reseller_id, subscriber_id, extension: String(extension), created_at_ms: Date.now() },
    ...{ number: '+5511987654321', call_class: 'MOBILE_LOCAL', rate: RATE, wholesale: RATE, cost: RATE },
  });
}

const service = await startService(readConfig());
let calls: LiveCall[] = [];

function change(index: number): void {
  const before = calls[index];
  if (!before) return;
  const call = { ...before, facts: { ...before.facts, dialled: String(Date.now()) } };
  calls[index] = call;
  service.calls.board.upsert(call);
}

function begin(order: LiveOrder): void {
  calls = Array.from({ length: order.rows }, (_, index) =>
    newLiveCall(rowOf(order, 200 + index), NO_GRANT, 0, false),
  );
  for (const index of calls.keys()) change(index);
  const begun_ms = performance.now();
  let changed = 0;
  setInterval(() => {
    const due = ((performance.now() - begun_ms) / 1_000) * order.changes_per_second;
    for (; changed < due; changed += 1) change(changed % calls.length);
  }, TICK_ms);
}

process.on('message', (request: LiveRequest) => {
  if (request === 'MEMORY') {
    process.send?.({ resident_bytes: process.memoryUsage().rss });
  } else begin(request);
});
process.on('disconnect', () => void service.close().then(() => process.exit(0)));
process.send?.({ url: service.url });
