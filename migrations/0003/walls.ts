/* The same two walls as before (0002/walls.ts) around what is new. */
const READ = 'select';
const byReseller = 'reseller_id = own_reseller()';
const bySubscriber = 'subscriber_id = own_subscriber()';
const visible = (table: string, condition: string) => `exists (select from ${table} w where ${condition})`;

interface Wall {
  readonly master: string;
  readonly reseller?: readonly [can: string, sees: string, writes?: string];
  readonly subscriber?: readonly [can: string, sees: string];
}

const ofSalesPlan = visible('sales_plans', 'w.id = rate_versions.sales_plan_id');
const ofSubscriber = (table: string) => visible('subscribers', `w.id = ${table}.subscriber_id`);

const WALLS: Readonly<Record<string, Wall>> = {
  // A reseller looks at the plan that it buys by.
  cost_plans: {
    master: 'select, insert, update, delete',
    reseller: [READ, visible('resellers', 'w.cost_plan_id = cost_plans.id')],
  },
  rate_versions: {
    master: 'select, insert, delete',
    reseller: [
      'select, insert, delete',
      `${ofSalesPlan} or ${visible('cost_plans', 'w.id = rate_versions.cost_plan_id')}`,
      ofSalesPlan,
    ],
    subscriber: [READ, ofSalesPlan],
  },
  deck_rates: {
    master: 'select, insert',
    reseller: [
      'select, insert',
      visible('rate_versions', 'w.id = deck_rates.rate_version_id'),
      visible('rate_versions', 'w.id = deck_rates.rate_version_id and w.sales_plan_id is not null'),
    ],
    subscriber: [READ, visible('rate_versions', 'w.id = deck_rates.rate_version_id')],
  },
  reseller_wallets: { master: 'select, insert, update', reseller: [READ, byReseller] },
  bundle_allocations: {
    master: 'select, insert, update',
    reseller: ['select, insert, update', ofSubscriber('bundle_allocations')],
    subscriber: [READ, bySubscriber],
  },
  statements: { master: READ, reseller: [READ, byReseller], subscriber: [READ, bySubscriber] },
  bundle_alerts: { master: READ, reseller: [READ, byReseller], subscriber: [READ, bySubscriber] },
  jobs: { master: 'select, insert', reseller: ['select, insert', byReseller] },
  ledger_proofs: { master: READ },
};

function policy(name: string, table: string, sees: string, writes: string): string {
  return `create policy ${name} on ${table} to ${name} using (${sees}) with check (${writes});`;
}

function wallOf(table: string, { master, reseller, subscriber }: Wall): string {
  return `
    alter table ${table} enable row level security;
    alter table ${table} force row level security;
    ${policy('pabx_system', table, 'true', 'true')}
    ${policy('pabx_master', table, 'true', 'true')}
    grant ${master} on ${table} to pabx_master;
    ${reseller ? `${policy('pabx_reseller', table, reseller[1], reseller[2] ?? reseller[1])} grant ${reseller[0]} on ${table} to pabx_reseller;` : ''}
    ${subscriber ? `${policy('pabx_subscriber', table, subscriber[1], subscriber[1])} grant ${subscriber[0]} on ${table} to pabx_subscriber;` : ''}`;
}

/* Deleting needs a condition of its own: what is seen of a cost plan must not be what is deleted of it. */
const deletion = `
  create policy pabx_reseller_deletes on rate_versions as restrictive for delete to pabx_reseller using (${ofSalesPlan});
`;

/* A reseller's own movements have no subscriber; a subscriber never sees them. */
const movements = `
  drop policy pabx_reseller on ledger_movements;
  create policy pabx_reseller on ledger_movements to pabx_reseller using (${byReseller}) with check (
    ${byReseller} and exists (select from subscribers w where w.id = ledger_movements.subscriber_id));
`;

/* Cost and margin are not for subscribers, what carriers cost is not for resellers: not even as columns. */
function hideColumns(role: string, hidden: readonly string[]): string {
  const names = hidden.map((column) => `'${column}'`).join(', ');
  return `
    revoke select on calls from ${role};
    do $$ begin execute (select format('grant select (%s) on calls to ${role}', string_agg(quote_ident(attname), ', '))
      from pg_attribute where attrelid = 'calls'::regclass and attnum > 0 and not attisdropped
      and attname not in (${names})); end $$;`;
}

export const walls = [
  ...Object.entries(WALLS).map(([table, wall]) => wallOf(table, wall)),
  deletion,
  movements,
  hideColumns('pabx_reseller', ['cost', 'cost_micros']),
  hideColumns('pabx_subscriber', ['cost', 'cost_micros', 'wholesale', 'wholesale_micros', 'loss']),
];
