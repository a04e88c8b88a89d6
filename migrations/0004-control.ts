import { type Kysely, sql } from 'kysely';
import { inbound } from './0004/inbound.ts';
import { limitsOfCalls } from './0004/limits.ts';

/** Limits by direction, calls per second, longest call and what a day has cost; calls that come in. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...limitsOfCalls, ...inbound]) await sql.raw(statement).execute(db);
}
