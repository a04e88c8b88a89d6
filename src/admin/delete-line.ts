import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import { isInRecords, lockVersion } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

/** Deletes a line that never called. One with calls keeps them, and is set INACTIVE instead. Throws CONFLICT then. */
export async function deleteLine(tx: Tx, line_id: string, version: number): Promise<void> {
  await lockVersion(tx, 'lines', line_id, version);
  if (await isInRecords(tx, 'line_id', line_id))
    throw new ProblemError(
      'CONFLICT',
      say('it has calls: set it INACTIVE instead', 'tem chamadas: torne-a INACTIVE'),
    );
  try {
    await tx.deleteFrom('lines').where('id', '=', line_id).execute();
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23503') throw error;
    throw new ProblemError(
      'CONFLICT',
      say(
        'a number rings at it: give the number another target first',
        'um número toca nela: dê antes outro destino ao número',
      ),
    );
  }
}
