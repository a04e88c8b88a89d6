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

/** Which of these attempts are recorded. */
export async function refusedAmong(db: Db, call_ids: readonly string[]): Promise<Set<string>> {
  if (call_ids.length === 0) return new Set();
  const rows = await db.selectFrom('refusals').select('call_id').where('call_id', 'in', call_ids).execute();
  return new Set(rows.map((row) => row.call_id));
}
