import { type Kysely, sql } from 'kysely';
import { offline } from './0005/offline.ts';

/** What runs without the control plane, and what watches over running calls. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...offline]) await sql.raw(statement).execute(db);
}
