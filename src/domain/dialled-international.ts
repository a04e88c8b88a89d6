import type { NumberType } from 'libphonenumber-js/max';
import { parsePhoneNumberFromString, validatePhoneNumberLength } from 'libphonenumber-js/max';
import type { CallClass } from './call-class.ts';
import { countryNumber } from './dialled-national.ts';
import type { DialContext, DialledNumber, InvalidNumberReason } from './dialled-result.ts';
import { destination, invalid, withCsp } from './dialled-result.ts';

const BRAZIL = '55';
const E164_MAX_DIGITS = 15;

/** An E.164 number without its `+` (ITU-T E.164: country code and number, at most 15 digits). */
export function e164(digits: string, context: DialContext): DialledNumber {
  if (digits === '') return invalid('TOO_SHORT');
  if (digits.length > E164_MAX_DIGITS) return invalid('TOO_LONG');
  if (digits.startsWith(BRAZIL)) return countryNumber(digits.slice(BRAZIL.length), context);
  return foreignNumber(`+${digits}`);
}

/**
 * What follows `00`. Whether a carrier code comes first is the subscriber's setting. 55 is looked at before it: `00 55`
 * and a Brazilian number is a Brazilian number in every mode.
 */
export function international(digits: string, context: DialContext): DialledNumber {
  const direct = e164(digits, context);
  if (context.intlDialing === 'NO_CSP') return direct;
  if (direct.kind === 'NUMBER' && (context.intlDialing === 'AUTO' || digits.startsWith(BRAZIL)))
    return direct;
  const selected = withCsp(e164(digits.slice(2), context), digits.slice(0, 2));
  return context.intlDialing === 'CSP' || selected.kind === 'NUMBER' ? selected : direct;
}

/** A number abroad, E.164 with its `+`. */
export function foreignNumber(number: string): DialledNumber {
  const parsed = parsePhoneNumberFromString(number);
  if (!parsed?.isValid()) return invalid(foreignReason(number));
  // Satellite and universal codes (+870, +881, +800 ...) call some of their ranges mobile: no bundle covers them.
  const callClass = parsed.isNonGeographic() ? 'INTL_SPECIAL' : foreignClass(parsed.getType());
  return destination(callClass, parsed.number);
}

// Countries that number mobiles like fixed lines (North America, Mexico) count as fixed.
function foreignClass(type: NumberType): CallClass {
  if (type === 'MOBILE') return 'INTL_MOBILE';
  return type === 'FIXED_LINE' || type === 'FIXED_LINE_OR_MOBILE' ? 'INTL_FIXED' : 'INTL_SPECIAL';
}

function foreignReason(number: string): InvalidNumberReason {
  const fault = validatePhoneNumberLength(number);
  if (fault === 'INVALID_COUNTRY') return 'UNKNOWN_COUNTRY';
  return fault === 'TOO_SHORT' || fault === 'TOO_LONG' ? fault : 'BAD_INTERNATIONAL_NUMBER';
}
