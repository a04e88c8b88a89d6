import { randomUUID } from 'node:crypto';
import { DEFAULT_CLASSES } from '../contract/lines.ts';
import type { BillingMode } from '../domain/authorize.ts';
import { billCall } from '../domain/bill.ts';
import type { Cadence } from '../domain/cadence.ts';
import type { BundleSlot, CallClass } from '../domain/call-class.ts';
import { cycleStart, nextCycleStart } from '../domain/cycle.ts';
import { MICROS_PER_REAL } from '../domain/money.ts';
import type { Rate } from '../domain/rate-table.ts';
import { billColumns } from '../stores/postgres/call-record.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { addClassVersion } from '../stores/postgres/rate-versions.ts';
import { type CallRecord, settleCalls } from '../stores/postgres/settlements.ts';
import { openWallet } from '../stores/postgres/wallets.ts';
import { createLine } from './create-line.ts';
import { topUp } from './top-up.ts';

export const SEED_RESELLER = 'Revenda Horizonte Voz';

export interface SeededLine {
  readonly line_id: string;
  readonly extension: string;
  readonly area_code: string;
  readonly allowed_classes: readonly CallClass[];
  readonly sip_username: string;
  /** Known here only: the database has its digest. */
  readonly sip_password: string;
}

export interface SeededSubscriber {
  readonly subscriber_id: string;
  readonly name: string;
  readonly billing_mode: BillingMode;
  readonly lines: readonly SeededLine[];
}

export interface Seeded {
  readonly reseller_id: string;
  readonly subscribers: readonly SeededSubscriber[];
}

/** The reseller of the seed is in this database already; nothing was changed. */
export class AlreadySeededError extends Error {
  override readonly name = 'AlreadySeededError';
  constructor() {
    super(`the reseller ${SEED_RESELLER} exists: this database has been seeded before`);
  }
}

const reais = (cents: number) => (MICROS_PER_REAL / 100n) * BigInt(cents);
const minutes = (count: number) => count * 60;

const BY_TENTHS: Cadence = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
const BY_MINUTES: Cadence = { initial_seconds: 60, increment_seconds: 60, free_threshold_seconds: 0 };

const PLANS = ['Essencial', 'Empresarial'] as const;
type PlanName = (typeof PLANS)[number];

/**
 * Cents per minute in each plan, and the cadence. Collect and special international have no price: without a rate
 * a call is refused.
 */
const RATES: readonly (readonly [CallClass, Readonly<Record<PlanName, number>>, Cadence])[] = [
  ['FIXED_LOCAL', { Essencial: 8, Empresarial: 5 }, BY_TENTHS],
  ['FIXED_LDN', { Essencial: 12, Empresarial: 9 }, BY_TENTHS],
  ['MOBILE_LOCAL', { Essencial: 35, Empresarial: 24 }, BY_TENTHS],
  ['MOBILE_LDN', { Essencial: 45, Empresarial: 32 }, BY_TENTHS],
  ['INTL_FIXED', { Essencial: 95, Empresarial: 70 }, BY_TENTHS],
  ['INTL_MOBILE', { Essencial: 180, Empresarial: 140 }, BY_TENTHS],
  ['PUBLIC_UTILITY', { Essencial: 8, Empresarial: 5 }, BY_TENTHS],
  ['SHARED_COST', { Essencial: 15, Empresarial: 12 }, BY_MINUTES],
  ['PREMIUM', { Essencial: 390, Empresarial: 390 }, BY_MINUTES],
];

/** Franquias: included minutes and monthly price in cents. */
const BUNDLES = {
  'Fixo 200': [200, 19_90],
  'Fixo 100': [100, 12_90],
  'Móvel 100': [100, 29_90],
  'Móvel 60': [60, 19_90],
  'LDN 60': [60, 9_90],
  'DDI 30': [30, 24_90],
} as const;
type BundleName = keyof typeof BUNDLES;

interface SubscriberSpec {
  readonly name: string;
  readonly billing_mode: BillingMode;
  readonly plan: PlanName;
  readonly max_calls: number;
  readonly cycle_day?: number;
  readonly credit_cents?: number;
  readonly top_up_cents?: number;
  readonly slots?: Partial<Record<BundleSlot, BundleName>>;
  readonly ldn_uses_local?: true;
  /** Seconds that its first line talked in this cycle before now. Whole tenths of a minute, 30 s at least. */
  readonly talked?: Partial<Record<BundleSlot, number>>;
  /** By extension. */
  readonly lines: Readonly<Record<string, LineSpec>>;
}

/** Simultaneous calls are 1 unless told; `also` are classes beyond the usual ones. */
type LineSpec = readonly [name: string, area_code: string, max_calls?: number, also?: readonly CallClass[]];

const ABROAD: readonly CallClass[] = ['INTL_FIXED', 'INTL_MOBILE'];

const SUBSCRIBERS: readonly SubscriberSpec[] = [
  {
    name: 'Clínica Sorriso Odontologia',
    billing_mode: 'BUNDLE',
    plan: 'Empresarial',
    max_calls: 8,
    credit_cents: 150_00,
    slots: {
      FIXED_LOCAL: 'Fixo 200',
      FIXED_LDN: 'LDN 60',
      MOBILE_LOCAL: 'Móvel 100',
      MOBILE_LDN: 'Móvel 60',
    },
    talked: { FIXED_LOCAL: minutes(43), MOBILE_LOCAL: minutes(71) + 36 },
    lines: { 201: ['Recepção', '11', 2], 202: ['Agendamento', '11', 2], 203: ['Financeiro', '11'] },
  },
  {
    // Nearly out of minutes: 48 s of mobile calls are left, and money comes after them.
    name: 'Moura & Lins Advocacia',
    billing_mode: 'BUNDLE',
    plan: 'Essencial',
    max_calls: 6,
    credit_cents: 100_00,
    cycle_day: 5,
    slots: { FIXED_LOCAL: 'Fixo 100', MOBILE_LOCAL: 'Móvel 60' },
    talked: { FIXED_LOCAL: minutes(64) + 30, MOBILE_LOCAL: minutes(60) - 48 },
    lines: { 301: ['Secretaria', '21'], 302: ['Dra. Moura', '21'], 303: ['Dr. Lins', '21'] },
  },
  {
    name: 'Transportadora Rota Sul',
    billing_mode: 'BUNDLE',
    plan: 'Empresarial',
    max_calls: 10,
    credit_cents: 200_00,
    ldn_uses_local: true,
    slots: { FIXED_LOCAL: 'Fixo 200', MOBILE_LOCAL: 'Móvel 100' },
    talked: { FIXED_LOCAL: minutes(120), MOBILE_LOCAL: minutes(96) },
    lines: {
      401: ['Logística', '51', 2],
      402: ['Frota', '51'],
      403: ['Filial Caxias', '54'],
      404: ['Filial Curitiba', '41'],
    },
  },
  {
    name: 'Hotel Mar Azul',
    billing_mode: 'BUNDLE',
    plan: 'Empresarial',
    max_calls: 12,
    credit_cents: 300_00,
    cycle_day: 31,
    slots: {
      FIXED_LOCAL: 'Fixo 100',
      FIXED_LDN: 'LDN 60',
      MOBILE_LOCAL: 'Móvel 60',
      MOBILE_LDN: 'Móvel 60',
      INTL_FIXED: 'DDI 30',
      INTL_MOBILE: 'DDI 30',
    },
    talked: { FIXED_LDN: minutes(58), INTL_FIXED: minutes(12) + 30 },
    lines: { 501: ['Recepção', '48', 3, ABROAD], 502: ['Reservas', '48', 1, ABROAD], 503: ['Cozinha', '48'] },
  },
  {
    name: 'Padaria Pão de Minas',
    billing_mode: 'PREPAID',
    plan: 'Essencial',
    max_calls: 4,
    top_up_cents: 40_00,
    talked: { FIXED_LOCAL: minutes(25) },
    lines: { 21: ['Balcão', '31'], 22: ['Encomendas', '31'] },
  },
  {
    // Nearly out of money: R$ 0,55 are left, which is a minute and a half of a local mobile call.
    name: 'Pizzaria Bella Massa',
    billing_mode: 'PREPAID',
    plan: 'Essencial',
    max_calls: 4,
    top_up_cents: 10_00,
    talked: { MOBILE_LOCAL: minutes(27) },
    lines: { 21: ['Pedidos', '11', 2], 22: ['Entregas', '11'] },
  },
  {
    name: 'Andrade Contabilidade',
    billing_mode: 'POSTPAID',
    plan: 'Essencial',
    max_calls: 10,
    credit_cents: 300_00,
    cycle_day: 10,
    talked: { FIXED_LOCAL: minutes(140), MOBILE_LDN: minutes(32) },
    lines: {
      1001: ['Atendimento', '11', 2],
      1002: ['Fiscal', '11'],
      1003: ['Folha', '11'],
      1004: ['Filial Rio', '21'],
    },
  },
  {
    // Two calls at once in all, though each of its lines alone might have as many.
    name: 'Pet Shop Amigo Fiel',
    billing_mode: 'POSTPAID',
    plan: 'Essencial',
    max_calls: 2,
    credit_cents: 80_00,
    lines: { 31: ['Loja', '41', 2], 32: ['Banho e tosa', '41', 2], 33: ['Veterinária', '41', 2] },
  },
];

const typedEntries = <K extends string, V>(record: Partial<Record<K, V>>) =>
  Object.entries(record) as [K, V][];

function rateOf(plan: PlanName, wanted: CallClass): Rate {
  const row = RATES.find(([call_class]) => call_class === wanted);
  if (!row) throw new Error(`the plans have no price for ${wanted}`);
  return { price_micros_per_minute: reais(row[1][plan]), cadence: row[2] };
}

interface SeededPlan {
  readonly sales_plan_id: string;
  readonly version_id: string;
}

/** What the subscribers are made of: ids by name. */
interface Catalogue {
  readonly reseller_id: string;
  readonly server_id: string;
  readonly plans: Readonly<Record<PlanName, SeededPlan>>;
  readonly bundles: Readonly<Record<BundleName, string>>;
}

/** Its prices hold from long ago, so that the calls that were made before now have them. */
async function addPlan(tx: Tx, reseller_id: string, plan: PlanName): Promise<SeededPlan> {
  const row = { reseller_id, name: `${plan} 30/6/3` };
  const { id } = await tx.insertInto('sales_plans').values(row).returning('id').executeTakeFirstOrThrow();
  const rates = RATES.map(([call_class]) => {
    const { price_micros_per_minute, cadence } = rateOf(plan, call_class);
    return { call_class, price_micros_per_minute: price_micros_per_minute.toString(), ...cadence };
  });
  const version_id = await addClassVersion(tx, {
    plan: { sales_plan_id: id },
    valid_from: new Date('2000-01-01T00:00:00Z'),
    author: 'seed',
    class_rates: rates,
  });
  return { sales_plan_id: id, version_id };
}

async function addBundles(tx: Tx, reseller_id: string): Promise<Catalogue['bundles']> {
  const rows = Object.entries(BUNDLES).map(([name, [count, cents]]) => {
    return { reseller_id, name, included_seconds: minutes(count), monthly_price_micros: reais(cents) };
  });
  const made = await tx.insertInto('minute_bundles').values(rows).returning(['id', 'name']).execute();
  return Object.fromEntries(made.map(({ id, name }) => [name, id])) as Catalogue['bundles'];
}

async function addLines(tx: Tx, reseller_id: string, subscriber_id: string, specs: SubscriberSpec['lines']) {
  const lines: SeededLine[] = [];
  for (const [extension, [name, area_code, max_concurrent_calls = 1, also = []]] of Object.entries(specs)) {
    const allowed_classes: CallClass[] = [...DEFAULT_CLASSES, ...also];
    const settings = { subscriber_id, extension, name, area_code, max_concurrent_calls, allowed_classes };
    const { id: line_id, ...line } = await createLine(tx, { role: 'RESELLER', reseller_id }, settings);
    const { sip_username, sip_password } = line;
    lines.push({ line_id, extension, area_code, allowed_classes, sip_username, sip_password });
  }
  return lines;
}

async function addSubscriber(tx: Tx, at: Catalogue, spec: SubscriberSpec): Promise<SeededSubscriber> {
  const { reseller_id, server_id } = at;
  const { name, billing_mode, max_calls, cycle_day = 1, credit_cents = 0, ldn_uses_local = false } = spec;
  const { id } = await tx
    .insertInto('subscribers')
    .values({
      reseller_id,
      server_id,
      sales_plan_id: at.plans[spec.plan].sales_plan_id,
      name,
      billing_mode,
      cycle_day,
      max_concurrent_calls: max_calls,
      credit_limit_micros: reais(credit_cents),
      ldn_fixed_uses_local: ldn_uses_local,
      ldn_mobile_uses_local: ldn_uses_local,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  for (const [slot, bundle] of typedEntries(spec.slots ?? {})) {
    const row = { subscriber_id: id, slot, bundle_id: at.bundles[bundle] };
    await tx.insertInto('bundle_slots').values(row).execute();
  }
  const lines = await addLines(tx, reseller_id, id, spec.lines);
  return { subscriber_id: id, name, billing_mode, lines };
}

/** Reseller, plans, franquias, subscribers and lines: all of them or none. */
function addTenants(db: Db, server_id: string): Promise<Catalogue & Seeded> {
  return db.transaction().execute(async (tx) => {
    // Another seed at the same moment waits here, and then finds the reseller.
    await tx.selectFrom('asterisk_servers').select('id').orderBy('id').forNoKeyUpdate().execute();
    const resellers = tx.selectFrom('resellers').select('id').where('name', '=', SEED_RESELLER);
    if (await resellers.executeTakeFirst()) throw new AlreadySeededError();
    const { id: reseller_id } = await tx
      .insertInto('resellers')
      .values({ name: SEED_RESELLER, max_concurrent_calls: 60 })
      .returning('id')
      .executeTakeFirstOrThrow();
    const Essencial = await addPlan(tx, reseller_id, 'Essencial');
    const plans = { Essencial, Empresarial: await addPlan(tx, reseller_id, 'Empresarial') };
    const at = { reseller_id, server_id, plans, bundles: await addBundles(tx, reseller_id) };
    const subscribers: SeededSubscriber[] = [];
    for (const spec of SUBSCRIBERS) subscribers.push(await addSubscriber(tx, at, spec));
    return { ...at, subscribers };
  });
}

const CALLED: Readonly<Record<BundleSlot, (area_code: string) => string>> = {
  FIXED_LOCAL: (area_code) => `+55${area_code}33445566`,
  FIXED_LDN: () => '+556132214455',
  MOBILE_LOCAL: (area_code) => `+55${area_code}987654321`,
  MOBILE_LDN: () => '+5571991234567',
  INTL_FIXED: () => '+351212345678',
  INTL_MOBILE: () => '+351912345678',
};

/** Splits talk into calls of ten minutes and a rest of 30 s at least. */
function lengthsOf(talked_seconds: number): number[] {
  const longest = minutes(10);
  if (talked_seconds <= longest) return [talked_seconds];
  const next = Math.min(longest, talked_seconds - BY_TENTHS.initial_seconds);
  return [next, ...lengthsOf(talked_seconds - next)];
}

const cycleOf = (spec: SubscriberSpec) => cycleStart(spec.cycle_day ?? 1, new Date());

/** Records of the calls before now, the latest first: each ends four minutes before the next one began. */
function pastCalls(at: Catalogue, spec: SubscriberSpec, { subscriber_id, lines }: SeededSubscriber) {
  const { reseller_id, server_id } = at;
  const [line] = lines;
  let at_ms = Date.now();
  const cycle = cycleOf(spec);
  const cycles = [cycle, nextCycleStart(spec.cycle_day ?? 1, cycle)] as const;
  const recordOf = (call_class: BundleSlot, seconds: number, line: SeededLine): CallRecord => {
    const ended_at = new Date(at_ms - minutes(4) * 1000);
    const answered_at = new Date(ended_at.getTime() - seconds * 1000);
    const ringing_at = new Date(answered_at.getTime() - 5_000);
    at_ms = ringing_at.getTime() - 1_000;
    const { sales_plan_id, version_id } = at.plans[spec.plan];
    const rate = { ...rateOf(spec.plan, call_class), version_id, prefix: null, locality: null, kind: null };
    const rates = { rate, wholesale: null, cost: null };
    const bundle_slot = spec.slots?.[call_class] ? call_class : null;
    const [bundle_seconds, paid_seconds] = bundle_slot ? [seconds, 0] : [0, seconds];
    const grant = { bundle_seconds, paid_seconds };
    const bill = billCall(seconds * 1000, rates, grant, cycles);
    const number = CALLED[call_class](line.area_code);
    return {
      id: `seed-${randomUUID()}`,
      server_id,
      reseller_id,
      subscriber_id,
      line_id: line.line_id,
      dialled: number,
      number,
      call_class,
      created_at: new Date(at_ms),
      ringing_at,
      answered_at,
      ended_at,
      talk_ms: seconds * 1000,
      ...billColumns(rates, grant, bill),
      bundle_slot,
      sales_plan_id,
      area_code: line.area_code,
      billing_mode: spec.billing_mode,
      claims: [],
      loss: false,
      end_reason: 'HANGUP',
      q850: 16,
    };
  };
  return typedEntries(spec.talked ?? {}).flatMap(([call_class, talked_seconds]) =>
    line ? lengthsOf(talked_seconds).map((seconds) => recordOf(call_class, seconds, line)) : [],
  );
}

/** Money first, then what was talked before now. All of it goes through the ledger. */
async function addMovements(db: Db, at: Catalogue, seeded: SeededSubscriber): Promise<void> {
  const { reseller_id } = at;
  const { subscriber_id } = seeded;
  const tenant = { role: 'RESELLER', reseller_id } as const;
  const spec = SUBSCRIBERS.find(({ name }) => name === seeded.name);
  if (spec?.top_up_cents) await topUp(db, tenant, subscriber_id, reais(spec.top_up_cents), 'first');
  if (!spec?.talked) return;
  await openWallet(db, { subscriber_id, reseller_id }, cycleOf(spec));
  await settleCalls(db, pastCalls(at, spec, seeded));
}

/**
 * Fills a database with one reseller that looks like a real one: plans, franquias, subscribers of every modality,
 * lines, money and calls of this cycle. Throws AlreadySeededError, and changes nothing, when it is there already.
 * The ledger takes a transaction for each subscriber: a database lost in the middle has all lines and less money.
 */
export async function seed(
  db: Db,
  at: { readonly server_id: string },
  log: (text: string) => void = () => {},
): Promise<Seeded> {
  const catalogue = await addTenants(db, at.server_id);
  const { reseller_id, subscribers } = catalogue;
  for (const subscriber of subscribers) {
    await addMovements(db, catalogue, subscriber);
    log(`${subscriber.name}: ${subscriber.billing_mode}, ${subscriber.lines.length} lines`);
  }
  return { reseller_id, subscribers };
}
