import type { LiveScope } from '../calls/live-board.ts';
import type { Tenant } from '../domain/tenant.ts';

/** The live rows that a tenant may see. */
export function scopeOf(tenant: Tenant): LiveScope {
  switch (tenant.role) {
    case 'MASTER':
      return {};
    case 'RESELLER':
      return { reseller_id: tenant.reseller_id };
    case 'SUBSCRIBER':
      return { subscriber_id: tenant.subscriber_id };
  }
}
