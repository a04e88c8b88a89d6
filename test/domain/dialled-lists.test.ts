import { describe, expect, test } from 'vitest';
import { AREA_CODES, isAreaCode } from '../../src/domain/area-codes.ts';
import { BUNDLE_SLOTS, CALL_CLASS_FACTS, CALL_CLASSES } from '../../src/domain/call-class.ts';
import { classifyDialled } from '../../src/domain/dialled-number.ts';
import {
  canBeExtension,
  EMERGENCY_NUMBERS,
  isEmergencyNumber,
  isShortCode,
} from '../../src/domain/short-codes.ts';
import { line, lineIn, say } from './dialled-lines.ts';

describe('area codes', () => {
  const pairs = Array.from({ length: 100 }, (_, code) => String(code).padStart(2, '0'));

  test('there are 67, as libphonenumber has them', () => {
    const pattern = /^(?:[14689][1-9]|2[12478]|3[1-578]|5[13-5]|7[13-579])$/;
    expect(AREA_CODES.size).toBe(67);
    expect([...AREA_CODES].sort()).toEqual(pairs.filter((pair) => pattern.test(pair)));
  });

  test('each assigned one has fixed and mobile numbers, local to its own lines', () => {
    for (const code of pairs.filter(isAreaCode)) {
      const band = code === '11' ? 1 : code.startsWith('1') ? 2 : 3;
      const reach = code === '11' ? 'LOCAL' : 'LDN';
      expect(say(classifyDialled(`${code}33334444`, line))).toBe(`FIXED_${reach} +55${code}33334444`);
      expect(say(classifyDialled(`${code}987654321`, line))).toBe(
        `MOBILE_${reach} +55${code}987654321 vc${band}`,
      );
      expect(say(classifyDialled(`55${code}33334444`, lineIn(code)))).toBe(`FIXED_LOCAL +55${code}33334444`);
      expect(say(classifyDialled('987654321', lineIn(code)))).toBe(`MOBILE_LOCAL +55${code}987654321 vc1`);
    }
  });

  test('no unassigned one has numbers in any form', () => {
    for (const code of pairs.filter((pair) => !isAreaCode(pair))) {
      for (const form of [code, `0${code}`, `015${code}`, `+55${code}`, `55${code}`, `9015${code}`]) {
        // A code starting with 0 turns the form into another one (00 + country, carrier + area).
        if (code.startsWith('0') && !/^(\+55|55|015|9015)/.test(form)) continue;
        expect(say(classifyDialled(`${form}25554444`, line)), form).toBe('INVALID UNKNOWN_AREA_CODE');
        expect(say(classifyDialled(`${form}987654321`, line)), form).toBe('INVALID UNKNOWN_AREA_CODE');
      }
    }
  });
});

describe('emergency and short codes', () => {
  const triples = Array.from({ length: 1000 }, (_, code) => String(code).padStart(3, '0'));

  test('emergency is 100, 112, 128, 180 to 199 and 911, and nothing else', () => {
    const meant = triples.filter((code) => /^(100|112|128|18\d|19\d|911)$/.test(code));
    expect([...EMERGENCY_NUMBERS].sort()).toEqual(meant);
    expect(triples.filter(isEmergencyNumber)).toEqual(meant);
  });

  test('every emergency number is one for every line, even when an extension has its digits', () => {
    for (const code of EMERGENCY_NUMBERS) {
      const shadowed = { ...line, extensions: new Set([code]) };
      expect(say(classifyDialled(code, shadowed))).toBe(`EMERGENCY ${code}`);
      expect(canBeExtension(code)).toBe(false);
    }
  });

  test('the other 1XX are public utilities', () => {
    for (const code of triples.filter((triple) => triple.startsWith('1') && !isEmergencyNumber(triple))) {
      expect(say(classifyDialled(code, line))).toBe(`PUBLIC_UTILITY ${code}`);
    }
  });

  test.each(['190', '100', '199', '911', '10300', '10399', '1050', '1069', '10600'])('%s is one', (code) => {
    expect(isShortCode(code)).toBe(true);
    expect(canBeExtension(code)).toBe(false);
  });

  test.each(['', '1', '10', '099', '200', '912', '1000', '1030', '1040', '10500', '1900', '106000'])(
    '%j is none',
    (code) => expect(isShortCode(code)).toBe(false),
  );

  test.each(['10', '99', '201', '912', '1001', '1900', '6012', '12345', '999999'])(
    '%s may be an extension',
    (it) => {
      expect(canBeExtension(it)).toBe(true);
    },
  );

  test.each(['', '1', '01', '0201', '1234567', '2a', '20 1', '２０１', '201\n', '*97'])(
    '%j may be no extension',
    (digits) => expect(canBeExtension(digits)).toBe(false),
  );
});

describe('call classes', () => {
  test('a bundle slot draws from itself and every other class from none', () => {
    for (const name of CALL_CLASSES) {
      expect(CALL_CLASS_FACTS[name].slot).toBe(BUNDLE_SLOTS.find((slot) => slot === name) ?? null);
    }
  });

  test('only emergency, toll-free and internal calls are free, and those that come in', () => {
    expect(CALL_CLASSES.filter((name) => CALL_CLASS_FACTS[name].free)).toEqual([
      'INTERNAL',
      'EMERGENCY',
      'TOLL_FREE',
      'INBOUND',
    ]);
  });
});
