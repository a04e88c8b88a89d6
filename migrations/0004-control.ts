import { type Kysely, sql } from 'kysely';
import { inbound } from './0004/inbound.ts';

/** Calls that come in. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...inbound]) await sql.raw(statement).execute(db);
}
