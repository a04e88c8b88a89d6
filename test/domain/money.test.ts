import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatReais,
  MAX_PRICE_MICROS_PER_MINUTE,
  parseReais,
  priceOfSeconds,
} from '../../src/domain/money.ts';

describe('the price of billed seconds', () => {
  test.each([
    // micro-reais a minute, seconds, micro-reais
    [100_000n, 30, 50_000n],
    [100_000n, 36, 60_000n],
    [100_000n, 48, 80_000n],
    [50_000n, 48, 40_000n],
    [75_000n, 36, 45_000n],
    [123_450n, 42, 86_415n],
    [330_000n, 66, 363_000n],
    [39_900n, 30, 19_950n],
    [100_000n, 0, 0n],
    [0n, 3_600, 0n],
    [150_000n, 66, 165_000n],
    // half a micro goes up, less than half goes down
    [1n, 29, 0n],
    [1n, 30, 1n],
    [1n, 89, 1n],
    [1n, 90, 2n],
    [5n, 6, 1n],
    [1n, 59, 1n],
    [7n, 4, 0n],
    [7n, 5, 1n],
    // beyond 53 bits
    [MAX_PRICE_MICROS_PER_MINUTE, 31 * 86_400, 44_640_000_000_000n],
    [9_007_199_254_740_993n, 60, 9_007_199_254_740_993n],
  ])('%s a minute for %i s is %s', (price, seconds, total) => {
    expect(priceOfSeconds(price, seconds)).toBe(total);
  });

  const price = fc.bigInt(0n, MAX_PRICE_MICROS_PER_MINUTE);
  const seconds = fc.nat(100_000);

  test('is never more than half a micro from the exact one', () => {
    fc.assert(
      fc.property(price, seconds, (a, s) => {
        const sixtyfold = 60n * priceOfSeconds(a, s) - a * BigInt(s);
        expect(sixtyfold).toBeGreaterThan(-30n);
        expect(sixtyfold).toBeLessThanOrEqual(30n);
      }),
    );
  });

  test('of slices, as differences of cumulative prices, adds up to the price of the whole', () => {
    fc.assert(
      fc.property(price, fc.array(fc.nat(600), { minLength: 1 }), (a, slices) => {
        let end = 0;
        let sum = 0n;
        for (const slice of slices) {
          const charge = priceOfSeconds(a, end + slice) - priceOfSeconds(a, end);
          expect(charge).toBeGreaterThanOrEqual(0n);
          sum += charge;
          end += slice;
        }
        expect(sum).toBe(priceOfSeconds(a, end));
      }),
    );
  });
});

describe('money as panels show it', () => {
  test.each([
    [0n, 'R$ 0,00'],
    [4_999n, 'R$ 0,00'],
    [5_000n, 'R$ 0,01'],
    [45_000n, 'R$ 0,05'],
    [1_004_999n, 'R$ 1,00'],
    [1_005_000n, 'R$ 1,01'],
    [1_234_567n, 'R$ 1,23'],
    [999_995_000n, 'R$ 1.000,00'],
    [999_994_999n, 'R$ 999,99'],
    [1_234_560_000n, 'R$ 1.234,56'],
    [12_345_670_000n, 'R$ 12.345,67'],
    [1_234_567_890_000n, 'R$ 1.234.567,89'],
    [90_071_992_547_409_930_000n, 'R$ 90.071.992.547.409,93'],
    [-4_999n, 'R$ 0,00'],
    [-5_000n, '-R$ 0,01'],
    [-1_234_560_000n, '-R$ 1.234,56'],
  ])('%s micro-reais: %s', (amount, text) => {
    expect(formatReais(amount)).toBe(text);
  });

  test('is never more than half a cent away, and can be read back', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 18n), 10n ** 18n), (amount) => {
        const text = formatReais(amount);
        expect(text).toMatch(/^-?R\$ \d{1,3}(\.\d{3})*,\d{2}$/);
        const shown = BigInt(text.replace(/\D/g, '')) * (text.startsWith('-') ? -10_000n : 10_000n);
        const off = shown - amount;
        expect(off < 0n ? -off : off).toBeLessThanOrEqual(5_000n);
      }),
    );
  });
});

describe('money as people write it', () => {
  test.each([
    ['0', 0n],
    ['0,12', 120_000n],
    ['0.12', 120_000n],
    ['1', 1_000_000n],
    ['007,5', 7_500_000n],
    ['0,000001', 1n],
    ['0,123456', 123_456n],
    ['R$ 0,35', 350_000n],
    ['r$0.35', 350_000n],
    ['R$\u00a01,00', 1_000_000n],
    [' 2,50 ', 2_500_000n],
    ['1.234', 1_234_000n],
    ['1,234', 1_234_000n],
    ['1.234,56', 1_234_560_000n],
    ['1,234.56', 1_234_560_000n],
    ['1.234.567,89', 1_234_567_890_000n],
    ['12,345.67', 12_345_670_000n],
    ['1,234,567.89', 1_234_567_890_000n],
    ['999999999999999,999999', 999_999_999_999_999_999_999n],
  ])('%j is %s micro-reais', (text, amount) => {
    expect(parseReais(text)).toBe(amount);
  });

  test.each([
    '',
    ' ',
    'R$',
    '-1',
    '-0,10',
    '+1',
    '0,1234567',
    '1e3',
    'NaN',
    'Infinity',
    '0x10',
    ',5',
    '.5',
    '1,',
    '1.',
    '1,2,3',
    '1.2.3',
    '1.234.567',
    '1,234,567',
    '12.34,5',
    '1.2345,6',
    '1.234.5',
    '1234.567,8',
    '1234,567.8',
    '1.234,56x',
    '1,234.56x',
    '1R$2',
    '2 R$',
    '0,12 a',
    'US$ 1',
    '١',
    '1 000',
    '--',
    '1000000000000000',
  ])('%j is no amount', (text) => {
    expect(parseReais(text)).toBeNull();
  });

  test('reads what panels show, and keeps every micro', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 18n), fc.constantFrom(',', '.'), (amount, point) => {
        const digits = amount.toString().padStart(7, '0');
        expect(parseReais(`${digits.slice(0, -6)}${point}${digits.slice(-6)}`)).toBe(amount);
        const cents = amount - (amount % 10_000n);
        expect(parseReais(formatReais(cents))).toBe(cents);
      }),
    );
  });
});
