import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import { lockVersion } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

/**
 * Deletes a subscriber that was created by mistake. One with users, lines, money or calls keeps its history and is
 * set INACTIVE instead: the ledger and the records point at it. Throws CONFLICT then.
 */
export async function deleteSubscriber(tx: Tx, subscriber_id: string, version: number): Promise<void> {
  await lockVersion(tx, 'subscribers', subscriber_id, version);
  try {
    await tx.deleteFrom('subscribers').where('id', '=', subscriber_id).execute();
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23503') throw error;
    throw new ProblemError(
      'CONFLICT',
      say(
        'it has lines, users, keys, money or calls: set it INACTIVE instead',
        'tem linhas, usuários, chaves, dinheiro ou chamadas: torne-o INACTIVE',
      ),
    );
  }
}
