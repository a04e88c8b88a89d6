import type { BillingMode, LineFacts, SubscriberFacts, TrunkFacts } from '../../src/domain/authorize.ts';
import type { NumberFacts } from '../../src/domain/authorize-inbound.ts';
import type { Cadence } from '../../src/domain/cadence.ts';
import {
  BUNDLE_SLOTS,
  type BundleSlot,
  type CallClass,
  DIALLED_CLASSES,
} from '../../src/domain/call-class.ts';
import type { Rate, RateTable } from '../../src/domain/rate-table.ts';

/** Who calls in a history, and by what terms. Amounts are numbers of micro-reais, so that a history prints as JSON. */
export interface SubscriberTerms {
  readonly billing_mode: BillingMode;
  readonly balance_micros: number;
  readonly credit_micros: number;
  readonly daily_cap_micros: number | null;
  readonly price_micros_per_minute: number;
  readonly cadence: Cadence;
  /** Minutes that each cycle brings for local calls to fixed and to mobile numbers, in seconds. */
  readonly fixed_seconds: number | null;
  readonly mobile_seconds: number | null;
  readonly cycle_day: number;
  readonly max_calls: number;
  readonly max_calls_out: number | null;
  readonly reserved_in: number;
  readonly calls_per_second: number | null;
  readonly lines: readonly LineTerms[];
}

export interface LineTerms {
  readonly max_calls: number;
  readonly max_call_seconds: number | null;
}

export interface Terms {
  readonly switches: number;
  readonly trunk_max_calls: number;
  readonly reseller_max_calls: number;
  /** null: the reseller buys for nothing. */
  readonly wholesale: { readonly price_micros_per_minute: number; readonly balance_micros: number } | null;
  readonly subscribers: readonly SubscriberTerms[];
}

export interface Trunk extends TrunkFacts {
  readonly server_id: string;
}

export interface HouseLine {
  readonly facts: LineFacts;
  readonly server_id: string;
  readonly terms: SubscriberTerms;
  readonly number: string;
}

export interface Household {
  readonly reseller_id: string;
  readonly server_ids: readonly string[];
  readonly trunks: readonly Trunk[];
  readonly lines: readonly HouseLine[];
  readonly subscribers: readonly {
    readonly facts: SubscriberFacts;
    readonly terms: SubscriberTerms;
    readonly bundles: Readonly<Partial<Record<BundleSlot, number>>>;
  }[];
  readonly tables: ReadonlyMap<string, RateTable>;
  readonly numbers: ReadonlyMap<string, NumberFacts>;
}

const WHOLESALE_CADENCE: Cadence = { initial_seconds: 6, increment_seconds: 6, free_threshold_seconds: 0 };

function tableOf(version_id: string, rate: Rate): RateTable {
  const priced: readonly CallClass[] = [...BUNDLE_SLOTS, 'PUBLIC_UTILITY', 'SHARED_COST'];
  return { version_id, class_rates: new Map(priced.map((one) => [one, rate])), deck: null };
}

/** The same ids for the same seed, and others for another: many histories fit into one database. */
function idsOf(seed: number) {
  let last = 0;
  const prefix = seed.toString(16).padStart(8, '0').slice(-8);
  return () => `${prefix}-0000-4000-8000-${(++last).toString(16).padStart(12, '0')}`;
}

function subscriberFacts(terms: SubscriberTerms, all: Terms, ids: { own: string; reseller: string }) {
  const bundles = {
    ...(terms.fixed_seconds !== null && { FIXED_LOCAL: terms.fixed_seconds }),
    ...(terms.mobile_seconds !== null && { MOBILE_LOCAL: terms.mobile_seconds }),
  };
  const extensions = new Map<string, string>();
  const facts: SubscriberFacts = {
    subscriber_id: ids.own,
    reseller_id: ids.reseller,
    name: 'Assinante',
    billing_mode: terms.billing_mode,
    status: 'ACTIVE',
    max_calls: terms.max_calls,
    max_calls_out: terms.max_calls_out,
    max_calls_in: null,
    reserved_in: terms.reserved_in,
    calls_per_second: terms.calls_per_second,
    internal_calls_take_slots: true,
    reseller_max_calls: all.reseller_max_calls,
    credit_limit_micros: terms.billing_mode === 'PREPAID' ? 0n : BigInt(terms.credit_micros),
    daily_cap_micros: terms.daily_cap_micros === null ? null : BigInt(terms.daily_cap_micros),
    reseller_credit_micros: 0n,
    wholesale_versions: null,
    allow_loss_calls: true,
    intl_dialing: 'NO_CSP',
    auto_ninth_digit: true,
    cycle_day: terms.cycle_day,
    ldn_fixed_uses_local: false,
    ldn_mobile_uses_local: false,
    slots: new Set(Object.keys(bundles) as BundleSlot[]),
    extensions,
  };
  return { facts, bundles, extensions };
}

/** Builds everybody that a history is about. */
export function householdOf(terms: Terms, seed: number): Household {
  const newId = idsOf(seed);
  const reseller_id = newId();
  const server_ids = Array.from({ length: terms.switches }, newId);
  const trunks = server_ids.map((server_id, index) => ({
    server_id,
    trunk_id: newId(),
    code: `trunk${index}`,
    max_calls: terms.trunk_max_calls,
    reserved_in: 0,
    cost_versions: null,
  }));
  const tables = new Map<string, RateTable>();
  const add = (price: number, cadence: Cadence) => {
    const version_id = newId();
    const rate = { price_micros_per_minute: BigInt(price), cadence };
    tables.set(version_id, tableOf(version_id, rate));
    return [{ version_id, valid_from_ms: 0 }];
  };
  const wholesale = terms.wholesale && add(terms.wholesale.price_micros_per_minute, WHOLESALE_CADENCE);
  const numbers = new Map<string, NumberFacts>();
  const lines: HouseLine[] = [];
  const subscribers = terms.subscribers.map((one, index) => {
    const made = subscriberFacts(one, terms, { own: newId(), reseller: reseller_id });
    const facts = { ...made.facts, wholesale_versions: wholesale };
    const server_id = server_ids[index % server_ids.length] as string;
    const sale_versions = add(one.price_micros_per_minute, one.cadence);
    for (const [position, line] of one.lines.entries()) {
      const sip_username = `line${index}x${position}`;
      const extension = String(200 + position);
      const number = `+55113${String(index * 100 + position).padStart(7, '0')}`;
      made.extensions.set(extension, sip_username);
      const { subscriber_id } = facts;
      numbers.set(number, { number, active: true, reseller_id, subscriber_id, server_id, sip_username });
      const lineFacts = {
        line_id: newId(),
        sip_username,
        extension,
        sale_versions,
        plan_id: newId(),
        subscriber: facts,
      };
      lines.push({ server_id, terms: one, number, facts: { ...LINE, ...lineFacts, ...limitsOf(line) } });
    }
    return { facts, terms: one, bundles: made.bundles };
  });
  return { reseller_id, server_ids, trunks, lines, subscribers, tables, numbers };
}

const LINE = {
  area_code: '11',
  line_status: 'ACTIVE',
  allowed_classes: new Set(DIALLED_CLASSES),
  line_calls_per_second: null,
  max_ring_seconds: null,
  caller_id: null,
} as const;

const limitsOf = ({ max_calls, max_call_seconds }: LineTerms) => ({
  line_max_calls: max_calls,
  max_call_seconds,
});
