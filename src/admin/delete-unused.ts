import { ProblemError } from '../contract/problem.ts';
import { type EditedTable, isInRecords, lockVersion } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

/** What records of calls name. */
const RECORDED: Partial<Record<EditedTable, 'trunk_id' | 'sales_plan_id'>> = {
  trunks: 'trunk_id',
  sales_plans: 'sales_plan_id',
};

/**
 * Deletes a row that nothing points at. Throws CONFLICT with `advice` (`say`) otherwise: what was used once stays
 * for the records that name it.
 */
export async function deleteUnused(
  tx: Tx,
  table: EditedTable,
  id: string,
  version: number,
  advice: string,
): Promise<void> {
  await lockVersion(tx, table, id, version);
  const column = RECORDED[table];
  if (column && (await isInRecords(tx, column, id))) throw new ProblemError('CONFLICT', advice);
  try {
    await tx.deleteFrom(table).where('id', '=', id).execute();
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23503') throw error;
    throw new ProblemError('CONFLICT', advice);
  }
}
