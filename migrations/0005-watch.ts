import { type Kysely, sql } from 'kysely';
import { forwards } from './0005/forwards.ts';

/** Calls that go on to somewhere else. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...forwards]) await sql.raw(statement).execute(db);
}
