import { type Kysely, sql } from 'kysely';
import { brake } from './0005/brake.ts';

/** Blocks of calls, and notices to whom they concern. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...brake]) await sql.raw(statement).execute(db);
}
