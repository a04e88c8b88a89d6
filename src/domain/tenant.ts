/** Who acts and how far it sees: the platform operator, one reseller, or one subscriber. */
export type Tenant =
  | { readonly role: 'MASTER' }
  | { readonly role: 'RESELLER'; readonly reseller_id: string }
  | { readonly role: 'SUBSCRIBER'; readonly reseller_id: string; readonly subscriber_id: string };

export const ROLES = ['MASTER', 'RESELLER', 'SUBSCRIBER'] as const satisfies readonly Tenant['role'][];
export type Role = (typeof ROLES)[number];
