import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cycleStart } from '../../src/domain/cycle.ts';

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
