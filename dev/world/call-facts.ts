import { randomUUID } from 'node:crypto';
import type { CallFacts } from '../../src/calls/live-call.ts';
import type { FoundRate } from '../../src/domain/rate-table.ts';

/** R$ 0,10 a minute at 30/6/3. */
const STANDARD_RATE: FoundRate = {
  version_id: '00000000-0000-4000-8000-000000000001',
  prefix: null,
  locality: null,
  kind: null,
  price_micros_per_minute: 100_000n,
  cadence: { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
};

/** Facts of some call that is paid with money at the standard rate, unless told otherwise. */
export function factsOf(more: Partial<CallFacts> = {}): CallFacts {
  return {
    call_id: randomUUID(),
    server_id: 'server-1',
    reseller_id: randomUUID(),
    subscriber_id: randomUUID(),
    subscriber_name: 'Padaria São João',
    line_id: randomUUID(),
    extension: '201',
    trunk_id: null,
    direction: 'OUT',
    caller_number: null,
    forwarded_from: null,
    ring_group_id: null,
    ring_group_name: null,
    dialled: '1133334444',
    number: '+551133334444',
    call_class: 'FIXED_LOCAL',
    csp: null,
    plan_id: randomUUID(),
    rate: STANDARD_RATE,
    wholesale: null,
    cost: null,
    loss: false,
    slot: null,
    area_code: '11',
    billing_mode: 'POSTPAID',
    credit_micros: 0n,
    reseller_credit_micros: 0n,
    daily_cap_micros: null,
    claims: [],
    paces: [],
    longest_seconds: 14_400,
    warn_seconds: 0,
    switch_tone: false,
    cycle_start: '2026-11-01',
    next_cycle_start: '2026-12-01',
    created_at_ms: 1_700_000_000_000,
    ...more,
  };
}
