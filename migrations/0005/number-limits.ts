/* Calls that a number may have at a time, as those of a subscriber are limited. null: there is no limit. */
export const limitsOfNumbers = [
  `
  alter table dids
    add column max_concurrent_calls integer check (max_concurrent_calls >= 0),
    add column max_concurrent_in integer check (max_concurrent_in >= 0),
    add column max_concurrent_out integer check (max_concurrent_out >= 0);
`,
];
