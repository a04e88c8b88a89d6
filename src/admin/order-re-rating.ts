import type { NewReRating } from '../contract/re-ratings.ts';
import type { Tenant } from '../domain/tenant.ts';
import { requireOwned } from '../stores/postgres/edit.ts';
import { insertJob } from '../stores/postgres/jobs.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { requireReseller } from '../stores/postgres/resellers.ts';
import type { Actor } from '../stores/postgres/tenancy.ts';
import { requireReferences } from './create-subscriber.ts';
import { ownerOf } from './owner-of.ts';

/** Asks for calls to be rated again. Gives the id of the job. Throws NOT_FOUND, INVALID_REQUEST. */
export async function orderReRating(
  tx: Tx,
  tenant: Tenant,
  actor: Actor,
  { reseller_id: named, ...asked }: NewReRating,
): Promise<string> {
  const reseller_id = ownerOf(tenant, named);
  await requireReseller(tx, reseller_id);
  const { subscriber_id, sales_plan_id, bundles } = asked;
  if (subscriber_id !== null)
    await requireOwned(tx, 'subscribers', subscriber_id, reseller_id, 'subscriber_id');
  await requireReferences(tx, reseller_id, {
    sales_plan_id: sales_plan_id ?? undefined,
    bundles: bundles ?? undefined,
  });
  return insertJob(tx, {
    kind: 'RE_RATE',
    reseller_id,
    actor,
    params: { reseller_id, ...asked },
    input: null,
  });
}
