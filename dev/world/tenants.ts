import { createLine } from '../../src/admin/create-line.ts';
import { topUp } from '../../src/admin/top-up.ts';
import { DEFAULT_CLASSES } from '../../src/contract/lines.ts';
import type { BillingMode } from '../../src/domain/authorize.ts';
import type { BundleSlot, CallClass, DialledClass } from '../../src/domain/call-class.ts';
import type { Db } from '../../src/stores/postgres/connect.ts';
import { addClassVersion } from '../../src/stores/postgres/rate-versions.ts';
import type { PhoneAccount } from './phone.ts';

export interface RateOptions {
  readonly price_micros_per_minute: bigint;
  /** Initial, increment and free threshold, in seconds. */
  readonly cadence: readonly [number, number, number];
}

export interface SubscriberOptions {
  readonly name?: string;
  readonly billing_mode: BillingMode;
  readonly balance_micros?: bigint;
  readonly credit_limit_micros?: bigint;
  readonly max_concurrent_calls?: number;
  readonly bundles?: Partial<Record<BundleSlot, number>>;
  readonly ldn_fixed_uses_local?: boolean;
  readonly ldn_mobile_uses_local?: boolean;
  readonly warn_seconds?: number;
  readonly switch_tone?: boolean;
  /** One price for all these classes. */
  readonly rate?: RateOptions;
  readonly priced?: readonly CallClass[];
}

export interface LineOptions {
  readonly extension?: string;
  readonly area_code?: string;
  readonly max_concurrent_calls?: number;
  readonly allowed_classes?: DialledClass[];
}

export interface TestLine extends PhoneAccount {
  readonly line_id: string;
  readonly extension: string;
}

export interface TestSubscriber {
  readonly id: string;
  readonly reseller_id: string;
  addLine(options?: LineOptions): Promise<TestLine>;
}

const PRICED: readonly CallClass[] = [
  'FIXED_LOCAL',
  'FIXED_LDN',
  'MOBILE_LOCAL',
  'MOBILE_LDN',
  'INTL_FIXED',
  'INTL_MOBILE',
  'PUBLIC_UTILITY',
  'SHARED_COST',
];

let serial = 0;

export async function addReseller(db: Db, name = `Revenda ${++serial}`): Promise<string> {
  const { id } = await db.insertInto('resellers').values({ name }).returning('id').executeTakeFirstOrThrow();
  return id;
}

async function addPlan(
  db: Db,
  reseller_id: string,
  rate: RateOptions,
  classes: readonly CallClass[],
): Promise<string> {
  const plan = await db
    .insertInto('sales_plans')
    .values({ reseller_id, name: `Plano ${++serial}` })
    .returning('id')
    .executeTakeFirstOrThrow();
  const [initial_seconds, increment_seconds, free_threshold_seconds] = rate.cadence;
  const { price_micros_per_minute } = rate;
  const cadence = { initial_seconds, increment_seconds, free_threshold_seconds };
  const price = price_micros_per_minute.toString();
  await db.transaction().execute((tx) =>
    addClassVersion(tx, {
      plan: { sales_plan_id: plan.id },
      valid_from: new Date('2000-01-01T00:00:00Z'),
      author: 'test',
      class_rates: classes.map((call_class) => ({ call_class, price_micros_per_minute: price, ...cadence })),
    }),
  );
  return plan.id;
}

/** A subscriber with its plan, bundles and money, on this server. */
export async function addSubscriber(
  db: Db,
  at: { reseller_id: string; server_id: string },
  options: SubscriberOptions,
): Promise<TestSubscriber> {
  const rate = options.rate ?? { price_micros_per_minute: 100_000n, cadence: [30, 6, 3] };
  const sales_plan_id = await addPlan(db, at.reseller_id, rate, options.priced ?? PRICED);
  const { id } = await db
    .insertInto('subscribers')
    .values({
      ...at,
      sales_plan_id,
      name: options.name ?? `Assinante ${++serial}`,
      billing_mode: options.billing_mode,
      credit_limit_micros: options.credit_limit_micros ?? 0n,
      max_concurrent_calls: options.max_concurrent_calls ?? 50,
      ldn_fixed_uses_local: options.ldn_fixed_uses_local ?? false,
      ldn_mobile_uses_local: options.ldn_mobile_uses_local ?? false,
      ...(options.warn_seconds !== undefined && { warn_seconds: options.warn_seconds }),
      ...(options.switch_tone !== undefined && { switch_tone: options.switch_tone }),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  for (const [slot, included_seconds] of Object.entries(options.bundles ?? {})) {
    const bundle = await db
      .insertInto('minute_bundles')
      .values({
        reseller_id: at.reseller_id,
        name: `Franquia ${++serial}`,
        included_seconds,
        monthly_price_micros: 0n,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await db
      .insertInto('bundle_slots')
      .values({ subscriber_id: id, slot: slot as BundleSlot, bundle_id: bundle.id })
      .execute();
  }
  if (options.balance_micros) await topUp(db, { role: 'MASTER' }, id, options.balance_micros, 'first');
  let extension = 200;
  return {
    id,
    reseller_id: at.reseller_id,
    async addLine(line = {}) {
      const created = await createLine(
        db,
        { role: 'MASTER' },
        {
          subscriber_id: id,
          extension: line.extension ?? String(++extension),
          name: `Ramal ${extension}`,
          area_code: line.area_code ?? '11',
          max_concurrent_calls: line.max_concurrent_calls ?? 50,
          allowed_classes: line.allowed_classes ?? [...DEFAULT_CLASSES],
        },
      );
      const { id: line_id, sip_username, sip_password } = created;
      return { line_id, extension: created.extension, username: sip_username, password: sip_password };
    },
  };
}
