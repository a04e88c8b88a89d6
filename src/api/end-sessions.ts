import type { SessionStore } from '../stores/redis/sessions.ts';

/** Whose sessions end: of everybody who belongs to a tenant or acts as it. */
export type EndSessions = (
  tenant: { readonly reseller_id: string } | { readonly subscriber_id: string },
) => void;

/** Who lost the right to be here is out at once. Redis being away is told to `onFailure`; the change itself stands. */
export function createEndSessions(sessions: SessionStore, onFailure: (error: Error) => void): EndSessions {
  return (tenant) => void sessions.revokeTenant(tenant).catch(onFailure);
}
