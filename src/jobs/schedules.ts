import type { Queue } from 'bullmq';

/** A function that comes again by itself: every so often, or daily at HH:MM in São Paulo. */
export type Schedule = {
  /** Unique. */
  readonly name: string;
  /** Must be right however often it runs: a process that dies in the middle lets it run again. */
  run(): Promise<unknown>;
} & (
  | { readonly every_ms: number; readonly daily_at?: undefined }
  | { readonly daily_at: string; readonly every_ms?: undefined }
);

/** The queue's words for it. Throws RangeError for a time of day that is none. */
export function repeatOf({ every_ms, daily_at }: Schedule) {
  if (daily_at === undefined) return { every: every_ms };
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(daily_at) ?? [];
  if (hour === undefined) throw new RangeError(`no time of day: ${daily_at}`);
  return { pattern: `${Number(minute)} ${Number(hour)} * * *`, tz: 'America/Sao_Paulo' };
}

/** Makes the queue know these schedules and no others. What it knows already is left as it is, its next time too. */
export async function keepSchedules(queue: Queue, schedules: readonly Schedule[]): Promise<void> {
  const known = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]));
  for (const schedule of schedules) {
    const repeat = repeatOf(schedule);
    const there = known.get(schedule.name);
    known.delete(schedule.name);
    const same =
      'every' in repeat ? Number(there?.every) === repeat.every : there?.pattern === repeat.pattern;
    if (!same) await queue.upsertJobScheduler(schedule.name, repeat, { name: schedule.name });
  }
  for (const name of known.keys()) await queue.removeJobScheduler(name);
}
