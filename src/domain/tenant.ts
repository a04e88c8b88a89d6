/** Who acts and how far it sees: the platform operator, one reseller, or one subscriber. */
export type Tenant =
  | { readonly role: 'MASTER' }
  | { readonly role: 'RESELLER'; readonly reseller_id: string }
  | { readonly role: 'SUBSCRIBER'; readonly reseller_id: string; readonly subscriber_id: string };

export const ROLES = ['MASTER', 'RESELLER', 'SUBSCRIBER'] as const satisfies readonly Tenant['role'][];
export type Role = (typeof ROLES)[number];

/** The tenant that these columns or kept fields name; null when they name none, or contradict each other. */
export function toTenant(fields: {
  readonly role?: unknown;
  readonly reseller_id?: unknown;
  readonly subscriber_id?: unknown;
}): Tenant | null {
  const { role, reseller_id, subscriber_id } = fields;
  if (role === 'MASTER') return { role };
  if (typeof reseller_id !== 'string') return null;
  if (role === 'RESELLER') return { role, reseller_id };
  if (role !== 'SUBSCRIBER' || typeof subscriber_id !== 'string') return null;
  return { role, reseller_id, subscriber_id };
}
