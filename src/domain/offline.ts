import { AREA_CODES } from './area-codes.ts';
import type { CallClass } from './call-class.ts';

/** The classes that may be paid for while nobody decides: within the country, to numbers that cost what they seem to. */
export const OFFLINE_CLASSES = [
  'FIXED_LOCAL',
  'FIXED_LDN',
  'MOBILE_LOCAL',
  'MOBILE_LDN',
] as const satisfies readonly CallClass[];

export type OfflineClass = (typeof OFFLINE_CLASSES)[number];

/** What a line may do for money while the control plane is away. */
export interface OfflinePolicy {
  readonly area_code: string;
  readonly auto_ninth_digit: boolean;
  /** E.164 number that called people see; null: what the trunk makes of the extension. */
  readonly caller_id: string | null;
  readonly classes: readonly OfflineClass[];
  /** Seconds of talk that all lines of the subscriber may spend until the control plane is back. */
  readonly budget_seconds: number;
  readonly call_seconds: number;
  /** Such calls of the subscriber at once. */
  readonly calls: number;
}

/** What a version of prices covers, as far as it can be said without a number. */
export interface PriceCover {
  readonly classes: readonly CallClass[];
  /** Active prefixes of the deck, among those that can cover whole areas. null: priced by class alone. */
  readonly prefixes: readonly string[] | null;
}

/** First digits of the numbers of an area, by kind: every one of them has to be priced. */
const FIRST_DIGITS = { FIXED: ['2', '3', '4', '5'], MOBILE: ['7', '9'] } as const;

/** The prefixes of a deck that can cover whole areas. */
export const COVERING_PREFIXES: readonly string[] = [
  ...new Set(
    [...AREA_CODES].flatMap((area) => {
      const whole = `55${area}`;
      const shorter = [1, 2, 3, 4].map((length) => whole.slice(0, length));
      return [
        ...shorter,
        ...Object.values(FIRST_DIGITS).flatMap((digits) => digits.map((digit) => whole + digit)),
      ];
    }),
  ),
];

function coversArea(prefixes: ReadonlySet<string>, area: string, kind: keyof typeof FIRST_DIGITS): boolean {
  const whole = `55${area}`;
  const shorter = [1, 2, 3, 4].some((length) => prefixes.has(whole.slice(0, length)));
  return shorter || FIRST_DIGITS[kind].every((digit) => prefixes.has(whole + digit));
}

/**
 * The classes of which every number has a price, for lines of this area: what has none must not go out when nobody can
 * refuse it.
 */
export function coveredClasses({ classes, prefixes }: PriceCover, area_code: string): OfflineClass[] {
  if (prefixes === null) return OFFLINE_CLASSES.filter((name) => classes.includes(name));
  const known = new Set(prefixes);
  return OFFLINE_CLASSES.filter((name) => {
    const kind = name.startsWith('FIXED') ? 'FIXED' : 'MOBILE';
    const reached = name.endsWith('LOCAL')
      ? [area_code]
      : [...AREA_CODES].filter((area) => area !== area_code);
    return reached.every((area) => coversArea(known, area, kind));
  });
}
