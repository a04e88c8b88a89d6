import { type Kysely, sql } from 'kysely';
import { limitsOfNumbers } from './0005/number-limits.ts';
import { tones } from './0005/tones.ts';

/** What the payer of a call hears of it; limits of numbers. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...tones, ...limitsOfNumbers]) await sql.raw(statement).execute(db);
}
