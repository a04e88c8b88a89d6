/* What the payer of a call hears of it: a warning so long before it is cut, a tone when money pays after minutes. */
export const tones = [
  `
  alter table subscribers
    add column warn_seconds integer not null default 10 check (warn_seconds between 0 and 60),
    add column switch_tone boolean not null default false;
`,
];
