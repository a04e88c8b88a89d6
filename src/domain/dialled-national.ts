import { isAreaCode } from './area-codes.ts';
import type { CallClass } from './call-class.ts';
import type { DialContext, DialledNumber, VcBand } from './dialled-result.ts';
import { destination, invalid } from './dialled-result.ts';
import { isEmergencyNumber } from './short-codes.ts';

type Subscriber = { readonly digits: string; readonly mobile: boolean };

// ANATEL Res. 749/2022. 57 was rural fixed; 7 was trunking, whose numbers stayed at eight digits; 90 after the area code
// belongs to collect calls, so no mobile number starts with it.
const FIXED = /^[2-5]\d{7}$/;
const MOBILE = /^9[1-9]\d{7}$/;
const TRUNKING = /^7\d{7}$/;
const BEFORE_NINTH_DIGIT = /^[689]\d{7}$/;

const NATIONWIDE = /^(?:[34]00\d|4020|4370|4864)\d{4}$/;

// Only 0800 still has numbers of the old length, six digits after the code.
const NON_GEOGRAPHIC: readonly (readonly [RegExp, CallClass])[] = [
  [/^800\d{6,7}$/, 'TOLL_FREE'],
  [/^30[034]\d{7}$/, 'SHARED_COST'],
  [/^[59]00\d{7}$/, 'PREMIUM'],
];

/** A number without area code that the whole country shares: `8001234567`, `3001234567`, `9001234567`; else null. */
export function nonGeographic(digits: string): DialledNumber | null {
  const row = NON_GEOGRAPHIC.find(([pattern]) => pattern.test(digits));
  return row ? destination(row[1], digits) : null;
}

/**
 * Eight or nine digits without area code. 4004-5678 is the nationwide number here, although an area may have a fixed
 * line of the same digits: that one is reached with its area code.
 */
export function localNumber(digits: string, context: DialContext): DialledNumber {
  if (NATIONWIDE.test(digits)) return destination('SHARED_COST', digits);
  return geographic(context.areaCode, digits, context);
}

/** Area code and subscriber number: ten digits fixed, eleven mobile (E.164 national significant number). */
export function areaNumber(digits: string, context: DialContext): DialledNumber {
  if (!isAreaCode(digits.slice(0, 2))) return invalid('UNKNOWN_AREA_CODE');
  if (digits.length < 10) return invalid('TOO_SHORT');
  if (digits.length > 11) return invalid('TOO_LONG');
  return geographic(digits.slice(0, 2), digits.slice(2), context);
}

/**
 * What follows country code 55. Besides area numbers these are the non-geographic and nationwide ones, and emergency
 * numbers, because telephones that rewrite whatever is dialled to E.164 also send `+55190`.
 */
export function countryNumber(national: string, context: DialContext): DialledNumber {
  if (isEmergencyNumber(national)) return destination('EMERGENCY', national);
  if (NATIONWIDE.test(national)) return destination('SHARED_COST', national);
  return nonGeographic(national) ?? areaNumber(national, context);
}

/** A collect call to an area number; the number keeps its E.164 form, the class is COLLECT whatever the distance. */
export function collect(national: string, context: DialContext): DialledNumber {
  const called = areaNumber(national, context);
  return called.kind === 'NUMBER' ? destination('COLLECT', called.number) : called;
}

/** `9090` and the number: collect inside the line's own area. Nationwide numbers take no collect calls. */
export function localCollect(digits: string, context: DialContext): DialledNumber {
  if (NATIONWIDE.test(digits)) return invalid('BAD_SUBSCRIBER_NUMBER');
  return collect(context.areaCode + digits, context);
}

function geographic(areaCode: string, digits: string, context: DialContext): DialledNumber {
  if (!isAreaCode(areaCode)) return invalid('UNKNOWN_AREA_CODE');
  const subscriber = subscriberNumber(digits, context.autoNinthDigit);
  if (!subscriber) return invalid('BAD_SUBSCRIBER_NUMBER');
  const number = `+55${areaCode}${subscriber.digits}`;
  const local = areaCode === context.areaCode;
  if (!subscriber.mobile) return destination(local ? 'FIXED_LOCAL' : 'FIXED_LDN', number);
  return destination(local ? 'MOBILE_LOCAL' : 'MOBILE_LDN', number, vcBand(areaCode, context.areaCode));
}

function subscriberNumber(digits: string, autoNinthDigit: boolean): Subscriber | null {
  if (FIXED.test(digits)) return { digits, mobile: false };
  if (MOBILE.test(digits) || TRUNKING.test(digits)) return { digits, mobile: true };
  if (autoNinthDigit && BEFORE_NINTH_DIGIT.test(digits)) return { digits: `9${digits}`, mobile: true };
  return null;
}

function vcBand(called: string, own: string): VcBand {
  if (called === own) return 1;
  return called[0] === own[0] ? 2 : 3;
}
