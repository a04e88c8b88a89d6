import { type Kysely, sql } from 'kysely';
import { forwards } from './0005/forwards.ts';
import { ringGroups } from './0005/ring-groups.ts';

/** Calls that go on to somewhere else, and lines that ring together. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...forwards, ...ringGroups]) await sql.raw(statement).execute(db);
}
