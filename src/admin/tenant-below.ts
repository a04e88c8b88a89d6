import type { Tenant } from '../domain/tenant.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

/**
 * The tenant that something new is for: one's own, or one below it. Throws NOT_FOUND for any other, in the same
 * words as for none.
 */
export async function tenantBelow(
  tx: Tx,
  tenant: Tenant,
  named: { readonly reseller_id?: string | undefined; readonly subscriber_id?: string | undefined },
): Promise<Tenant> {
  const { reseller_id, subscriber_id } = named;
  if (subscriber_id !== undefined) {
    const row = await tx
      .selectFrom('subscribers')
      .select(['id', 'reseller_id'])
      .where('id', '=', subscriber_id)
      .executeTakeFirst();
    if (!row || (reseller_id !== undefined && reseller_id !== row.reseller_id))
      throw notFound('subscriber_id');
    return { role: 'SUBSCRIBER', reseller_id: row.reseller_id, subscriber_id: row.id };
  }
  if (reseller_id === undefined) return tenant;
  const row = await tx.selectFrom('resellers').select('id').where('id', '=', reseller_id).executeTakeFirst();
  if (!row || tenant.role === 'SUBSCRIBER') throw notFound('reseller_id');
  return { role: 'RESELLER', reseller_id: row.id };
}
