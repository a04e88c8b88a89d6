import { randomUUID } from 'node:crypto';
import type { BundleSlot, CallClass } from '../../../src/domain/call-class.ts';
import type { CallRecord } from '../../../src/stores/postgres/settlements.ts';
import type { Tenant } from './use-tenants.ts';

interface Part {
  readonly cycle_start: string;
  readonly bundle_seconds: number;
  readonly total_micros: bigint;
  /** One second costs 1,000 micros unless told. */
  readonly paid_seconds?: number;
}

/** Record of an ended call that took these parts, one per cycle that it ran in. */
export function callOf(
  tenant: Tenant,
  parts: readonly Part[],
  more: {
    readonly call_class?: CallClass;
    readonly bundle_slot?: BundleSlot;
    readonly line_id?: string;
  } = {},
): CallRecord {
  const { username: _, ...ids } = tenant;
  const paid = (part: Part) => part.paid_seconds ?? Number(part.total_micros / 1_000n);
  const sum = (value: (part: Part) => number) => parts.reduce((total, part) => total + value(part), 0);
  const [bundle_seconds, paid_seconds] = [sum((part) => part.bundle_seconds), sum(paid)];
  const billed_seconds = bundle_seconds + paid_seconds;
  const at = new Date('2025-03-01T12:00:00Z');
  return {
    id: randomUUID(),
    ...ids,
    trunk_id: null,
    dialled: '1133334444',
    number: '+551133334444',
    call_class: 'FIXED_LOCAL',
    csp: null,
    created_at: at,
    ringing_at: null,
    answered_at: at,
    ended_at: at,
    talk_ms: billed_seconds * 1_000,
    billed_seconds,
    bundle_slot: null,
    bundle_seconds,
    paid_seconds,
    total_micros: parts.reduce((total, part) => total + part.total_micros, 0n),
    price_micros_per_minute: 60_000n,
    cadence: '1/1/0',
    granted_seconds: billed_seconds,
    end_reason: 'HANGUP',
    q850: 16,
    turn_seconds: null,
    parts: parts.map((part) => ({
      cycle_start: part.cycle_start,
      granted_bundle_seconds: part.bundle_seconds,
      granted_paid_seconds: paid(part),
      bundle_seconds: part.bundle_seconds,
      paid_seconds: paid(part),
      total_micros: part.total_micros.toString(),
    })),
    claims: [],
    sale: null,
    loss: false,
    wholesale: null,
    wholesale_micros: 0n,
    cost: null,
    cost_micros: 0n,
    ...more,
  };
}
