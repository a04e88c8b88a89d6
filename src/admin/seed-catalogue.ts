import type { BillingMode } from '../domain/authorize.ts';
import type { Cadence } from '../domain/cadence.ts';
import type { BundleSlot, CallClass, DialledClass } from '../domain/call-class.ts';
import { MICROS_PER_REAL } from '../domain/money.ts';

/* What the seed is made of: a reseller that looks like a real one. */

export const reais = (cents: number) => (MICROS_PER_REAL / 100n) * BigInt(cents);
export const minutes = (count: number) => count * 60;

export const BY_TENTHS: Cadence = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
const BY_MINUTES: Cadence = { initial_seconds: 60, increment_seconds: 60, free_threshold_seconds: 0 };

export const PLANS = ['Essencial', 'Empresarial'] as const;
export type PlanName = (typeof PLANS)[number];

/**
 * Cents per minute in each plan, and the cadence. Collect and special international have no price: without a rate
 * a call is refused.
 */
export const RATES: readonly (readonly [CallClass, Readonly<Record<PlanName, number>>, Cadence])[] = [
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

/** What the reseller pays the platform, in percent of the plan Empresarial. */
export const WHOLESALE_PERCENT = 60n;
export const WHOLESALE_PLAN = 'Atacado 60 %';
/** What the reseller has and may owe there, in cents. */
export const WHOLESALE_TOP_UP_cents = 1_000_00;
export const WHOLESALE_CREDIT_cents = 5_000_00;

/** Franquias: included minutes and monthly price in cents. */
export const BUNDLES = {
  'Fixo 200': [200, 19_90],
  'Fixo 100': [100, 12_90],
  'Móvel 100': [100, 29_90],
  'Móvel 60': [60, 19_90],
  'LDN 60': [60, 9_90],
  'DDI 30': [30, 24_90],
} as const;
export type BundleName = keyof typeof BUNDLES;

export interface SubscriberSpec {
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
type LineSpec = readonly [
  name: string,
  area_code: string,
  max_calls?: number,
  also?: readonly DialledClass[],
];

const ABROAD: readonly DialledClass[] = ['INTL_FIXED', 'INTL_MOBILE'];

export const SUBSCRIBERS: readonly SubscriberSpec[] = [
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
