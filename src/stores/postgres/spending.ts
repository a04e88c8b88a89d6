import { sql } from 'kysely';
import { CLASS_GROUPS, type ClassGroup, groupOf, SHORT_CALL_ms } from '../../domain/brake.ts';
import type { CallClass } from '../../domain/call-class.ts';
import { countryOf } from '../../domain/country.ts';
import type { Db } from './connect.ts';

/** What talk was worth, minutes of franquias included: they too are paid by somebody. */
const WORTH = sql.raw('(coalesce(price_micros_per_minute, 0) * billed_seconds + 30) / 60');
/** The longest that a call may have begun before it ended. */
const LONGEST_CALL = sql.raw("interval '5 hours'");
const WINDOW = sql.raw("interval '1 hour'");
const USUAL_days = 7;
const MOST_NUMBERS = 2_000;

/** When people last said that suspicious calls of these classes were good: what was before counts no longer. */
const lastLift = (subscriber_id: string, classes: readonly CallClass[]) => sql`
  coalesce((select max(lifted_at) from blocks
   where subscriber_id = ${subscriber_id} and origin = 'BRAKE' and call_classes && ${classes}::text[]), '-infinity')`;

export interface RecentBucket {
  /** Of the line that was asked for; otherwise of the subscriber's others. */
  readonly own: boolean;
  /** Minutes since 1970, by `bucket_ms`. */
  readonly bucket: number;
  readonly spent: bigint;
  readonly short: number;
}

export interface RecentNumber {
  readonly own: boolean;
  readonly number: string;
  readonly at: number;
}

/** What calls of a group did that ended within the last hour. */
export async function readRecentCalls(
  db: Db,
  of: { readonly subscriber_id: string; readonly line_id: string; readonly group: ClassGroup },
  bucket_ms: number,
): Promise<{ buckets: RecentBucket[]; numbers: RecentNumber[] }> {
  const { subscriber_id, line_id, group } = of;
  const classes = CLASS_GROUPS[group];
  const recent = sql`
    from calls where subscriber_id = ${subscriber_id} and call_class = any(${classes}::text[])
      and created_at > now() - ${LONGEST_CALL} and ended_at > now() - ${WINDOW}
      and created_at > ${lastLift(subscriber_id, classes)}`;
  const buckets = await sql<RecentBucket>`
    select line_id = ${line_id} as own, floor(extract(epoch from ended_at) * 1000 / ${bucket_ms})::integer as bucket,
      sum(${WORTH})::bigint as spent,
      count(*) filter (where talk_ms > 0 and talk_ms < ${SHORT_CALL_ms})::integer as short
    ${recent} group by 1, 2`.execute(db);
  const numbers = await sql<RecentNumber>`
    select line_id = ${line_id} as own, number, (extract(epoch from max(ended_at)) * 1000)::float8 as at
    ${recent} group by 1, 2 order by 3 desc limit ${MOST_NUMBERS}`.execute(db);
  return { buckets: buckets.rows, numbers: numbers.rows };
}

/** What a subscriber's calls are like when nothing is wrong. */
export interface Habits {
  readonly usual_day_micros: Readonly<Record<ClassGroup, bigint>>;
  /** Country → when it was first called, in ms since 1970; 0: long ago, or people said that it is good. */
  readonly countries: ReadonlyMap<string, number>;
}

async function readUsualDay(db: Db, subscriber_id: string): Promise<Record<ClassGroup, bigint>> {
  const { rows } = await sql<{ call_class: CallClass; day_micros: bigint }>`
    with before as (
      select call_class, created_at, ${WORTH} as worth from calls
      where subscriber_id = ${subscriber_id}
        and created_at between now() - make_interval(days => ${USUAL_days + 1}) and now() - interval '1 day')
    select call_class, (sum(worth) / greatest(1, (
      select extract(day from now() - interval '1 day' - min(created_at))::integer + 1 from before)))::bigint as day_micros
    from before group by call_class`.execute(db);
  const usual: Record<ClassGroup, bigint> = { NATIONAL: 0n, ABROAD: 0n, PREMIUM: 0n };
  for (const { call_class, day_micros } of rows) {
    const group = groupOf(call_class);
    if (group) usual[group] += day_micros;
  }
  return usual;
}

/** By the first seven digits, which tell every country from its neighbours. */
async function readCountries(db: Db, subscriber_id: string): Promise<Map<string, number>> {
  const { rows } = await sql<{ number: string; first_ms: number }>`
    select max(number) as number, case when min(created_at) <= ${lastLift(subscriber_id, CLASS_GROUPS.ABROAD)} then 0
      else (extract(epoch from min(created_at)) * 1000)::float8 end as first_ms
    from calls
    where subscriber_id = ${subscriber_id} and created_at > now() - interval '180 days'
      and call_class in ('INTL_FIXED', 'INTL_MOBILE', 'INTL_SPECIAL') and answered_at is not null
    group by left(number, 8)`.execute(db);
  const countries = new Map<string, number>();
  for (const { number, first_ms } of rows) {
    const country = countryOf(number);
    countries.set(country, Math.min(first_ms, countries.get(country) ?? first_ms));
  }
  return countries;
}

export async function readHabits(db: Db, subscriber_id: string): Promise<Habits> {
  const usual_day_micros = await readUsualDay(db, subscriber_id);
  return { usual_day_micros, countries: await readCountries(db, subscriber_id) };
}
