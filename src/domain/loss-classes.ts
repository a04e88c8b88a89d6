import { AREA_CODES } from './area-codes.ts';
import type { CallClass } from './call-class.ts';
import type { RateKind } from './rate-table.ts';

/** Codes of the whole world: what lies below them is INTL_SPECIAL whatever a deck says (ITU-T E.164.1, E.164.2). */
const WORLDWIDE = ['800', '808', '870', '878', '881', '882', '883', '888', '979'];

/** Whether some number `55`, area code, and then one of these digits has the prefix. */
function isNational(prefix: string, next: RegExp): boolean {
  if (prefix !== '5' && !prefix.startsWith('55')) return false;
  const area = prefix.slice(2, 4);
  if (area.length === 2 && !AREA_CODES.has(area)) return false;
  return prefix.length < 5 || next.test(prefix.slice(4));
}

function abroad(prefix: string, kind: RateKind | null): CallClass[] {
  if (prefix.startsWith('55')) return [];
  const special = WORLDWIDE.some((code) => prefix.startsWith(code));
  if (special) return ['INTL_SPECIAL'];
  if (kind !== null) return [kind === 'FIXED' ? 'INTL_FIXED' : 'INTL_MOBILE'];
  return ['INTL_FIXED', 'INTL_MOBILE', 'INTL_SPECIAL'];
}

/**
 * The classes of the numbers that a row of a deck may price, judged by its prefix alone, even where longer rows leave
 * it nothing. Numbers of +55 are fixed or mobile by their digits, local or long distance by the line, which may be in
 * any area. Abroad the row's own F or C decides; one that has neither is met by fixed, mobile and special numbers.
 */
export function classesOfPrefix(prefix: string, kind: RateKind | null): CallClass[] {
  const found: CallClass[] = [];
  if (isNational(prefix, /^[2-5]/)) found.push('FIXED_LOCAL', 'FIXED_LDN');
  if (isNational(prefix, /^(7|9($|[1-9]))/)) found.push('MOBILE_LOCAL', 'MOBILE_LDN');
  return [...found, ...abroad(prefix, kind)];
}

/** Classes whose numbers are priced by class even beside a deck. */
export const CLASSES_BESIDE_DECK = [
  'PUBLIC_UTILITY',
  'SHARED_COST',
  'PREMIUM',
  'COLLECT',
] as const satisfies readonly CallClass[];
