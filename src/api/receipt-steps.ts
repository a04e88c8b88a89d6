import { say } from '../contract/language.ts';
import type { ReceiptReply } from '../contract/receipts.ts';
import type { BillingMode } from '../domain/authorize.ts';
import type { BundleSlot, CallClass } from '../domain/call-class.ts';
import type { LimitDirection, LimitLevel } from '../domain/refusals.ts';

const CLASSES: Readonly<Record<CallClass, string>> = {
  FIXED_LOCAL: say('local fixed', 'fixo local'),
  FIXED_LDN: say('long-distance fixed', 'fixo LDN'),
  MOBILE_LOCAL: say('local mobile', 'móvel local'),
  MOBILE_LDN: say('long-distance mobile', 'móvel LDN'),
  INTL_FIXED: say('fixed abroad', 'DDI fixo'),
  INTL_MOBILE: say('mobile abroad', 'DDI móvel'),
  INTERNAL: say('extension', 'ramal'),
  EMERGENCY: say('emergency', 'emergência'),
  PUBLIC_UTILITY: say('public utility', 'utilidade pública'),
  TOLL_FREE: say('toll-free', '0800'),
  SHARED_COST: say('shared cost', 'custo compartilhado'),
  PREMIUM: say('premium', 'valor adicionado'),
  COLLECT: say('collect', 'a cobrar'),
  INBOUND: say('from outside', 'recebida'),
  INTL_SPECIAL: say('special number abroad', 'DDI especial'),
};

const MODES: Readonly<Record<BillingMode, string>> = {
  PREPAID: say('prepaid', 'pré-pago'),
  POSTPAID: say('postpaid', 'pós-pago'),
  BUNDLE: say('minutes first, then postpaid', 'franquia, depois pós-pago'),
};

const LEVELS: Readonly<Record<LimitLevel, string>> = {
  LINE: say('line', 'linha'),
  SUBSCRIBER: say('subscriber', 'assinante'),
  RESELLER: say('reseller', 'revenda'),
  TRUNK: say('trunk', 'tronco'),
  NUMBER: say('number', 'número'),
};

const DIRECTIONS: Readonly<Record<LimitDirection, string | null>> = {
  TOTAL: null,
  OUT: say('out', 'de saída'),
  IN: say('in', 'de entrada'),
};

type Translate = (text: string) => string;

/** Exact, as long as it needs and two decimals at least: `103333` → `0,103333`. */
function reais(micros: string): string {
  const amount = BigInt(micros);
  const digits = (amount < 0n ? -amount : amount).toString().padStart(7, '0');
  const decimals = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${amount < 0n ? '-' : ''}R$ ${digits.slice(0, -6)},${decimals}`;
}

function limitsOf({ limits }: ReceiptReply, t: Translate): string[] {
  if (limits.length === 0) return [];
  const named = limits.map(({ level, direction, limit }) => {
    const words = [LEVELS[level], DIRECTIONS[direction]].filter((word) => word !== null);
    return `${words.map(t).join(' ')} ${limit}`;
  });
  const all = named.join(', ');
  return [t(say(`simultaneous calls: ${all}`, `chamadas simultâneas: ${all}`))];
}

function rateOf({ rate, sales_plan_name }: ReceiptReply, t: Translate): string[] {
  if (rate === undefined) return [];
  if (rate === null) return [t(say('nobody pays for it', 'ninguém paga por ela'))];
  const plan = sales_plan_name ?? '?';
  const price = `${reais(rate.price_micros_per_minute)}/min, ${rate.cadence}`;
  const where = rate.prefix ? [rate.prefix, rate.locality].filter(Boolean).join(' ') : null;
  if (where)
    return [t(say(`plan ${plan}, prefix ${where}: ${price}`, `plano ${plan}, prefixo ${where}: ${price}`))];
  return [t(say(`plan ${plan}, by class: ${price}`, `plano ${plan}, por tipo: ${price}`))];
}

function slicesOf({ slices }: ReceiptReply, t: Translate): string[] {
  return slices.map(({ source, slot, seconds, cycle_start, total_micros }) => {
    if (source === 'BUNDLE') {
      const name = slot ? CLASSES[slot satisfies BundleSlot] : '';
      const of = t(say(`minutes of ${t(name)}`, `franquia de ${t(name)}`));
      return (
        t(say(`${seconds} s from the ${of}`, `${seconds} s da ${of}`)) +
        t(say(`, cycle ${cycle_start}`, `, ciclo ${cycle_start}`))
      );
    }
    const cost = total_micros === undefined ? '' : `: ${reais(total_micros)}`;
    return t(say(`${seconds} s paid with money`, `${seconds} s pagos em dinheiro`)) + cost;
  });
}

/** The way from the digits to the total in words, of what the reader of the receipt may see. */
export function receiptSteps(receipt: Omit<ReceiptReply, 'steps'>, t: Translate): string[] {
  const whole = { ...receipt, steps: [] };
  const { dialled, number, call_class, area_code, billing_mode, talk_seconds, billed_seconds, total_micros } =
    whole;
  const steps: (string | null | undefined)[] = [
    dialled && t(say(`dialled: ${dialled}`, `discado: ${dialled}`)),
    number && t(say(`number: ${number}`, `número: ${number}`)),
    call_class &&
      t(say(`class: ${t(CLASSES[call_class])}`, `tipo: ${t(CLASSES[call_class])}`)) +
        (area_code ? t(say(`, from area ${area_code}`, `, do DDD ${area_code}`)) : ''),
    billing_mode && t(say(`permitted, ${t(MODES[billing_mode])}`, `permitida, ${t(MODES[billing_mode])}`)),
    ...limitsOf(whole, t),
    ...rateOf(whole, t),
    t(
      say(
        `${talk_seconds} s of talk, ${billed_seconds} s billed`,
        `${talk_seconds} s de conversa, ${billed_seconds} s tarifados`,
      ),
    ),
    ...slicesOf(whole, t),
    total_micros && t(say(`total: ${reais(total_micros)}`, `total: ${reais(total_micros)}`)),
  ];
  return steps.flatMap((step) => step || []);
}
