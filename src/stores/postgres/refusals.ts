import type { Insertable } from 'kysely';
import type { Db } from './connect.ts';
import type { Database } from './tables.ts';

export type RefusalRecord = Insertable<Database['refusals']>;

/** Records refused attempts; one that is recorded already stays as it is. */
export async function recordRefusals(db: Db, records: readonly RefusalRecord[]): Promise<void> {
  await db
    .insertInto('refusals')
    .values(records)
    .onConflict((c) => c.column('call_id').doNothing())
    .execute();
}
