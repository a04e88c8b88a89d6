import { type BillPart, billCall, type CallRates } from './bill.ts';
import { talkSeconds } from './cadence.ts';
import type { BundleSlot } from './call-class.ts';
import type { Cost, Grant, PayingSource } from './charge.ts';
import type { Micros } from './money.ts';
import type { FoundRate } from './rate-table.ts';

/** What decides the bill of a call, whether it took place or is only asked about. */
export interface ReceiptFacts extends CallRates {
  readonly talk_ms: number;
  readonly slot: BundleSlot | null;
  readonly grant: Grant;
  /** First days of the cycle that it began in and of the one after it. */
  readonly cycles: readonly [began: string, next: string];
}

/** Seconds that one source paid in one cycle. */
export interface ReceiptSlice {
  readonly cycle_start: string;
  readonly source: PayingSource;
  readonly slot: BundleSlot | null;
  readonly seconds: number;
  readonly total_micros: Micros;
}

export interface Receipt {
  readonly talk_seconds: number;
  readonly billed_seconds: number;
  readonly bundle_seconds: number;
  readonly paid_seconds: number;
  readonly total_micros: Micros;
  readonly slices: readonly ReceiptSlice[];
  readonly wholesale: (FoundRate & Cost) | null;
  readonly carrier: (FoundRate & Cost) | null;
  /** What the reseller earns, and the platform: null where it is not known. */
  readonly margin_micros: Micros | null;
  readonly platform_margin_micros: Micros | null;
}

function slicesOf(part: BillPart, slot: BundleSlot | null): ReceiptSlice[] {
  const { cycle_start, bundle_seconds, paid_seconds, total_micros } = part;
  const minutes = { cycle_start, source: 'BUNDLE' as const, slot, seconds: bundle_seconds, total_micros: 0n };
  const money = { cycle_start, source: 'MONEY' as const, slot: null, seconds: paid_seconds, total_micros };
  return [minutes, money].filter(({ seconds }) => seconds > 0);
}

/** How a bill came about, by the function that billed the call. */
export function receiptOf(facts: ReceiptFacts): Receipt {
  const { talk_ms, grant, cycles, slot, wholesale, cost } = facts;
  const bill = billCall(talk_ms, facts, grant, cycles);
  return {
    ...bill.charge,
    talk_seconds: talkSeconds(talk_ms),
    slices: bill.parts.flatMap((part) => slicesOf(part, slot)),
    wholesale: wholesale && bill.wholesale && { ...wholesale, ...bill.wholesale },
    carrier: cost && bill.cost && { ...cost, ...bill.cost },
    margin_micros: bill.wholesale && bill.charge.total_micros - bill.wholesale.total_micros,
    platform_margin_micros:
      bill.wholesale && bill.cost && bill.wholesale.total_micros - bill.cost.total_micros,
  };
}
