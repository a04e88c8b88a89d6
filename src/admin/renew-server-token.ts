import { hashToken, newToken } from '../stores/postgres/api-keys.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

/**
 * Gives a server another token: the one it had pulls nothing from now on. The token is told here and never again.
 * Throws NOT_FOUND.
 */
export async function renewServerToken(tx: Tx, server_id: string): Promise<string> {
  const token = newToken();
  const { numUpdatedRows } = await tx
    .updateTable('asterisk_servers')
    .set({ token_sha256: hashToken(token) })
    .where('id', '=', server_id)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw notFound();
  return token;
}
