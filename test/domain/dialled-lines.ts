import type { DialContext, DialledNumber } from '../../src/domain/dialled-number.ts';

/** The line of most examples: area 11, whose subscriber has extensions 201 and 6012. */
export const line: DialContext = {
  areaCode: '11',
  extensions: new Set(['201', '6012']),
  intlDialing: 'NO_CSP',
  autoNinthDigit: true,
};
export const lineIn = (areaCode: string): DialContext => ({ ...line, areaCode });
export const csp: DialContext = { ...line, intlDialing: 'CSP' };
export const auto: DialContext = { ...line, intlDialing: 'AUTO' };
export const noNinth: DialContext = { ...line, autoNinthDigit: false };

/** One word per result, so that a table row reads as a sentence: `CLASS number [csp NN] [vcN]`. */
export function say(result: DialledNumber): string {
  if (result.kind === 'FEATURE') return `FEATURE ${result.code}`;
  if (result.kind === 'INVALID') return `INVALID ${result.reason}`;
  const selected = result.csp === null ? '' : ` csp ${result.csp}`;
  const band = result.vcBand === null ? '' : ` vc${result.vcBand}`;
  return `${result.class} ${result.number}${selected}${band}`;
}
