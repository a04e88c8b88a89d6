import { say } from '../contract/language.ts';
import { type Cadence, parseCadence } from '../domain/cadence.ts';
import { MAX_PRICE_MICROS_PER_MINUTE, type Micros, parseReais } from '../domain/money.ts';
import type { RateKind } from '../domain/rate-table.ts';

/** Why a cell is refused, in both languages (`say`). */
export class Refused {
  readonly reason: string;
  constructor(en: string, pt: string) {
    this.reason = say(en, pt);
  }
}

const NO_PREFIX = new Refused('a prefix is missing', 'falta o prefixo');
const NATIONAL = new Refused(
  'begins with 0: write the prefix as in an international number, such as 5511',
  'começa com 0: escreva o prefixo como em um número internacional, por exemplo 5511',
);
const NO_DIGITS = new Refused(
  'is no prefix: 1 to 15 digits, such as 5511',
  'não é um prefixo: 1 a 15 dígitos, por exemplo 5511',
);

/** Leading digits of an E.164 number. `+` or `00` may stand before them, spaces, points and hyphens between them. */
export function readPrefix(cell: string): string | Refused {
  const written = cell.trim().replace(/^(\+|00)[\s.-]*/, '');
  if (written === '') return NO_PREFIX;
  if (!/^\d(?:[\s.-]*\d)*$/.test(written)) return NO_DIGITS;
  const digits = written.replace(/\D/g, '');
  if (/^[1-9]\d{0,14}$/.test(digits)) return digits;
  return /^0\d*$/.test(digits) ? NATIONAL : NO_DIGITS;
}

const LOCALITY_LENGTH = 80;
const TOO_LONG = new Refused('has more than 80 characters', 'tem mais de 80 caracteres');
const UNPRINTABLE = new Refused(
  'has a line break or control characters',
  'tem quebra de linha ou caracteres de controle',
);

export function readLocality(cell: string): string | Refused {
  const locality = cell.trim();
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(locality)) return UNPRINTABLE;
  return locality.length > LOCALITY_LENGTH ? TOO_LONG : locality;
}

/** A cell without case, accents and signs: `R$/Min.` → `rmin`. */
export function folded(cell: string): string {
  return cell
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

const KINDS: Readonly<Record<string, RateKind>> = {
  f: 'FIXED',
  fixo: 'FIXED',
  fixed: 'FIXED',
  c: 'MOBILE',
  m: 'MOBILE',
  celular: 'MOBILE',
  movel: 'MOBILE',
  mobile: 'MOBILE',
};
const NO_KIND = new Refused(
  'is neither F (fixed) nor C (mobile), nor empty',
  'não é F (fixo) nem C (móvel), nem vazio',
);

/** null: unknown. */
export function readKind(cell: string): RateKind | null | Refused {
  if (cell.trim() === '') return null;
  return KINDS[folded(cell)] ?? NO_KIND;
}

const NO_PRICE = new Refused('a price is missing: 0 is free', 'falta o preço: 0 é grátis');
const NEGATIVE = new Refused('must not be negative', 'não pode ser negativo');
const DECIMALS = new Refused('has more than 6 decimals', 'tem mais de 6 casas decimais');
const TOO_DEAR = new Refused('is more than R$ 1,000 a minute', 'é mais que R$ 1.000 por minuto');
const NO_AMOUNT = new Refused(
  'is no price in reais a minute, such as 0,12',
  'não é um preço em reais por minuto, por exemplo 0,12',
);

/** Never rounded. */
export function readPrice(cell: string): Micros | Refused {
  const text = cell.trim();
  if (text === '') return NO_PRICE;
  const price = parseReais(text);
  if (price !== null) return price > MAX_PRICE_MICROS_PER_MINUTE ? TOO_DEAR : price;
  if (/^(R\$\s*)?-/i.test(text)) return NEGATIVE;
  return /^[\dR$\s.,]*[.,]\d{7,}$/i.test(text) ? DECIMALS : NO_AMOUNT;
}

const NO_CADENCE = new Refused(
  'is no cadence such as 30/6/3: first block, increment (1 to 3600 s) and free threshold',
  'não é uma cadência como 30/6/3: primeiro bloco, incremento (1 a 3600 s) e carência',
);
const A_DATE = new Refused(
  'is a date: a spreadsheet made it of a cadence',
  'é uma data: uma planilha a fez de uma cadência',
);

/** Spreadsheets take 30/6/3 for the 30th of June 2003, which would make half an hour free. */
export function readCadence(cell: string): Cadence | Refused {
  const text = cell.replace(/\s/g, '');
  if (/^\d\d\/\d\d\/(19|20)\d\d$/.test(text)) return A_DATE;
  return parseCadence(text) ?? NO_CADENCE;
}

const YES = ['', '1', 's', 'sim', 'y', 'yes', 'true', 'verdadeiro'];
const NO = ['0', 'n', 'nao', 'no', 'false', 'falso'];
const NEITHER = new Refused('is neither 1 nor 0', 'não é 1 nem 0');

/** Nothing is active. */
export function readActive(cell: string): boolean | Refused {
  const text = cell.trim() === '' ? '' : folded(cell) || '?';
  if (YES.includes(text)) return true;
  return NO.includes(text) ? false : NEITHER;
}
