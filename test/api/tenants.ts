import { addServer } from '../../src/admin/add-server.ts';
import { createApiKeyRoute } from '../../src/contract/api-keys.ts';
import type { Client } from '../../src/contract/client.ts';
import { createCostPlanRoute } from '../../src/contract/cost-plans.ts';
import { importSalesDeckRoute } from '../../src/contract/decks.ts';
import { createLineRoute } from '../../src/contract/lines.ts';
import { createMinuteBundleRoute } from '../../src/contract/minute-bundles.ts';
import { createNumberRoute } from '../../src/contract/numbers.ts';
import { createPermissionProfileRoute } from '../../src/contract/permission-profiles.ts';
import { createResellerRoute, type Reseller } from '../../src/contract/resellers.ts';
import { createRingGroupRoute } from '../../src/contract/ring-groups.ts';
import { createSalesPlanRoute } from '../../src/contract/sales-plans.ts';
import { createSubscriberRoute } from '../../src/contract/subscribers.ts';
import { topUpRoute } from '../../src/contract/top-ups.ts';
import { createTrunkRoute } from '../../src/contract/trunks.ts';
import { createUserRoute } from '../../src/contract/users.ts';
import { PANEL_FIELD_FACTS, PANEL_FIELDS, type PermissionSet } from '../../src/domain/permissions.ts';
import { settleCalls } from '../../src/stores/postgres/settlements.ts';
import { BY_TENTHS, billedRecord } from '../stores/postgres/use-tenants.ts';
import type { TestApi } from './use-api.ts';

/** One of everything that belongs to one reseller and one subscriber, by the name of its path parameter. */
export interface Household {
  readonly name: string;
  readonly reseller_id: string;
  readonly subscriber_id: string;
  readonly sales_plan_id: string;
  /** The prices of the sales plan. */
  readonly version_id: string;
  /** What the reseller buys by. */
  readonly cost_plan_id: string;
  readonly minute_bundle_id: string;
  readonly permission_profile_id: string;
  readonly line_id: string;
  readonly ring_group_id: string;
  readonly did_id: string;
  readonly user_id: string;
  readonly api_key_id: string;
  /** Of a call that `addCall` records. */
  readonly call_id: string;
  readonly statement_id: string;
  /** The import of a deck with faults, which changes nothing. */
  readonly job_id: string;
  /** Of the brake, and what its subscriber was told of it. */
  readonly block_id: string;
  readonly notice_id: string;
}

/** Everything that can be granted, so that a wall is tested and not a permission. */
export const EVERYTHING: PermissionSet = Object.fromEntries(
  PANEL_FIELDS.map((field) => [field, { level: PANEL_FIELD_FACTS[field].levels.at(-1) ?? 'READ' }]),
);

let serial = 0;
const CNPJS = ['11222333000181', '11444777000161', '33000167000101', '12ABC34501DE35', '1A2B3C4D000179'];

const RATES = [
  {
    call_class: 'FIXED_LOCAL',
    price_micros_per_minute: '100000',
    initial_seconds: 30,
    increment_seconds: 6,
    free_threshold_seconds: 3,
  },
] as const;

/** Of a month in which nothing happened: no route makes statements. */
async function addStatement(
  api: TestApi,
  of: { readonly reseller_id: string; readonly subscriber_id: string },
): Promise<string> {
  const { id } = await api.database.db
    .insertInto('statements')
    .values({
      ...of,
      cycle_start: '2025-03-01',
      cycle_end: '2025-04-01',
      last_movement_id: 0n,
      opening_balance_micros: 0n,
      closing_balance_micros: 0n,
      due_micros: 0n,
      due_on: '2025-04-10',
      block_on: '2025-04-20',
      lines: JSON.stringify({ usage: [], bundles: [], totals: [] }),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** The brake blocked the line's calls abroad, and told its subscriber. */
async function addBlock(
  api: TestApi,
  of: { readonly reseller_id: string; readonly subscriber_id: string; readonly line_id: string },
): Promise<Pick<Household, 'block_id' | 'notice_id'>> {
  const { db } = api.database;
  const { id: block_id } = await db
    .insertInto('blocks')
    .values({
      ...of,
      direction: 'OUT',
      call_classes: ['INTL_FIXED'],
      reason: 'SUSPICION',
      origin: 'BRAKE',
      detail: JSON.stringify({ group: 'ABROAD', level: 'LINE', score: 6, signs: [] }),
      created_by: 'brake',
      ends_at: new Date(Date.now() + 3_600_000),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const { id: notice_id } = await db
    .insertInto('notices')
    .values({
      ...of,
      audience: 'SUBSCRIBER',
      kind: 'CALLS_BLOCKED',
      block_id,
      subject: 'Bloqueio',
      body: 'Bloqueio',
      recipients: '[]',
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { block_id, notice_id };
}

/** A subscriber of a reseller with a plan, and one of everything it can have. */
export async function addHousehold(
  api: TestApi,
  master: Client,
  { id: reseller_id, cost_plan_id }: Pick<Reseller, 'id' | 'cost_plan_id'>,
): Promise<Household> {
  serial += 1;
  const name = `Casa ${serial}`;
  const plan = await master(createSalesPlanRoute, {
    body: {
      reseller_id,
      name: `Plano ${serial}`,
      rates: [...RATES],
    },
  });
  const bundle = await master(createMinuteBundleRoute, {
    body: { reseller_id, name: `Franquia ${serial}`, included_seconds: 6_000, monthly_price_micros: '0' },
  });
  const profile = await master(createPermissionProfileRoute, {
    body: { reseller_id, name: `Perfil ${serial}`, permissions: EVERYTHING },
  });
  const subscriber = await master(createSubscriberRoute, {
    body: {
      reseller_id,
      name,
      person_type: 'COMPANY',
      document: CNPJS[serial % CNPJS.length] ?? '',
      billing_mode: 'BUNDLE',
      sales_plan_id: plan.id,
      max_concurrent_calls: 5,
      bundles: [{ slot: 'FIXED_LOCAL', bundle_id: bundle.id }],
      contacts: [{ name: `Contato ${serial}`, email: `contato${serial}@example.com` }],
      permission_profile_id: profile.id,
      access: { username: `assinante${serial}` },
    },
  });
  const subscriber_id = subscriber.id;
  const line = await master(createLineRoute, {
    body: { subscriber_id, extension: '201', name: `Ramal ${serial}`, area_code: '11' },
  });
  const number = await master(createNumberRoute, {
    body: {
      reseller_id,
      subscriber_id,
      number: `+55113333${String(1000 + serial)}`,
      target_line_id: line.id,
    },
  });
  const group = await master(createRingGroupRoute, {
    body: { subscriber_id, extension: '300', name: `Grupo ${serial}`, member_line_ids: [line.id] },
  });
  const user = await master(createUserRoute, {
    body: { reseller_id, username: `revenda${serial}`, name: `Pessoa ${serial}` },
  });
  const key = await master(createApiKeyRoute, {
    body: { subscriber_id, name: `Chave ${serial}`, scopes: ['READ'], expires_at: null },
  });
  const job = await master(importSalesDeckRoute, {
    params: { sales_plan_id: plan.id },
    body: Buffer.from('no deck'),
  });
  await master(topUpRoute, {
    params: { subscriber_id },
    body: { amount_micros: '1000000', reference: 'primeira' },
    idempotency_key: `casa ${serial}`.replace(' ', '-'),
  });
  const statement_id = await addStatement(api, { reseller_id, subscriber_id });
  return {
    name,
    reseller_id,
    subscriber_id,
    sales_plan_id: plan.id,
    version_id: plan.version_id ?? '',
    cost_plan_id: cost_plan_id ?? '',
    minute_bundle_id: bundle.id,
    permission_profile_id: profile.id,
    line_id: line.id,
    ring_group_id: group.id,
    did_id: number.id,
    user_id: user.id,
    api_key_id: key.id,
    call_id: `call-${serial}`,
    statement_id,
    job_id: job.id,
    ...(await addBlock(api, { reseller_id, subscriber_id, line_id: line.id })),
  };
}

/** Records the call of a household: 100 s of minutes and 62 s paid, which its reseller bought at half the price. */
export async function addCall(api: TestApi, server_id: string, of: Household): Promise<void> {
  const { reseller_id, subscriber_id, line_id, sales_plan_id, call_id: id } = of;
  const owner = { server_id, reseller_id, subscriber_id, line_id, sales_plan_id, username: '' };
  const ended = {
    talk_ms: 160_000,
    grant: { bundle_seconds: 100, paid_seconds: 80 },
    bundle_slot: 'FIXED_LOCAL',
    rate: BY_TENTHS,
    wholesale: { ...BY_TENTHS, price_micros_per_minute: 50_000n },
  } as const;
  await settleCalls(api.database.db, [billedRecord(owner, ended, { id })]);
}

export interface Town {
  readonly ours: Household;
  /** Another subscriber of our reseller. */
  readonly neighbour: Household;
  /** Of another reseller. */
  readonly stranger: Household;
  readonly server_id: string;
  readonly trunk_id: string;
  readonly keys: { readonly master: string; readonly reseller: string; readonly subscriber: string };
}

/** Two resellers, three subscribers and one of everything for each, made through the API itself. */
export async function addTown(api: TestApi): Promise<Town> {
  const server = await addServer(api.database.db, {
    name: 'town',
    ari_url: 'http://127.0.0.1:1',
    ami_host: '127.0.0.1',
    ami_port: 1,
  });
  const masterKey = await api.key({ role: 'MASTER' });
  const master = api.client(masterKey);
  const reseller = async (name: string) => {
    const { id } = await master(createCostPlanRoute, { body: { name: `Custo ${name}`, rates: [...RATES] } });
    return master(createResellerRoute, { body: { name, max_concurrent_calls: 100, cost_plan_id: id } });
  };
  const [first, second] = [await reseller('Revenda Um'), await reseller('Revenda Dois')];
  const ours = await addHousehold(api, master, first);
  const neighbour = await addHousehold(api, master, first);
  const stranger = await addHousehold(api, master, second);
  const trunk = await master(createTrunkRoute, {
    body: {
      server_id: server.id,
      code: 'trunk1',
      name: 'Operadora',
      host: '127.0.0.1',
      port: 5060,
      max_concurrent_calls: 10,
    },
  });
  const { reseller_id, subscriber_id } = ours;
  return {
    ours,
    neighbour,
    stranger,
    server_id: server.id,
    trunk_id: trunk.id,
    keys: {
      master: masterKey,
      reseller: await api.key({ role: 'RESELLER', reseller_id }),
      subscriber: await api.key({ role: 'SUBSCRIBER', reseller_id, subscriber_id }),
    },
  };
}
