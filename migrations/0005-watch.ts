import { type Kysely, sql } from 'kysely';
import { brake } from './0005/brake.ts';
import { forwards } from './0005/forwards.ts';
import { limitsOfNumbers } from './0005/number-limits.ts';
import { ringGroups } from './0005/ring-groups.ts';
import { tones } from './0005/tones.ts';

/**
 * What the payer of a call hears of it, limits of numbers, calls that go on to somewhere else, lines that ring together,
 * blocks of calls and notices to whom they concern.
 */
export async function up(db: Kysely<never>): Promise<void> {
  const statements = [...tones, ...limitsOfNumbers, ...forwards, ...ringGroups, ...brake];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
