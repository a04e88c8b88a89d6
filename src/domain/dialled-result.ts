import type { CallClass } from './call-class.ts';

/** Why a dialled string is no number. Closed: whoever turns a reason into words must answer for each. */
export const INVALID_NUMBER_REASONS = [
  'EMPTY', // nothing but separators
  'BAD_CHARACTER', // something that is neither a digit, a separator, a leading + nor a feature code
  'TOO_SHORT', // its form would need more digits
  'TOO_LONG', // its form would need fewer digits, or the string is longer than anything dialable
  'UNKNOWN_SHORT_CODE', // 1 and a few digits, but no public utility code
  'UNKNOWN_EXTENSION', // looks like an extension, and the subscriber has none of that number
  'UNKNOWN_AREA_CODE', // the area code is not assigned
  'BAD_SUBSCRIBER_NUMBER', // no subscriber number starts or counts like this one
  'UNKNOWN_COUNTRY', // no country calling code
  'BAD_INTERNATIONAL_NUMBER', // the country exists, the number cannot
  'UNKNOWN_FORM', // as many digits as an E.164 number, but not of Brazil and without + or 00
] as const;

export type InvalidNumberReason = (typeof INVALID_NUMBER_REASONS)[number];

/** How the subscriber dials abroad: `00`+country, `00`+carrier+country, or the first of both that is a number. */
export const INTL_DIALINGS = ['NO_CSP', 'CSP', 'AUTO'] as const;
export type IntlDialing = (typeof INTL_DIALINGS)[number];

/** What the dialling line brings: `areaCode` is the line's own (two digits), `extensions` the whole subscriber's. */
export type DialContext = {
  readonly areaCode: string;
  readonly extensions: ReadonlySet<string>;
  readonly intlDialing: IntlDialing;
  readonly autoNinthDigit: boolean;
};

/** Mobile distance as carriers price it: 1 own area code, 2 same first digit, 3 any other. */
export type VcBand = 1 | 2 | 3;

/**
 * `number` is E.164 with `+` for geographic, mobile, collect and international numbers, and bare digits for short codes,
 * extensions, non-geographic (`8001234567`) and nationwide (`40041234`) numbers. `csp` is the carrier the caller
 * selected, kept for the call record only. `vcBand` is null for all but Brazilian mobile numbers.
 */
export type DialledDestination = {
  readonly kind: 'NUMBER';
  readonly class: CallClass;
  readonly number: string;
  readonly csp: string | null;
  readonly vcBand: VcBand | null;
};

export type DialledNumber =
  | DialledDestination
  | { readonly kind: 'FEATURE'; readonly code: string }
  | { readonly kind: 'INVALID'; readonly reason: InvalidNumberReason };

export function destination(
  callClass: CallClass,
  number: string,
  vcBand: VcBand | null = null,
): DialledNumber {
  return { kind: 'NUMBER', class: callClass, number, csp: null, vcBand };
}

export function invalid(reason: InvalidNumberReason): DialledNumber {
  return { kind: 'INVALID', reason };
}

/** The same result with the carrier selection code the caller dialled: any two digits, no list is kept. */
export function withCsp(result: DialledNumber, csp: string): DialledNumber {
  return result.kind === 'NUMBER' ? { ...result, csp } : result;
}
