import type { LiveScope } from '../calls/live-board.ts';
import { levelOf, maskFor, PANEL_FIELDS, type Permissions } from '../domain/permissions.ts';
import type { Role, Tenant } from '../domain/tenant.ts';

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

/** Takes out of a live row, or of a call's end, what its viewer may not see: what carriers ask is the platform's. */
export function maskLive(role: Role, permissions: Permissions | null) {
  const own = maskFor('call', permissions);
  return <Row extends object>(row: Row) => {
    const { carrier: _, carrier_micros: __, ...others } = own(row) as Record<string, unknown>;
    return (role === 'MASTER' ? own(row) : others) as Row;
  };
}

/** What a viewer of the stream may see: of which rows, and what of them. */
export interface LiveView {
  readonly scope: LiveScope;
  readonly mask: <Row extends object>(row: Row) => Row;
  /** Viewers of the same name see the same of a row. */
  readonly mask_name: string;
}

export function viewOf(tenant: Tenant, permissions: Permissions | null): LiveView {
  const hidden = PANEL_FIELDS.filter(
    (field) => field.startsWith('call.') && levelOf(permissions, field) === 'HIDDEN',
  );
  return {
    scope: scopeOf(tenant),
    mask: maskLive(tenant.role, permissions),
    mask_name: [tenant.role, ...hidden].join(' '),
  };
}
