import { type Kysely, sql } from 'kysely';
import { limitsOfCalls } from './0004/limits.ts';

/** Limits by direction, calls per second, longest call and what a day has cost. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...limitsOfCalls]) await sql.raw(statement).execute(db);
}
