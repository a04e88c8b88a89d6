/*
 * What a subscriber's lines may spend while nobody decides: seconds of paid talk until the control plane is back, the
 * longest of such calls, how many at once, and of which classes. Nothing, as long as nobody says otherwise.
 */
const policy = `
  alter table subscribers
    add column offline_budget_seconds integer not null default 0 check (offline_budget_seconds between 0 and 86400),
    add column offline_call_seconds integer not null default 300 check (offline_call_seconds between 1 and 3600),
    add column offline_calls integer not null default 2 check (offline_calls between 1 and 100),
    add column offline_classes text[] not null
      default '{FIXED_LOCAL,FIXED_LDN,MOBILE_LOCAL,MOBILE_LDN}'
      check (offline_classes <@ '{FIXED_LOCAL,FIXED_LDN,MOBILE_LOCAL,MOBILE_LDN}');
`;

/* OFFLINE: its switch let it go by that policy, and told of it when it was over. */
const endReason = `
  alter table calls
    drop constraint calls_end_reason_check,
    add constraint calls_end_reason_check
      check (end_reason in ('HANGUP', 'EXHAUSTED', 'TOO_LONG', 'BLOCKED', 'LOST', 'SWITCH_JOURNAL', 'OFFLINE'));
`;

export const offline = [policy, endReason];
