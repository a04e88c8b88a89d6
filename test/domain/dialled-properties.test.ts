import fc from 'fast-check';
import type { CountryCode } from 'libphonenumber-js/max';
import { getCountryCallingCode } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import { describe, expect, test } from 'vitest';
import { AREA_CODES } from '../../src/domain/area-codes.ts';
import { CALL_CLASSES } from '../../src/domain/call-class.ts';
import type { DialContext, DialledNumber } from '../../src/domain/dialled-number.ts';
import { classifyDialled, INVALID_NUMBER_REASONS } from '../../src/domain/dialled-number.ts';
import { auto, csp, line, say } from './dialled-lines.ts';

describe('of any string', () => {
  const contexts: fc.Arbitrary<DialContext> = fc.record({
    areaCode: fc.constantFrom(...AREA_CODES),
    extensions: fc
      .array(fc.stringMatching(/^\d{1,11}$/), { maxLength: 3 })
      .map((some): ReadonlySet<string> => new Set([...some, '201', '6012', '8001234567', '40041234'])),
    intlDialing: fc.constantFrom('NO_CSP', 'CSP', 'AUTO'),
    autoNinthDigit: fc.boolean(),
  });

  // Blind digits are nearly always invalid: most runs start from a real form, with any digits behind it.
  const prefix = fc.constantFrom(
    ...[
      '',
      '0',
      '00',
      '015',
      '0015',
      '+',
      '+55',
      '55',
      '0055',
      '9090',
      '9015',
      '0800',
      '300',
      '4004',
      '+1212',
    ],
    ...[
      '+44',
      '+54',
      '+52',
      '+39',
      '+49',
      '+43',
      '+7',
      '+86',
      '+870',
      '+881',
      '+883',
      '+800',
      '+979',
      '1',
      '10',
    ],
  );
  const area = fc.constantFrom('', '', ...AREA_CODES);
  const forms = fc
    .tuple(prefix, area, fc.constantFrom('', '9', '3', '7', '8'), fc.stringMatching(/^\d{0,11}$/))
    .map((parts) => parts.join(''));
  const example = fc.constantFrom(...Object.values(examples).map(String));
  const abroad = fc.tuple(
    fc.constantFrom('+', '00', '0015'),
    fc.constantFrom('1', '351', '44', '54', '52'),
    example,
  );
  const dialled = fc.oneof(
    { weight: 6, arbitrary: forms },
    { weight: 2, arbitrary: abroad.map((parts) => parts.join('')) },
    { weight: 1, arbitrary: fc.stringMatching(/^[+*#0-9 ().-]{0,70}$/) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
  );
  const runs = { numRuns: 5000 };

  function expectShape(result: DialledNumber): void {
    if (result.kind === 'FEATURE') expect(result.code).toMatch(/^(?=.*[*#])[\d*#]{1,64}$/);
    if (result.kind === 'INVALID') expect(INVALID_NUMBER_REASONS).toContain(result.reason);
    if (result.kind !== 'NUMBER') return;
    expect(CALL_CLASSES).toContain(result.class);
    expect(result.csp === null || /^\d\d$/.test(result.csp)).toBe(true);
    const withPlus = /^(FIXED|MOBILE|INTL|COLLECT)/.test(result.class);
    expect(result.number).toMatch(withPlus ? /^\+[1-9]\d{1,14}$/ : /^[1-9]\d{1,9}$/);
  }

  test('the result is a member of the union and nothing is thrown', () => {
    fc.assert(
      fc.property(dialled, contexts, (text, context) => expectShape(classifyDialled(text, context))),
      runs,
    );
  });

  test('kilobytes are refused at once', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('0', '9', '*', '+', ' ', '(', 'a', '\ud83d\ude00'),
        contexts,
        (unit, context) => {
          expect(classifyDialled(unit.repeat(100_000), context)).toEqual({
            kind: 'INVALID',
            reason: 'TOO_LONG',
          });
        },
      ),
    );
  });

  test('normalising twice changes nothing', () => {
    fc.assert(
      fc.property(dialled, contexts, (text, context) => {
        const once = classifyDialled(text, context);
        if (once.kind !== 'NUMBER' || once.class === 'COLLECT') return;
        expect(classifyDialled(once.number, context)).toEqual({ ...once, csp: null });
      }),
      runs,
    );
  });

  test('a collect call reaches the number that its digits alone would', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^90(90|15[1-9][1-9])[2-9]\d{7,8}$/), contexts, (text, context) => {
        const called = classifyDialled(text, context);
        if (called.kind !== 'NUMBER') return;
        expect(called).toMatchObject({ class: 'COLLECT', vcBand: null });
        const again = classifyDialled(called.number, context);
        expect(again).toMatchObject({ kind: 'NUMBER', number: called.number });
      }),
      runs,
    );
  });

  test('the mobile band follows from the two area codes, and only mobiles have one', () => {
    fc.assert(
      fc.property(dialled, contexts, (text, context) => {
        const result = classifyDialled(text, context);
        if (result.kind !== 'NUMBER') return;
        const called = result.number.slice(3, 5);
        const mobile = result.class === 'MOBILE_LOCAL' || result.class === 'MOBILE_LDN';
        const band = called === context.areaCode ? 1 : called[0] === context.areaCode[0] ? 2 : 3;
        expect(result.vcBand).toBe(mobile ? band : null);
        if (mobile) expect(result.class).toBe(band === 1 ? 'MOBILE_LOCAL' : 'MOBILE_LDN');
      }),
      runs,
    );
  });

  test('separators change nothing', () => {
    fc.assert(
      fc.property(forms, contexts, fc.constantFrom(' ', '-', '(', ')', '.'), (text, context, separator) => {
        const spaced = [...text].join(separator);
        expect(classifyDialled(spaced, context)).toEqual(classifyDialled(text, context));
      }),
      runs,
    );
  });
});

describe('abroad', () => {
  const mobiles = Object.entries(examples).map(([country, national]) => {
    return { country, number: `${getCountryCallingCode(country as CountryCode)}${national}` };
  });
  // Ranges that libphonenumber cannot tell apart, or (TA) knows as fixed only.
  const sharedRanges = ['TA', 'CA', 'CL', 'DO', 'FM', 'GU', 'MP', 'MX', 'PR', 'US', 'VI'];

  test.each(mobiles.filter(({ country }) => country !== 'BR'))('$country +$number is mobile', (mobile) => {
    const meaning = `${sharedRanges.includes(mobile.country) ? 'INTL_FIXED' : 'INTL_MOBILE'} +${mobile.number}`;
    expect(say(classifyDialled(`+${mobile.number}`, csp))).toBe(meaning);
    expect(say(classifyDialled(`00${mobile.number}`, line))).toBe(meaning);
    expect(say(classifyDialled(`00${mobile.number}`, auto))).toBe(meaning);
    expect(say(classifyDialled(`0015${mobile.number}`, csp))).toBe(`${meaning} csp 15`);
  });
});
