import { type Kysely, sql } from 'kysely';
import { forwards } from './0005/forwards.ts';
import { limitsOfNumbers } from './0005/number-limits.ts';
import { ringGroups } from './0005/ring-groups.ts';
import { tones } from './0005/tones.ts';

/** What the payer of a call hears of it; limits of numbers; calls that go on elsewhere, and lines that ring together. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...tones, ...limitsOfNumbers, ...forwards, ...ringGroups])
    await sql.raw(statement).execute(db);
}
