import type { Bill, CallRates } from '../../domain/bill.ts';
import { formatCadence } from '../../domain/cadence.ts';
import { type Cost, type Grant, grantedSeconds } from '../../domain/charge.ts';
import type { FoundRate } from '../../domain/rate-table.ts';
import type { RecordedCost, RecordedRate } from './recorded.ts';
import type { CallRecord } from './settlements.ts';

function recordedRate(rate: FoundRate): RecordedRate {
  const { version_id, prefix, locality, price_micros_per_minute, cadence } = rate;
  return {
    version_id,
    prefix,
    locality,
    price_micros_per_minute: price_micros_per_minute.toString(),
    cadence: formatCadence(cadence),
  };
}

function recordedCost(rate: FoundRate | null, cost: Cost | null): RecordedCost | null {
  return rate && cost && { ...recordedRate(rate), billed_seconds: cost.billed_seconds };
}

/** The columns of a call record that its bill decides. */
export function billColumns({ rate, wholesale, cost }: CallRates, grant: Grant, bill: Bill) {
  return {
    ...bill.charge,
    price_micros_per_minute: rate?.price_micros_per_minute ?? null,
    cadence: rate && formatCadence(rate.cadence),
    granted_seconds: grantedSeconds(grant),
    turn_seconds: grant.after_turn?.turn_seconds ?? null,
    parts: bill.parts.map(({ cycle_start, granted, bundle_seconds, paid_seconds, total_micros }) => ({
      cycle_start,
      granted_bundle_seconds: granted.bundle_seconds,
      granted_paid_seconds: granted.paid_seconds,
      bundle_seconds,
      paid_seconds,
      total_micros: total_micros.toString(),
    })),
    sale: rate && recordedRate(rate),
    wholesale: recordedCost(wholesale, bill.wholesale),
    wholesale_micros: bill.wholesale?.total_micros ?? 0n,
    cost: recordedCost(cost, bill.cost),
    cost_micros: bill.cost?.total_micros ?? 0n,
  } satisfies Partial<CallRecord>;
}
