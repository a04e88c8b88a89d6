import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Tenant } from '../domain/tenant.ts';
import { notFound } from '../stores/postgres/edit.ts';

/** The reseller that something new belongs to: one's own, or the one that the master names. */
export function ownerOf(tenant: Tenant, reseller_id: string | undefined): string {
  if (tenant.role === 'MASTER' && reseller_id !== undefined) return reseller_id;
  if (tenant.role !== 'MASTER' && (reseller_id === undefined || reseller_id === tenant.reseller_id))
    return tenant.reseller_id;
  if (tenant.role !== 'MASTER') throw notFound('reseller_id');
  const message = say('say whose it will be', 'diga de quem será');
  throw new ProblemError('INVALID_REQUEST', message, [{ field: 'reseller_id', message }]);
}
