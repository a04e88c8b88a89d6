/* Which way a call went; all that were made before went out. `caller_number`: what the caller of an inbound one showed. */
const columns = (table: string) => `
  alter table ${table}
    add column direction text not null default 'OUT' check (direction in ('OUT', 'IN')),
    add column caller_number text check (caller_number ~ '^[+]?[0-9]{1,16}$'),
    add constraint ${table}_caller_number_direction check (caller_number is null or direction = 'IN');
`;

/* A class of its own for calls that nobody dialled here; no line can be allowed it and no plan can price it. */
const callClass = `
  alter table calls drop constraint calls_call_class_check;
  alter table calls add constraint calls_call_class_check check (call_class in ('FIXED_LOCAL', 'FIXED_LDN',
    'MOBILE_LOCAL', 'MOBILE_LDN', 'INTL_FIXED', 'INTL_MOBILE', 'INTERNAL', 'EMERGENCY', 'PUBLIC_UTILITY', 'TOLL_FREE',
    'SHARED_COST', 'PREMIUM', 'COLLECT', 'INTL_SPECIAL', 'INBOUND'));
  alter table calls add constraint calls_inbound_class check ((call_class = 'INBOUND') = (direction = 'IN'));
`;

/* Since 0003 these roles have been given the columns of calls one by one. */
const grants = `
  grant select (direction, caller_number) on calls to pabx_reseller, pabx_subscriber;
`;

export const inbound = [columns('calls'), columns('refusals'), callClass, grants];
