import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderOffline } from '../../../src/asterisk/render/offline.ts';
import { AREA_CODES } from '../../../src/domain/area-codes.ts';
import { classifyDialled, INTL_DIALINGS } from '../../../src/domain/dialled-number.ts';
import { OFFLINE_CLASSES } from '../../../src/domain/offline.ts';
import { readDialplan } from './dialplan-walk.ts';

/*
 * What the dialplan lets out when nobody decides must be what the domain would have called it, to the digit.
 */

const dialplan = readDialplan(renderOffline(['carrier']));
const READING = new Set(['pabx-offline-dialled', 'pabx-offline-national']);
const AREAS = [...AREA_CODES];

interface Line {
  readonly area: string;
  readonly ninth: boolean;
}

/** Class and number by the dialplan; null: refused. */
function byDialplan(dialled: string, { area, ninth }: Line): { class: string; number: string } | null {
  const from = { context: 'pabx-offline-dialled', exten: dialled };
  const end = dialplan.walk(from, { PABX_AREA: area, PABX_NINTH: ninth ? '1' : '0' }, READING);
  if (end?.context !== 'pabx-offline-decided') {
    expect(end).toMatchObject({ context: 'pabx-offline-refused' });
    return null;
  }
  const way = end.exten.slice(0, 2) === area ? 'LOCAL' : 'LDN';
  return { class: `${end.variables.PABX_KIND}_${way}`, number: `+55${end.exten}` };
}

const OFFLINE: ReadonlySet<string> = new Set(OFFLINE_CLASSES);

/** The same by the domain; null: invalid, or of another class. */
function byDomain(dialled: string, { area, ninth }: Line, intlDialing: (typeof INTL_DIALINGS)[number]) {
  const extensions = new Set(['201', '6012']);
  const context = { areaCode: area, extensions, intlDialing, autoNinthDigit: ninth };
  const result = classifyDialled(dialled, context);
  if (result.kind !== 'NUMBER' || !OFFLINE.has(result.class)) return null;
  return { class: result.class, number: result.number };
}

const digits = (most: number) => fc.stringMatching(new RegExp(`^\\d{0,${most}}$`));
const line = fc.record({ area: fc.constantFrom(...AREAS), ninth: fc.boolean() });
const dialled = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', '0', '015', '021', '090', '55', '+55', '0055', '001555', '00', '+', '9090', '9015'),
      fc.oneof(fc.constantFrom('', ...AREAS), digits(2)),
      fc.constantFrom(
        '',
        '2',
        '3',
        '4',
        '5',
        '6',
        '7',
        '8',
        '9',
        '90',
        '91',
        '99',
        '300',
        '400',
        '4020',
        '4370',
        '4864',
        '800',
      ),
      fc.oneof(fc.stringMatching(/^\d{7}$/), fc.stringMatching(/^\d{4}$/), digits(9)),
    )
    .map((parts) => parts.join('')),
  digits(16),
);

describe('the dialplan without the control plane', () => {
  test('lets out nothing that the domain would not have called the same', () => {
    fc.assert(
      fc.property(dialled, line, fc.constantFrom(...INTL_DIALINGS), (number, from, intl) => {
        const seen = byDialplan(number, from);
        if (seen) expect(seen).toEqual(byDomain(number, from, intl));
      }),
      { numRuns: 20_000 },
    );
  });

  test('knows every form of a national number, but for those with 00 and a carrier', () => {
    let known = 0;
    fc.assert(
      fc.property(dialled, line, (number, from) => {
        const meant = byDomain(number, from, 'NO_CSP');
        if (!meant) return;
        known += 1;
        expect(byDialplan(number, from)).toEqual(meant);
      }),
      { numRuns: 20_000 },
    );
    expect(known).toBeGreaterThan(1_000);
  });

  test.each([
    ['98765-4321 is not only digits', '98765-4321'],
    ['a nationwide number', '40041234'],
    ['collect', '9090987654321'],
    ['abroad', '0012125551234'],
    ['premium', '09001234567'],
    ['toll-free', '08001234567'],
    ['no area', '2012345678'],
    ['a short code', '102'],
    ['nothing', ''],
  ])('refuses %s', (_, number) => {
    expect(byDialplan(number, { area: '11', ninth: true })).toBeNull();
  });
});
