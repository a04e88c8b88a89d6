import { sql } from 'kysely';
import type { Payer } from '../../domain/ledger.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';

/** A subscriber whose slots hold bundles, and the day on which its cycles begin. */
export interface BundleHolder extends Payer {
  readonly cycle_day: number;
}

/** null: it has no bundles, or is not of the modality that uses them. */
export async function findBundleHolder(tx: Tx, subscriber_id: string): Promise<BundleHolder | null> {
  const { rows } = await sql<BundleHolder>`
    select id as subscriber_id, reseller_id, cycle_day from subscribers s
    where id = ${subscriber_id} and billing_mode = 'BUNDLE'
      and exists (select from bundle_slots b where b.subscriber_id = s.id)`.execute(tx);
  return rows[0] ?? null;
}

/** Subscribers with a slot that has no minutes of the cycle of `now` yet. */
export async function listToOpen(db: Db, now: Date): Promise<BundleHolder[]> {
  const { rows } = await sql<BundleHolder>`
    select s.id as subscriber_id, s.reseller_id, s.cycle_day
    from subscribers s
    where s.billing_mode = 'BUNDLE' and s.status <> 'INACTIVE' and exists (
      select from bundle_slots b where b.subscriber_id = s.id and not exists (
        select from bundle_allocations a where a.subscriber_id = b.subscriber_id and a.slot = b.slot
          and a.included_seconds > 0 and a.cycle_start
            >= cycle_start_of(s.cycle_day, (${now}::timestamptz at time zone 'America/Sao_Paulo')::date)))
    order by s.id`.execute(db);
  return rows;
}
