import type { MinuteBundleChange, NewMinuteBundle } from '../contract/minute-bundles.ts';
import type { Tenant } from '../domain/tenant.ts';
import { lockVersion, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { requireReseller } from '../stores/postgres/resellers.ts';
import { nameDuplicate } from './name-duplicate.ts';
import { ownerOf } from './owner-of.ts';

/** Creates a franquia. Gives its id. Throws NOT_FOUND, CONFLICT. */
export async function createMinuteBundle(tx: Tx, tenant: Tenant, body: NewMinuteBundle): Promise<string> {
  const { name, included_seconds } = body;
  const reseller_id = ownerOf(tenant, body.reseller_id);
  await requireReseller(tx, reseller_id);
  const monthly_price_micros = BigInt(body.monthly_price_micros);
  const { id } = await tx
    .insertInto('minute_bundles')
    .values({ reseller_id, name, included_seconds, monthly_price_micros })
    .returning('id')
    .executeTakeFirstOrThrow()
    .catch(nameDuplicate);
  return id;
}

/** Changes the fields that are there. Throws NOT_FOUND, PRECONDITION_FAILED, CONFLICT. */
export async function changeMinuteBundle(
  tx: Tx,
  minute_bundle_id: string,
  version: number,
  change: MinuteBundleChange,
): Promise<void> {
  const { monthly_price_micros: price, ...fields } = change;
  await lockVersion(tx, 'minute_bundles', minute_bundle_id, version);
  await setColumns(tx, 'minute_bundles', minute_bundle_id, {
    ...fields,
    monthly_price_micros: price === undefined ? undefined : BigInt(price),
  }).catch(nameDuplicate);
}
