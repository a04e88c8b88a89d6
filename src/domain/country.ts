import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/**
 * Where a number abroad (E.164 with `+`) is: its country, told apart also where several share a calling code (`JM` of
 * `+1876…`), or the calling code where it belongs to no country (`+881` of a satellite phone).
 */
export function countryOf(number: string): string {
  const parsed = parsePhoneNumberFromString(number);
  if (!parsed) return number.slice(0, 4);
  return parsed.country ?? `+${parsed.countryCallingCode}`;
}
