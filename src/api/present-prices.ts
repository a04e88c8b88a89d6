import type { RateVersion } from '../contract/prices.ts';
import type { PriceColumns, VersionRow } from '../stores/postgres/plan-versions.ts';

/** A plan of either kind as it goes over the wire. */
export function presentPlan<Row extends PriceColumns & { created_at: Date }>(row: Row) {
  return {
    ...row,
    valid_from: row.valid_from?.toISOString() ?? null,
    next_valid_from: row.next_valid_from?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}

export function presentVersion(row: VersionRow): RateVersion {
  return { ...row, valid_from: row.valid_from.toISOString(), created_at: row.created_at.toISOString() };
}
