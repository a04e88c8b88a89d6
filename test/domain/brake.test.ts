import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CLASS_GROUP_NAMES,
  type ClassGroup,
  type Evidence,
  groupOf,
  isNight,
  judge,
  NO_COUNTERS,
  STEPS,
  WATCHED_LEVELS,
} from '../../src/domain/brake.ts';
import { CALL_CLASSES, type CallClass } from '../../src/domain/call-class.ts';
import { countryOf } from '../../src/domain/country.ts';
import { localTime } from '../../src/domain/cycle.ts';

const REAL = 1_000_000n;

function evidence(more: Partial<Evidence> = {}): Evidence {
  return {
    ...NO_COUNTERS,
    level: 'LINE',
    group: 'ABROAD',
    usual_day_micros: 0n,
    new_country: false,
    night: false,
    weekend: false,
    ...more,
  };
}

const NIGHT_ABROAD = { new_country: true, night: true } as const;
const CALL_CENTRE = { group: 'NATIONAL', destinations: 5_000, short_calls: 900, night: true } as const;

describe('a judgement', () => {
  const cases: [what: string, given: Partial<Evidence>, step: string, score: number][] = [
    ['nothing', {}, 'NONE', 0],
    ['a known country at night, at the weekend', { night: true, weekend: true }, 'NONE', 2],
    ['a new country by day', { new_country: true }, 'NONE', 2],
    ['a new country at night', NIGHT_ABROAD, 'SHORTEN', 3],
    ['and a burst to many numbers', { ...NIGHT_ABROAD, short_calls: 5, destinations: 20 }, 'BLOCK', 6],
    ['and ordinary spending', { ...NIGHT_ABROAD, spent_10m_micros: 19n * REAL }, 'SHORTEN', 3],
    ['and R$ 20 within 10 minutes', { ...NIGHT_ABROAD, spent_10m_micros: 20n * REAL }, 'SHORTEN', 5],
    ['and R$ 40 within 10 minutes', { ...NIGHT_ABROAD, spent_10m_micros: 40n * REAL }, 'BLOCK', 7],
    ['R$ 80 within 10 minutes alone', { spent_10m_micros: 80n * REAL }, 'BLOCK', 6],
    [
      'the same where a day is usually R$ 400',
      { spent_10m_micros: 80n * REAL, usual_day_micros: 400n * REAL },
      'NONE',
      0,
    ],
    [
      'an hour as four usual days',
      { spent_60m_micros: 1_600n * REAL, usual_day_micros: 400n * REAL },
      'BLOCK',
      6,
    ],
    ['a burst alone', { short_calls: 10 }, 'NONE', 2],
    ['a large burst alone', { short_calls: 20 }, 'SHORTEN', 3],
    ['premium numbers by the dozen', { group: 'PREMIUM', destinations: 20, short_calls: 20 }, 'BLOCK', 6],
    ['a call centre at full speed', CALL_CENTRE, 'SHORTEN', 7],
    ['that spends R$ 100 in 10 minutes', { ...CALL_CENTRE, spent_10m_micros: 100n * REAL }, 'SHORTEN', 9],
    ['that spends R$ 400 in 10 minutes', { ...CALL_CENTRE, spent_10m_micros: 400n * REAL }, 'BLOCK', 13],
    [
      'lines together, three times as much',
      { level: 'SUBSCRIBER', spent_10m_micros: 239n * REAL },
      'SHORTEN',
      4,
    ],
    ['and a little more', { level: 'SUBSCRIBER', spent_10m_micros: 240n * REAL }, 'BLOCK', 6],
  ];
  test.each(cases)('%s', (_, given, step, score) => {
    expect(judge(evidence(given), 100)).toMatchObject({ step, score });
  });

  test('names its signs with what was seen and what it weighs', () => {
    const { signs } = judge(evidence({ ...NIGHT_ABROAD, short_calls: 11 }), 100);
    expect(signs).toEqual([
      { signal: 'SHORT_CALLS', value: '11', points: 2 },
      { signal: 'NEW_COUNTRY', value: '1', points: 2 },
      { signal: 'NIGHT', value: '1', points: 1 },
    ]);
  });

  test('of a call centre is alarming without a block, so that people know', () => {
    expect(judge(evidence(CALL_CENTRE), 100).alarming).toBe(true);
  });

  test.each([
    [50, 5, 2],
    [100, 5, 1],
    [200, 5, 0],
    [200, 10, 1],
  ])('at %i percent %i short calls weigh %i', (percent, short_calls, score) => {
    expect(judge(evidence({ short_calls }), percent).score).toBe(score);
  });
});

const arbitrary: fc.Arbitrary<Evidence> = fc.record({
  level: fc.constantFrom(...WATCHED_LEVELS),
  group: fc.constantFrom(...CLASS_GROUP_NAMES),
  spent_10m_micros: fc.bigInt(0n, 2_000n * REAL),
  spent_60m_micros: fc.bigInt(0n, 9_000n * REAL),
  destinations: fc.nat(2_000),
  short_calls: fc.nat(1_000),
  usual_day_micros: fc.bigInt(0n, 5_000n * REAL),
  new_country: fc.boolean(),
  night: fc.boolean(),
  weekend: fc.boolean(),
});

const MORE: Readonly<Record<string, (one: Evidence, by: number) => Evidence>> = {
  'spent in 10 minutes': (one, by) => ({
    ...one,
    spent_10m_micros: one.spent_10m_micros + BigInt(by) * REAL,
  }),
  'spent in an hour': (one, by) => ({ ...one, spent_60m_micros: one.spent_60m_micros + BigInt(by) * REAL }),
  destinations: (one, by) => ({ ...one, destinations: one.destinations + by }),
  'short calls': (one, by) => ({ ...one, short_calls: one.short_calls + by }),
  'a new country': (one) => ({ ...one, new_country: true }),
  night: (one) => ({ ...one, night: true }),
  weekend: (one) => ({ ...one, weekend: true }),
};

describe('whatever was seen', () => {
  test.each(Object.entries(MORE))('more of it is never milder: %s', (_, more) => {
    fc.assert(
      fc.property(arbitrary, fc.nat(500), fc.integer({ min: 1, max: 1_000 }), (one, by, percent) => {
        const [before, after] = [judge(one, percent), judge(more(one, by), percent)];
        expect(STEPS.indexOf(after.step)).toBeGreaterThanOrEqual(STEPS.indexOf(before.step));
        expect(after.score).toBeGreaterThanOrEqual(before.score);
      }),
    );
  });

  test('a higher percent is never stricter, and a usual day never makes it so', () => {
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 1, max: 500 }), fc.nat(500), (one, percent, more) => {
        const strict = judge(one, percent).score;
        expect(judge(one, percent + more).score).toBeLessThanOrEqual(strict);
        const usual_day_micros = one.usual_day_micros + BigInt(more) * REAL;
        expect(judge({ ...one, usual_day_micros }, percent).score).toBeLessThanOrEqual(strict);
      }),
    );
  });

  test('what a line is blocked for its subscriber is not blocked for sooner', () => {
    fc.assert(
      fc.property(arbitrary, (one) => {
        const [line, subscriber] = WATCHED_LEVELS.map((level) => judge({ ...one, level }, 100).score);
        expect(subscriber).toBeLessThanOrEqual(line ?? 0);
      }),
    );
  });
});

describe('classes', () => {
  const groups: Partial<Record<CallClass, ClassGroup>> = {
    FIXED_LOCAL: 'NATIONAL',
    FIXED_LDN: 'NATIONAL',
    MOBILE_LOCAL: 'NATIONAL',
    MOBILE_LDN: 'NATIONAL',
    INTL_FIXED: 'ABROAD',
    INTL_MOBILE: 'ABROAD',
    INTL_SPECIAL: 'ABROAD',
    PREMIUM: 'PREMIUM',
    SHARED_COST: 'PREMIUM',
    COLLECT: 'PREMIUM',
  };
  test.each(CALL_CLASSES)('%s', (call_class) => {
    expect(groupOf(call_class)).toBe(groups[call_class] ?? null);
  });
});

test.each([
  ['+12125551234', 'US'],
  ['+18765551234', 'JM'],
  ['+351212345678', 'PT'],
  ['+8816123456789', '+881'],
])('%s is in %s', (number, country) => {
  expect(countryOf(number)).toBe(country);
});

describe('hours', () => {
  test.each([
    [21, 22, 6, false],
    [22, 22, 6, true],
    [5, 22, 6, true],
    [6, 22, 6, false],
    [1, 1, 5, true],
    [5, 1, 5, false],
    [12, 0, 0, true],
  ])('%i within %i to %i: %s', (hour, from, to, night) => {
    expect(isNight(hour, { from, to })).toBe(night);
  });

  test.each([
    ['2026-11-24T02:59:00Z', 23, false],
    ['2026-11-24T03:00:00Z', 0, false],
    ['2026-11-28T03:00:00Z', 0, true],
    ['2026-11-30T02:59:00Z', 23, true],
    ['2026-11-30T03:00:00Z', 0, false],
  ])('%s is at %i in São Paulo, weekend %s', (at, hour, weekend) => {
    expect(localTime(new Date(at))).toEqual({ hour, weekend });
  });
});
