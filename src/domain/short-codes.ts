/**
 * Every number that reaches a public emergency service, free to call (ANATEL Res. 738/2020, art. 65-A): 100, 128 and
 * the range 180-199; 112 and 911 are the foreign habits that Brazilian networks also answer.
 */
export const EMERGENCY_NUMBERS: readonly string[] = [
  ...['100', '112', '128'],
  ...['180', '181', '182', '183', '184', '185', '186', '187', '188', '189'],
  ...['190', '191', '192', '193', '194', '195', '196', '197', '198', '199'],
  '911',
];

const EMERGENCY_SET: ReadonlySet<string> = new Set(EMERGENCY_NUMBERS);

// Carrier support hangs below 103 (plus the carrier's two digits), 105 and 106. The rest of 10xx is no short code:
// 1001 and its neighbours are the most usual extension numbers of all.
const SHORT_CODE = /^(?:1\d\d|103\d\d|105\d|106\d\d?|911)$/;

const EXTENSION = /^[1-9]\d{1,5}$/;

/** True for the digits of a public emergency service: they are never blocked and never priced. */
export function isEmergencyNumber(digits: string): boolean {
  return EMERGENCY_SET.has(digits);
}

/** True for a public utility code (SUP: 1XX), a carrier support code (103xx, 105x, 106x, 106xx) or 911. */
export function isShortCode(digits: string): boolean {
  return SHORT_CODE.test(digits);
}

/**
 * True when a line may carry these digits as its extension: two to six digits, no leading 0 (the national prefix), and
 * no short code, because an extension must never stand in front of 190.
 */
export function canBeExtension(digits: string): boolean {
  return EXTENSION.test(digits) && !isShortCode(digits);
}
