import { e164, international } from './dialled-international.ts';
import {
  areaNumber,
  collect,
  countryNumber,
  localCollect,
  localNumber,
  nonGeographic,
} from './dialled-national.ts';
import type { DialContext, DialledNumber } from './dialled-result.ts';
import { destination, invalid, withCsp } from './dialled-result.ts';
import { canBeExtension, isEmergencyNumber, isShortCode } from './short-codes.ts';

export type {
  DialContext,
  DialledDestination,
  DialledNumber,
} from './dialled-result.ts';
export { INTL_DIALINGS, INVALID_NUMBER_REASONS } from './dialled-result.ts';

// A SIP user part may be kilobytes long. Looked at before anything else, so that nothing below sees more than this.
const MAX_DIALLED_LENGTH = 64;

/**
 * What a line means by the string it dialled: a classified number, a feature code, or invalid with a reason.
 *
 * Accepts any string and never throws. The forms are those of ANATEL's numbering regulation (Res. 749/2022), ITU-T E.164
 * and PBX habit; the rules are tried in the order they stand in here and below. A `number` it returned, dialled again by
 * the same line, gives the same class and number (collect apart, whose number alone does not say who pays).
 */
export function classifyDialled(dialled: string, context: DialContext): DialledNumber {
  if (dialled.length > MAX_DIALLED_LENGTH) return invalid('TOO_LONG');
  const bare = dialled.replace(/[ \-().]/g, '');
  if (bare === '') return invalid('EMPTY');
  if (/^[\d*#]*[*#][\d*#]*$/.test(bare)) return { kind: 'FEATURE', code: bare };
  if (!/^\+?\d*$/.test(bare)) return invalid('BAD_CHARACTER');
  if (bare.startsWith('+')) return e164(bare.slice(1), context);
  return classifyDigits(bare, context);
}

function classifyDigits(digits: string, context: DialContext): DialledNumber {
  // Before the extensions: whatever a subscriber calls its telephones, 190 is the police.
  if (isShortCode(digits)) return shortCode(digits);
  if (canBeExtension(digits) && context.extensions.has(digits)) return destination('INTERNAL', digits);
  return (
    collectCall(digits, context) ??
    (digits.startsWith('00') ? international(digits.slice(2), context) : null) ??
    (digits.startsWith('0') ? afterNationalPrefix(digits.slice(1), context) : null) ??
    byLength(digits, context)
  );
}

function shortCode(digits: string): DialledNumber {
  return destination(isEmergencyNumber(digits) ? 'EMERGENCY' : 'PUBLIC_UTILITY', digits);
}

// Length tells 9090 with a local number from 90 with a carrier, area and number, even when that carrier is 90. At any
// other length a leading 90 is no collect call: 900 1234567 is premium.
function collectCall(digits: string, context: DialContext): DialledNumber | null {
  if (/^9090\d{8,9}$/.test(digits)) return localCollect(digits.slice(4), context);
  if (/^90\d{12,13}$/.test(digits)) return withCsp(collect(digits.slice(4), context), digits.slice(2, 4));
  return null;
}

/** 0800 and its like, area and number, or carrier, area and number: two digits longer, so no list of carriers. */
function afterNationalPrefix(digits: string, context: DialContext): DialledNumber {
  const shared = nonGeographic(digits);
  if (shared) return shared;
  if (digits.length < 10) return invalid('TOO_SHORT');
  if (digits.length > 13) return invalid('TOO_LONG');
  if (digits.length < 12) return areaNumber(digits, context);
  return withCsp(areaNumber(digits.slice(2), context), digits.slice(0, 2));
}

// Area code 55 and country code 55 differ by nothing but length: ten and eleven digits are the area.
function byLength(digits: string, context: DialContext): DialledNumber {
  const shared = nonGeographic(digits);
  if (shared) return shared;
  if (digits.length < 8) return tooFewDigits(digits);
  if (digits.length < 10) return localNumber(digits, context);
  if (digits.length < 12) return areaNumber(digits, context);
  if (digits.length > 13) return invalid('TOO_LONG');
  return digits.startsWith('55') ? countryNumber(digits.slice(2), context) : invalid('UNKNOWN_FORM');
}

function tooFewDigits(digits: string): DialledNumber {
  if (/^1\d{2,4}$/.test(digits)) return invalid('UNKNOWN_SHORT_CODE');
  return invalid(canBeExtension(digits) ? 'UNKNOWN_EXTENSION' : 'TOO_SHORT');
}
