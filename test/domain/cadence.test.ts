import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  billedSeconds,
  type Cadence,
  formatCadence,
  isCadence,
  parseCadence,
  talkPaidBy,
  talkSeconds,
} from '../../src/domain/cadence.ts';

function cadence(text: string): Cadence {
  const [initial_seconds = 0, increment_seconds = 0, free_threshold_seconds = 0] = text
    .split('/')
    .map(Number);
  return { initial_seconds, increment_seconds, free_threshold_seconds };
}

const anyCadence: fc.Arbitrary<Cadence> = fc.oneof(
  fc.constantFrom(...['30/6/3', '60/6/0', '60/60/0', '1/1/0', '30/6/6'].map(cadence)),
  fc.record({
    initial_seconds: fc.integer({ min: 1, max: 3_600 }),
    increment_seconds: fc.integer({ min: 1, max: 3_600 }),
    free_threshold_seconds: fc.nat(3_600),
  }),
);

describe('billed seconds', () => {
  test.each([
    [
      '30/6/3',
      '0→0 1→0 2→0 3→30 29→30 30→30 31→36 36→36 37→42 45→48 59→60 60→60 61→66 90→90 91→96 121→126 160→162',
    ],
    ['30/6/0', '0→0 1→30 2→30 3→30 31→36 95→96'],
    ['30/6/6', '5→0 6→30'],
    ['60/60/0', '0→0 1→60 59→60 60→60 61→120 120→120 121→180'],
    ['60/6/0', '1→60 60→60 61→66 66→66 67→72'],
    ['1/1/0', '0→0 1→1 61→61'],
    ['7/5/0', '7→7 8→12 12→12 13→17'],
    // a threshold above the first block leaves out whole blocks
    ['1/1/10', '9→0 10→10 11→11'],
    ['6/6/30', '29→0 30→30 31→36'],
  ])('at %s', (text, table) => {
    const shown = table
      .split(' ')
      .map((pair) => Number(pair.split('→')[0]))
      .map((talk) => `${talk}→${billedSeconds(talk, cadence(text))}`);
    expect(shown.join(' ')).toBe(table);
  });

  test('never go down as the talk grows, and cover it', () => {
    fc.assert(
      fc.property(anyCadence, fc.nat(20_000), (some, talk) => {
        const billed = billedSeconds(talk, some);
        expect(billedSeconds(talk + 1, some)).toBeGreaterThanOrEqual(billed);
        if (billed > 0) expect(billed).toBeGreaterThanOrEqual(talk);
        expect(billed).toBeLessThan(Math.max(some.initial_seconds + 1, talk + some.increment_seconds));
      }),
    );
  });
});

test.each([
  [-1, 0],
  [0, 0],
  [0.4, 1],
  [1, 1],
  [999, 1],
  [1_000, 1],
  [1_001, 2],
  [2_999.5, 3],
  [160_000, 160],
])('%d ms of talk are %i begun seconds', (talk_ms, seconds) => {
  expect(talkSeconds(talk_ms)).toBe(seconds);
});

describe('the longest talk that granted seconds pay for', () => {
  test.each([
    ['30/6/3', '0→0 29→0 30→30 31→30 35→30 36→36 41→36 42→42 162→162'],
    ['60/60/0', '59→0 60→60 119→60 120→120'],
    ['1/1/0', '0→0 1→1 2→2'],
    ['7/5/0', '6→0 7→7 11→7 12→12'],
  ])('at %s', (text, table) => {
    const shown = table
      .split(' ')
      .map((pair) => Number(pair.split('→')[0]))
      .map((granted) => `${granted}→${talkPaidBy(granted, cadence(text))}`);
    expect(shown.join(' ')).toBe(table);
  });

  test('is billed with no more than was granted, and a second more would not be', () => {
    fc.assert(
      fc.property(anyCadence, fc.nat(20_000), (some, granted) => {
        const talk = talkPaidBy(granted, some);
        expect(billedSeconds(talk, some)).toBeLessThanOrEqual(granted);
        if (talk + 1 >= some.free_threshold_seconds) {
          expect(billedSeconds(talk + 1, some)).toBeGreaterThan(granted);
        }
      }),
    );
  });

  test('is all of what a talk is billed, and covers that talk', () => {
    fc.assert(
      fc.property(anyCadence, fc.nat(20_000), (some, talk) => {
        const billed = billedSeconds(talk, some);
        expect(talkPaidBy(billed, some)).toBe(billed);
        if (billed > 0) expect(talkPaidBy(billed, some)).toBeGreaterThanOrEqual(talk);
      }),
    );
  });
});

test.each([
  ['30/6/3', true],
  ['1/1/0', true],
  ['3600/3600/3600', true],
  ['0/6/3', false],
  ['30/0/3', false],
  ['30/6/-1', false],
  ['3601/6/3', false],
  ['30/3601/3', false],
  ['30/6/3601', false],
  ['30/1.5/3', false],
  ['x/6/3', false],
])('%s is a cadence: %s', (text, valid) => {
  expect(isCadence(cadence(text))).toBe(valid);
  if (valid) expect(formatCadence(cadence(text))).toBe(text);
});

describe('a cadence as people write it', () => {
  test.each([
    ['30/6/3', '30/6/3'],
    ['60/60', '60/60/0'],
    [' 1/1/0 ', '1/1/0'],
    ['0030/06/3', '30/6/3'],
    ['3600/3600/3600', '3600/3600/3600'],
  ])('%j is %s', (text, written) => {
    const read = parseCadence(text);
    expect(read && formatCadence(read)).toBe(written);
    expect(read).toEqual(cadence(written));
  });

  test.each(
    ['', '30', '30/', '30/6/', '30/6/3/1', 'x30/6/3', '30/6/3x', '30/x6', '30/6 /3', '-30/6', '1.5/6'].concat(
      ['0/6/3', '30/0/3', '3601/6/3', '30/3601', '30/6/3601', '00030/6/3', '1e2/6/3'],
    ),
  )('%j is none', (text) => {
    expect(parseCadence(text)).toBeNull();
  });
});
