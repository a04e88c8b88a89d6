import { randomUUID } from 'node:crypto';
import { DEFAULT_CLASSES } from '../contract/lines.ts';
import type { BillingMode } from '../domain/authorize.ts';
import { billCall } from '../domain/bill.ts';
import type { BundleSlot, CallClass, DialledClass } from '../domain/call-class.ts';
import { cycleStart, nextCycleStart } from '../domain/cycle.ts';
import type { Rate } from '../domain/rate-table.ts';
import { billColumns } from '../stores/postgres/call-record.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { addClassVersion, type PlanRef } from '../stores/postgres/rate-versions.ts';
import { moveResellerMoney } from '../stores/postgres/reseller-wallets.ts';
import { type CallRecord, settleCalls } from '../stores/postgres/settlements.ts';
import { openWallet } from '../stores/postgres/wallets.ts';
import { createLine } from './create-line.ts';
import {
  BUNDLES,
  type BundleName,
  BY_TENTHS,
  minutes,
  type PlanName,
  RATES,
  reais,
  SUBSCRIBERS,
  type SubscriberSpec,
  WHOLESALE_CREDIT_cents,
  WHOLESALE_PERCENT,
  WHOLESALE_PLAN,
  WHOLESALE_TOP_UP_cents,
} from './seed-catalogue.ts';
import { topUp } from './top-up.ts';

export const SEED_RESELLER = 'Revenda Horizonte Voz';

export interface SeededLine {
  readonly line_id: string;
  readonly extension: string;
  readonly area_code: string;
  readonly allowed_classes: readonly DialledClass[];
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

const typedEntries = <K extends string, V>(record: Partial<Record<K, V>>) =>
  Object.entries(record) as [K, V][];

function rateOf(plan: PlanName, wanted: CallClass): Rate {
  const row = RATES.find(([call_class]) => call_class === wanted);
  if (!row) throw new Error(`the plans have no price for ${wanted}`);
  return { price_micros_per_minute: reais(row[1][plan]), cadence: row[2] };
}

/** What the reseller pays for a class. */
function wholesaleOf(wanted: CallClass): Rate {
  const rate = rateOf('Empresarial', wanted);
  return { ...rate, price_micros_per_minute: (rate.price_micros_per_minute * WHOLESALE_PERCENT) / 100n };
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
  /** Version of the prices that the reseller buys by. */
  readonly wholesale_version_id: string;
  readonly bundles: Readonly<Record<BundleName, string>>;
}

/** Prices of every class, from long ago on: the calls that were made before now have them. */
function addPrices(tx: Tx, plan: PlanRef, rate: (call_class: CallClass) => Rate): Promise<string> {
  const class_rates = RATES.map(([call_class]) => {
    const { price_micros_per_minute, cadence } = rate(call_class);
    return { call_class, price_micros_per_minute: price_micros_per_minute.toString(), ...cadence };
  });
  const valid_from = new Date('2000-01-01T00:00:00Z');
  return addClassVersion(tx, { plan, valid_from, author: 'seed', class_rates });
}

async function addPlan(tx: Tx, reseller_id: string, plan: PlanName): Promise<SeededPlan> {
  const row = { reseller_id, name: `${plan} 30/6/3` };
  const { id } = await tx.insertInto('sales_plans').values(row).returning('id').executeTakeFirstOrThrow();
  const version_id = await addPrices(tx, { sales_plan_id: id }, (wanted) => rateOf(plan, wanted));
  return { sales_plan_id: id, version_id };
}

async function addReseller(tx: Tx): Promise<Pick<Catalogue, 'reseller_id' | 'wholesale_version_id'>> {
  const { id: cost_plan_id } = await tx
    .insertInto('cost_plans')
    .values({ name: WHOLESALE_PLAN })
    .returning('id')
    .executeTakeFirstOrThrow();
  const wholesale_version_id = await addPrices(tx, { cost_plan_id }, wholesaleOf);
  const credit_limit_micros = reais(WHOLESALE_CREDIT_cents);
  const { id: reseller_id } = await tx
    .insertInto('resellers')
    .values({ name: SEED_RESELLER, max_concurrent_calls: 60, cost_plan_id, credit_limit_micros })
    .returning('id')
    .executeTakeFirstOrThrow();
  await moveResellerMoney(tx, {
    reseller_id,
    kind: 'TOP_UP',
    amount: reais(WHOLESALE_TOP_UP_cents),
    reference: `seed ${reseller_id}`,
    author: 'seed',
    reason: null,
  });
  return { reseller_id, wholesale_version_id };
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
    const allowed_classes: DialledClass[] = [...DEFAULT_CLASSES, ...also];
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
      switch_tone: billing_mode === 'BUNDLE',
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
    const reseller = await addReseller(tx);
    const { reseller_id } = reseller;
    const Essencial = await addPlan(tx, reseller_id, 'Essencial');
    const plans = { Essencial, Empresarial: await addPlan(tx, reseller_id, 'Empresarial') };
    const at = { ...reseller, server_id, plans, bundles: await addBundles(tx, reseller_id) };
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

const BY_CLASS = { prefix: null, locality: null, kind: null } as const;

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
    const rate = { ...rateOf(spec.plan, call_class), version_id, ...BY_CLASS };
    const wholesale = { ...wholesaleOf(call_class), version_id: at.wholesale_version_id, ...BY_CLASS };
    const rates = { rate, wholesale, cost: null };
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
