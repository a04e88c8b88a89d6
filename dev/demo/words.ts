import type { LiveCallRow } from '../../src/contract/live.ts';
import type { BillingMode } from '../../src/domain/authorize.ts';
import type { CallClass } from '../../src/domain/call-class.ts';
import type { LimitDirection, LimitLevel, RefusalReason } from '../../src/domain/refusals.ts';

/** What the panel calls things, in Portuguese. A word that is missing does not compile. */
export const CLASS_WORDS: Readonly<Record<CallClass, string>> = {
  FIXED_LOCAL: 'fixo local',
  FIXED_LDN: 'fixo LDN',
  MOBILE_LOCAL: 'móvel local',
  MOBILE_LDN: 'móvel LDN',
  INTL_FIXED: 'DDI fixo',
  INTL_MOBILE: 'DDI móvel',
  INTERNAL: 'interna',
  EMERGENCY: 'emergência',
  PUBLIC_UTILITY: 'util. públ.',
  TOLL_FREE: '0800',
  SHARED_COST: 'compartilh.',
  PREMIUM: 'valor adic.',
  COLLECT: 'a cobrar',
  INTL_SPECIAL: 'DDI especial',
  INBOUND: 'recebida',
};

export const PHASE_WORDS: Readonly<Record<LiveCallRow['phase'], string>> = {
  DIALLING: 'discando',
  RINGING: 'chamando',
  ANSWERED: 'falando',
};

export const PAYING_WORDS: Readonly<Record<LiveCallRow['paying'], string>> = {
  NOBODY_YET: '–',
  BUNDLE: 'franquia',
  MONEY: 'dinheiro',
  FREE: 'grátis',
};

export const MODE_WORDS: Readonly<Record<BillingMode, string>> = {
  PREPAID: 'pré-pago',
  POSTPAID: 'pós-pago',
  BUNDLE: 'franquia',
};

export const REASON_WORDS: Readonly<Record<RefusalReason, string>> = {
  INVALID_NUMBER: 'número inválido',
  UNKNOWN_NUMBER: 'número desconhecido',
  UNKNOWN_LINE: 'linha desconhecida',
  LINE_BLOCKED: 'linha bloqueada',
  SUBSCRIBER_SUSPENDED: 'assinante suspenso',
  CLASS_NOT_PERMITTED: 'classe não permitida',
  NO_RATE: 'sem tarifa no plano',
  FORWARD_LOOP: 'desvio em círculo',
  NO_ROUTE: 'sem rota',
  TOO_FAST: 'chamadas rápidas demais',
  LIMIT_REACHED: 'limite de chamadas',
  RESELLER_NO_CREDIT: 'a revenda está sem crédito',
  LOSS_CALL: 'a ligação custaria mais do que rende',
  BLOCKED: 'chamadas bloqueadas',
  NO_CREDIT: 'sem saldo',
  DAILY_CAP: 'teto de gasto do dia',
  CONTROL_UNAVAILABLE: 'controle indisponível',
};

const LEVEL_WORDS: Readonly<Record<LimitLevel, string>> = {
  LINE: 'da linha',
  SUBSCRIBER: 'do assinante',
  RESELLER: 'da revenda',
  TRUNK: 'do tronco',
  NUMBER: 'do número',
};

const DIRECTION_WORDS: Readonly<Record<LimitDirection, string>> = {
  TOTAL: '',
  OUT: ' de saída',
  IN: ' de entrada',
};

interface RefusedAttempt {
  readonly reason: RefusalReason;
  readonly call_class: CallClass | null;
  readonly limit_level: string | null;
  readonly limit_direction: LimitDirection | null;
  readonly limit_value: number | null;
}

/** Why an attempt was refused, with the limit or the class that did it. */
export function reasonWords(refused: RefusedAttempt): string {
  const { reason, call_class, limit_level, limit_direction, limit_value } = refused;
  const words = REASON_WORDS[reason];
  if (reason === 'LIMIT_REACHED' && limit_level !== null && limit_level in LEVEL_WORDS) {
    const direction = DIRECTION_WORDS[limit_direction ?? 'TOTAL'];
    return `${words}${direction} ${LEVEL_WORDS[limit_level as LimitLevel]} (${limit_value})`;
  }
  return reason === 'CLASS_NOT_PERMITTED' && call_class ? `${words} (${CLASS_WORDS[call_class]})` : words;
}

/** `75` → `1:15`; whole hours from ten on. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole >= 36_000) return `${Math.floor(whole / 3_600)}h`;
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
