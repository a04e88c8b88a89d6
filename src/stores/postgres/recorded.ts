import type { CallClass } from '../../domain/call-class.ts';

/* Shapes that are kept as JSON. Amounts are text there: JSON would round what is large. */

/** The price of a class, its amount as text: JSON would round what is large. */
export interface ClassRate {
  readonly call_class: CallClass;
  readonly price_micros_per_minute: string;
  readonly initial_seconds: number;
  readonly increment_seconds: number;
  readonly free_threshold_seconds: number;
}

/** What a call took in one cycle, and what was granted to it there. */
export interface RecordedPart {
  readonly cycle_start: string;
  readonly granted_bundle_seconds: number;
  readonly granted_paid_seconds: number;
  readonly bundle_seconds: number;
  readonly paid_seconds: number;
  readonly total_micros: string;
}

/** The rate that a call was rated by. */
export interface RecordedRate {
  readonly version_id: string;
  readonly prefix: string | null;
  readonly locality: string | null;
  readonly price_micros_per_minute: string;
  readonly cadence: string;
}

export interface RecordedCost extends RecordedRate {
  readonly billed_seconds: number;
}
