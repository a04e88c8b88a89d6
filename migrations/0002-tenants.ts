import { type Kysely, sql } from 'kysely';
import { auditing } from './0002/auditing.ts';
import { tables } from './0002/tables.ts';
import { walls } from './0002/walls.ts';

/** Users, keys, permissions and numbers; the roles of the database and the walls between tenants; the audit log. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...tables, ...auditing, ...walls]) await sql.raw(statement).execute(db);
}
