import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addDays,
  CLOSING_DELAY_ms,
  dueOf,
  minutesEnd_ms,
  nextDayOfMonth,
} from '../../src/domain/statement.ts';

describe('the next day with a number', () => {
  const cases: [day_of_month: number, after: string, next: string][] = [
    [1, '2026-11-01', '2026-12-01'],
    [1, '2026-11-30', '2026-12-01'],
    [10, '2026-11-01', '2026-11-10'],
    [10, '2026-11-09', '2026-11-10'],
    [10, '2026-11-10', '2026-12-10'],
    [31, '2026-01-31', '2026-02-28'],
    [31, '2026-02-28', '2026-03-31'],
    [31, '2026-03-31', '2026-04-30'],
    [31, '2028-01-31', '2028-02-29'],
    [30, '2026-02-27', '2026-02-28'],
    [29, '2026-02-28', '2026-03-29'],
    [15, '2026-12-15', '2027-01-15'],
    [15, '2026-12-31', '2027-01-15'],
    // A cycle that began on the 1st while the day is the 15th now ends on the 15th; one of the 20th on the 1st.
    [15, '2026-11-01', '2026-11-15'],
    [1, '2026-11-20', '2026-12-01'],
  ];
  test.each(cases)('%i after %s is %s', (day, after, next) => {
    expect(nextDayOfMonth(day, after)).toBe(next);
  });

  test('is later, within 31 days, and has the number or is the last of its month', () => {
    const days = fc.integer({ min: 0, max: 20_000 }).map((n) => addDays('2000-01-01', n));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 31 }), days, (day_of_month, after) => {
        const next = nextDayOfMonth(day_of_month, after);
        expect(next > after).toBe(true);
        expect(next <= addDays(after, 31)).toBe(true);
        const isLast = addDays(next, 1).endsWith('-01');
        const number = Number(next.slice(8));
        expect(number === day_of_month || (isLast && number < day_of_month)).toBe(true);
      }),
    );
  });
});

describe('what is due', () => {
  const POSTPAID = { billing_mode: 'POSTPAID', due_day: 10, block_after_days: 10 } as const;
  const cases: [string, object, bigint, string, [bigint, string, string]][] = [
    ['owes', {}, -1_234_567n, '2026-11-01', [1_234_567n, '2026-11-10', '2026-11-20']],
    ['owes nothing', {}, 0n, '2026-11-01', [0n, '2026-11-10', '2026-11-20']],
    ['has money', {}, 5n, '2026-11-01', [0n, '2026-11-10', '2026-11-20']],
    ['has a franquia', { billing_mode: 'BUNDLE' }, -1n, '2026-11-01', [1n, '2026-11-10', '2026-11-20']],
    ['pays before', { billing_mode: 'PREPAID' }, -1n, '2026-11-01', [0n, '2026-11-10', '2026-11-20']],
    ['is closed on its due day', {}, -1n, '2026-11-10', [1n, '2026-12-10', '2026-12-20']],
    ['is due on the 31st', { due_day: 31 }, -1n, '2026-02-01', [1n, '2026-02-28', '2026-03-10']],
    ['is blocked at once', { block_after_days: 0 }, -1n, '2026-11-01', [1n, '2026-11-10', '2026-11-10']],
    ['waits a year', { block_after_days: 365 }, -1n, '2026-11-01', [1n, '2026-11-10', '2027-11-10']],
  ];
  test.each(cases)('who %s', (_, terms, balance, closed_on, [due_micros, due_on, block_on]) => {
    expect(dueOf({ ...POSTPAID, ...terms }, balance, closed_on)).toEqual({ due_micros, due_on, block_on });
  });
});

describe('the end of minutes at their pace', () => {
  const pace = { start_ms: 0, now_ms: 10_000, end_ms: 30_000, used_seconds: 50, left_seconds: 50 };
  const cases: [string, object, number | null][] = [
    ['half used in a third', {}, 20_000],
    ['nothing used', { used_seconds: 0, left_seconds: 100 }, null],
    ['nothing left', { used_seconds: 100, left_seconds: 0 }, null],
    ['more used than there was', { used_seconds: 101, left_seconds: -1 }, null],
    ['they last to the very end', { used_seconds: 50, left_seconds: 100 }, null],
    ['they last almost to the end', { used_seconds: 50, left_seconds: 99 }, 29_800],
    ['the cycle is over', { now_ms: 40_000 }, null],
    ['the cycle begins this instant', { now_ms: 0 }, null],
    ['a cycle that did not begin in 1970', { start_ms: 5_000, now_ms: 15_000, end_ms: 35_000 }, 25_000],
    ['more given back than used', { used_seconds: -10, left_seconds: 110 }, null],
  ];
  test.each(cases)('%s', (_, more, end) => {
    expect(minutesEnd_ms({ ...pace, ...more })).toBe(end);
  });
});

test('a cycle waits longer than the longest call until it is closed, and not a day', () => {
  const HOUR_ms = 3_600_000;
  expect(CLOSING_DELAY_ms).toBeGreaterThan(4 * HOUR_ms);
  expect(CLOSING_DELAY_ms).toBeLessThan(24 * HOUR_ms);
});
