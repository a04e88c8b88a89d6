import {
  type Charge,
  type Cost,
  type CycleGrant,
  chargeByCycle,
  chargeCall,
  costOf,
  type Grant,
  grantedSeconds,
  NO_CHARGE,
} from './charge.ts';
import type { FoundRate } from './rate-table.ts';

/** What a call is rated by at each level; null where nothing is charged, or not known what. */
export interface CallRates {
  readonly rate: FoundRate | null;
  readonly wholesale: FoundRate | null;
  readonly cost: FoundRate | null;
}

/** What a call took in one cycle, out of what it was granted there. */
export interface BillPart extends Charge {
  readonly cycle_start: string;
  readonly granted: CycleGrant;
}

export interface Bill {
  readonly charge: Charge;
  /** One per cycle that the call was granted seconds in; none of a free call. */
  readonly parts: readonly BillPart[];
  /** What the reseller pays the platform, and the platform the carrier. */
  readonly wholesale: Cost | null;
  readonly cost: Cost | null;
}

/**
 * The whole bill of a call answered for `talk_ms`. Who buys from us pays no seconds beyond those granted, as the
 * subscriber does not; the carrier counts what it counts. `cycles`: the first days of the cycle that the call began in
 * and of the one after it.
 */
export function billCall(
  talk_ms: number,
  { rate, wholesale, cost }: CallRates,
  grant: Grant,
  cycles: readonly [began: string, next: string],
): Bill {
  const granted = rate ? grantedSeconds(grant) : 0;
  const charges = rate ? chargeByCycle(talk_ms, rate, grant) : [];
  return {
    charge: rate ? chargeCall(talk_ms, rate, grant) : NO_CHARGE,
    parts: charges.map((charge, index) => ({
      ...charge,
      cycle_start: index === 0 ? cycles[0] : cycles[1],
      granted: (index === 0 ? null : grant.after_turn) ?? grant,
    })),
    wholesale: wholesale && costOf(talk_ms, wholesale, granted),
    cost: cost && costOf(talk_ms, cost),
  };
}
