import type { LiveScope } from '../calls/live-board.ts';
import type { LiveCallRow, LiveMessage } from '../contract/live.ts';
import { maskFor, type Permissions } from '../domain/permissions.ts';
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

/** A message of the live stream as this viewer may see it. */
export function maskMessage(message: LiveMessage, mask: <Row extends object>(row: Row) => Row): LiveMessage {
  switch (message.type) {
    case 'snapshot':
      return { ...message, calls: message.calls.map((call): LiveCallRow => mask(call)) };
    case 'upsert':
      return { ...message, call: mask(message.call) };
    case 'remove':
      return mask(message);
  }
}
