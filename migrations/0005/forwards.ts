/* Where a line's calls go on to: an extension of its subscriber or a number, as the line would dial it. null: nowhere. */
const destination = (when: string) =>
  `add column forward_${when} text check (forward_${when} ~ '^[+]?[0-9]{2,20}$')`;

const lines = `
  alter table lines
    ${['always', 'busy', 'no_answer', 'offline'].map(destination).join(',\n    ')},
    add column forward_no_answer_seconds integer not null default 20
      check (forward_no_answer_seconds between 5 and 120);
  grant select (forward_always, forward_busy, forward_no_answer, forward_offline, forward_no_answer_seconds) on lines
    to pabx_master, pabx_reseller, pabx_subscriber;
`;

/* The call that a line sent on, of the one that it made by that. */
const records = `
  alter table calls add column forwarded_from text;
  alter table refusals add column forwarded_from text;
  grant select (forwarded_from) on calls to pabx_reseller, pabx_subscriber;
`;

export const forwards = [lines, records];
