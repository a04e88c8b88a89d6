import { type Kysely, sql } from 'kysely';
import { tones } from './0005/tones.ts';

/** What the payer of a call hears of it. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...tones]) await sql.raw(statement).execute(db);
}
