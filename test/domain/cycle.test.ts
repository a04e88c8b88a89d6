import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cycleStart, dayStart_ms, localDay, nextCycleStart } from '../../src/domain/cycle.ts';

describe('the first day of the cycle', () => {
  test.each([
    // cycle day, moment, first day
    [1, '2026-11-10T12:00:00Z', '2026-11-01'],
    [10, '2026-11-10T12:00:00Z', '2026-11-10'],
    [11, '2026-11-10T12:00:00Z', '2026-10-11'],
    [31, '2026-11-10T12:00:00Z', '2026-10-31'],
    // midnight is São Paulo's, three hours after Greenwich's
    [10, '2026-11-10T02:59:59.999Z', '2026-10-10'],
    [10, '2026-11-10T03:00:00.000Z', '2026-11-10'],
    [1, '2026-12-01T02:59:59.999Z', '2026-11-01'],
    [1, '2026-12-01T03:00:00.000Z', '2026-12-01'],
    // day 31: 31 Jan, 28 Feb, 31 Mar, 30 Apr
    [31, '2026-01-31T03:00:00.000Z', '2026-01-31'],
    [31, '2026-02-28T02:59:59.999Z', '2026-01-31'],
    [31, '2026-02-28T03:00:00.000Z', '2026-02-28'],
    [31, '2026-03-31T02:59:59.999Z', '2026-02-28'],
    [31, '2026-03-31T03:00:00.000Z', '2026-03-31'],
    [31, '2026-04-30T02:59:59.999Z', '2026-03-31'],
    [31, '2026-04-30T03:00:00.000Z', '2026-04-30'],
    [29, '2026-03-01T12:00:00Z', '2026-02-28'],
    [30, '2026-03-15T12:00:00Z', '2026-02-28'],
    // leap years
    [29, '2028-02-28T12:00:00Z', '2028-01-29'],
    [29, '2028-02-29T03:00:00Z', '2028-02-29'],
    [31, '2028-02-29T03:00:00Z', '2028-02-29'],
    [30, '2028-03-10T12:00:00Z', '2028-02-29'],
    [29, '2100-03-10T12:00:00Z', '2100-02-28'],
    // the turn of the year
    [15, '2027-01-14T12:00:00Z', '2026-12-15'],
    [1, '2027-01-01T02:59:59.999Z', '2026-12-01'],
    [1, '2027-01-01T03:00:00.000Z', '2027-01-01'],
    [31, '2027-01-10T12:00:00Z', '2026-12-31'],
    // in summer time, as there was until 2019, midnight came an hour earlier
    [1, '2018-12-01T01:59:59.999Z', '2018-11-01'],
    [1, '2018-12-01T02:00:00.000Z', '2018-12-01'],
  ])('of cycle day %i at %s is %s', (cycle_day, at, first) => {
    expect(cycleStart(cycle_day, new Date(at))).toBe(first);
  });

  const day = fc.integer({ min: 1, max: 31 });
  const moment = fc.date({
    min: new Date('2019-06-01T00:00:00Z'),
    max: new Date('2099-12-31T00:00:00Z'),
    noInvalidDate: true,
  });
  const DAY_ms = 86_400_000;
  const midnight = (date: string) => Date.parse(`${date}T03:00:00Z`);

  test('is not after the moment, at most 31 days before it, and the start of its own cycle', () => {
    fc.assert(
      fc.property(day, moment, (cycle_day, at) => {
        const first = cycleStart(cycle_day, at);
        expect(midnight(first)).toBeLessThanOrEqual(at.getTime());
        expect(at.getTime() - midnight(first)).toBeLessThan(31 * DAY_ms);
        expect(cycleStart(cycle_day, new Date(midnight(first)))).toBe(first);
        expect(cycleStart(cycle_day, new Date(midnight(first) - 1)) < first).toBe(true);
      }),
    );
  });

  test('never goes back as time goes on', () => {
    fc.assert(
      fc.property(day, moment, fc.nat(100 * DAY_ms), (cycle_day, at, later_ms) => {
        const next = cycleStart(cycle_day, new Date(at.getTime() + later_ms));
        expect(next >= cycleStart(cycle_day, at)).toBe(true);
      }),
    );
  });
});

const HOUR_ms = 3_600_000;
const later = (day: string, days: number) =>
  new Date(Date.parse(`${day}T12:00:00Z`) + days * 24 * HOUR_ms).toISOString().slice(0, 10);

describe('the first day of the next cycle', () => {
  test.each([
    [1, '2026-11-01', '2026-12-01'],
    [10, '2026-12-10', '2027-01-10'],
    [31, '2026-12-31', '2027-01-31'],
    // back to day 31 after a short month
    [31, '2026-01-31', '2026-02-28'],
    [31, '2026-02-28', '2026-03-31'],
    [31, '2026-03-31', '2026-04-30'],
    [30, '2026-02-28', '2026-03-30'],
    [29, '2026-01-29', '2026-02-28'],
    // leap years
    [31, '2028-01-31', '2028-02-29'],
    [29, '2028-02-29', '2028-03-29'],
    [29, '2100-01-29', '2100-02-28'],
  ])('of cycle day %i after %s is %s', (cycle_day, start, next) => {
    expect(nextCycleStart(cycle_day, start)).toBe(next);
  });
});

describe('the beginning of a day', () => {
  test.each([
    ['2026-11-10', '2026-11-10T03:00:00.000Z'],
    ['2026-01-01', '2026-01-01T03:00:00.000Z'],
    ['2028-02-29', '2028-02-29T03:00:00.000Z'],
    // in summer time, as there was until February 2019, two hours behind Greenwich
    ['2018-12-01', '2018-12-01T02:00:00.000Z'],
    // the clock went from 23:59:59 to 01:00: the day began an hour late, which is the same instant
    ['2018-11-03', '2018-11-03T03:00:00.000Z'],
    ['2018-11-04', '2018-11-04T03:00:00.000Z'],
    ['2018-11-05', '2018-11-05T02:00:00.000Z'],
    ['2017-10-15', '2017-10-15T03:00:00.000Z'],
    // the clock went from 23:59:59 back to 23:00: the hour before midnight came twice
    ['2019-02-16', '2019-02-16T02:00:00.000Z'],
    ['2019-02-17', '2019-02-17T03:00:00.000Z'],
  ])('%s is %s', (day, at) => {
    expect(new Date(dayStart_ms(day)).toISOString()).toBe(at);
  });

  test('is the first millisecond of the day, on every day of years with summer time and without', () => {
    for (let day = '2015-01-01'; day < '2021-01-01'; day = later(day, 1)) {
      const start_ms = dayStart_ms(day);
      expect([day, localDay(new Date(start_ms))]).toEqual([day, day]);
      expect([day, localDay(new Date(start_ms - 1))]).toEqual([day, later(day, -1)]);
      expect([23, 24, 25]).toContain((dayStart_ms(later(day, 1)) - start_ms) / HOUR_ms);
    }
  });
});

test.each([
  ['2026-11-10T02:59:59.999Z', '2026-11-09'],
  ['2026-11-10T03:00:00.000Z', '2026-11-10'],
  ['2018-11-04T02:59:59.999Z', '2018-11-03'],
  ['2018-11-04T03:00:00.000Z', '2018-11-04'],
  ['2019-02-17T02:30:00.000Z', '2019-02-16'],
  ['2027-01-01T02:59:59.999Z', '2026-12-31'],
])('%s is on %s in São Paulo', (at, day) => {
  expect(localDay(new Date(at))).toBe(day);
});

test('cycles follow each other without gap: each ends where the next begins', () => {
  const moments = fc.date({
    min: new Date('2008-01-01T00:00:00Z'),
    max: new Date('2099-12-31T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 31 }), moments, (cycle_day, at) => {
      const start = cycleStart(cycle_day, at);
      const next = nextCycleStart(cycle_day, start);
      expect(at.getTime()).toBeGreaterThanOrEqual(dayStart_ms(start));
      expect(at.getTime()).toBeLessThan(dayStart_ms(next));
      expect(cycleStart(cycle_day, new Date(dayStart_ms(next)))).toBe(next);
      expect(cycleStart(cycle_day, new Date(dayStart_ms(next) - 1))).toBe(start);
    }),
  );
});
