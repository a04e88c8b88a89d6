/** Brazil's legal time at the seat of the service; franquias renew at its midnight. */
export const CYCLE_TIME_ZONE = 'America/Sao_Paulo';

const localDate = new Intl.DateTimeFormat('en-CA', {
  timeZone: CYCLE_TIME_ZONE,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function isoDate(year: number, month: number, day: number): string {
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/**
 * First day (`YYYY-MM-DD`, São Paulo) of the cycle that `at` falls into. `cycle_day` is 1–31 and is
 * clamped to the last day of a short month: day 31 gives 31 Jan, 28 Feb, 31 Mar, 30 Apr.
 */
export function cycleStart(cycle_day: number, at: Date): string {
  const [year = 0, month = 0, day = 0] = localDate.format(at).split('-').map(Number);
  const thisMonth = Math.min(cycle_day, daysInMonth(year, month));
  if (day >= thisMonth) return isoDate(year, month, thisMonth);
  const [previousYear, previousMonth] = month === 1 ? [year - 1, 12] : [year, month - 1];
  return isoDate(previousYear, previousMonth, Math.min(cycle_day, daysInMonth(previousYear, previousMonth)));
}
