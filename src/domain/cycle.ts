/** Brazil's legal time at the seat of the service; franquias renew at its midnight. */
const CYCLE_TIME_ZONE = 'America/Sao_Paulo';

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
  const [year = 0, month = 0, day = 0] = localDay(at).split('-').map(Number);
  const thisMonth = Math.min(cycle_day, daysInMonth(year, month));
  if (day >= thisMonth) return isoDate(year, month, thisMonth);
  const [previousYear, previousMonth] = month === 1 ? [year - 1, 12] : [year, month - 1];
  return isoDate(previousYear, previousMonth, Math.min(cycle_day, daysInMonth(previousYear, previousMonth)));
}

/** First day of the cycle after the one that starts on `cycle_start`. */
export function nextCycleStart(cycle_day: number, cycle_start: string): string {
  const [year = 0, month = 0] = cycle_start.split('-').map(Number);
  const [nextYear, nextMonth] = month === 12 ? [year + 1, 1] : [year, month + 1];
  return isoDate(nextYear, nextMonth, Math.min(cycle_day, daysInMonth(nextYear, nextMonth)));
}

const offset = new Intl.DateTimeFormat('en-US', { timeZone: CYCLE_TIME_ZONE, timeZoneName: 'longOffset' });

const HOUR_ms = 3_600_000;

/** Looking a zone up takes longer than all else that is asked of a moment; clocks are set on the hour. */
let known = { hour: Number.NaN, behind_ms: 0 };

/** Milliseconds that São Paulo's clock is behind UTC at a moment. */
export function behind_ms(at: Date): number {
  const hour = Math.floor(at.getTime() / HOUR_ms);
  if (hour !== known.hour) known = { hour, behind_ms: lookUpBehind_ms(at) };
  return known.behind_ms;
}

function lookUpBehind_ms(at: Date): number {
  const text = offset.format(at);
  const match = /GMT-(\d\d):(\d\d)$/.exec(text);
  if (!match) throw new RangeError(`no offset west of Greenwich: ${text}`);
  return (Number(match[1]) * 60 + Number(match[2])) * 60_000;
}

/** The moment, in ms since 1970, at which a day (`YYYY-MM-DD`) begins in São Paulo. */
export function dayStart_ms(day: string): number {
  const utc_ms = Date.parse(`${day}T00:00:00Z`);
  const guess_ms = utc_ms + behind_ms(new Date(utc_ms));
  // Where the clock was set at midnight: set back, the day began after the guess; set ahead, at the guess.
  return Math.max(guess_ms, utc_ms + behind_ms(new Date(guess_ms)));
}

/** Days (`YYYY-MM-DD`) counted from 1970-01-01 on. */
export function dayNumber(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 86_400_000;
}

/** The day (`YYYY-MM-DD`) that a moment falls into in São Paulo. */
export function localDay(at: Date): string {
  return new Date(at.getTime() - behind_ms(at)).toISOString().slice(0, 10);
}

/** The hour (0 to 23) that a moment falls into in São Paulo, and whether its day is a Saturday or Sunday. */
export function localTime(at: Date): { readonly hour: number; readonly weekend: boolean } {
  const local = new Date(at.getTime() - behind_ms(at));
  return { hour: local.getUTCHours(), weekend: [0, 6].includes(local.getUTCDay()) };
}

const moment = new Intl.DateTimeFormat('pt-BR', {
  timeZone: CYCLE_TIME_ZONE,
  dateStyle: 'short',
  timeStyle: 'short',
});

/** Day and time in São Paulo, as people there write them. */
export function formatMoment(at: Date): string {
  return moment.format(at);
}
