import { say } from '../contract/language.ts';
import type { NewNumber, NumberChange } from '../contract/numbers.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Tenant } from '../domain/tenant.ts';
import { lockVersion, notFound, requireOwned, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import type { NumberRow } from '../stores/postgres/numbers.ts';
import { ownerOf } from './owner-of.ts';

/** Throws unless the line belongs to whom the number belongs to: NOT_FOUND, or INVALID_REQUEST for nobody's number. */
async function requireTarget(tx: Tx, target_line_id: string, subscriber_id: string | null): Promise<void> {
  const field = 'target_line_id';
  if (subscriber_id === null) {
    const message = say(
      'the number is no subscriber’s: it can ring nowhere',
      'o número não é de nenhum assinante: não toca em lugar nenhum',
    );
    throw new ProblemError('INVALID_REQUEST', message, [{ field, message }]);
  }
  const line = await tx
    .selectFrom('lines')
    .select('id')
    .where('id', '=', target_line_id)
    .where('subscriber_id', '=', subscriber_id)
    .executeTakeFirst();
  if (!line) throw notFound(field);
}

/** What the database refuses, in words of the form. Whose number it is otherwise is nobody's business. */
function nameRefusal(error: unknown): never {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  if (code === '23505' && constraint === 'dids_number_key') {
    const message = say('the number is taken', 'o número já está em uso');
    throw new ProblemError('CONFLICT', message, [{ field: 'number', message }]);
  }
  if (code === '23503' && constraint === 'lines_caller_id_fkey')
    throw new ProblemError(
      'CONFLICT',
      say(
        'a line shows it as its caller ID: give the line another one first',
        'uma linha o mostra como identificador de chamadas: dê antes outro à linha',
      ),
    );
  throw error;
}

/** Adds a number, for a subscriber or for the stock. Gives its id. */
export async function createNumber(tx: Tx, tenant: Tenant, body: NewNumber): Promise<string> {
  const reseller_id = ownerOf(tenant, body.reseller_id);
  const reseller = await tx
    .selectFrom('resellers')
    .select('id')
    .where('id', '=', reseller_id)
    .executeTakeFirst();
  if (!reseller) throw notFound('reseller_id');
  const { subscriber_id, target_line_id } = body;
  if (subscriber_id !== null)
    await requireOwned(tx, 'subscribers', subscriber_id, reseller_id, 'subscriber_id');
  if (target_line_id !== null) await requireTarget(tx, target_line_id, subscriber_id);
  try {
    const { id } = await tx
      .insertInto('dids')
      .values({ ...body, reseller_id })
      .returning('id')
      .executeTakeFirstOrThrow();
    return id;
  } catch (error) {
    return nameRefusal(error);
  }
}

/**
 * Changes the fields that are there; the row was locked before, and what its reader may change was judged. Who gets
 * the number decides where it rings, so moving it clears the target.
 */
export async function changeNumber(tx: Tx, before: NumberRow, change: NumberChange): Promise<void> {
  const { subscriber_id = before.subscriber_id } = change;
  const moves = subscriber_id?.toLowerCase() !== before.subscriber_id?.toLowerCase();
  if (moves && subscriber_id !== null)
    await requireOwned(tx, 'subscribers', subscriber_id, before.reseller_id, 'subscriber_id');
  const { target_line_id = moves ? null : undefined } = change;
  if (target_line_id) await requireTarget(tx, target_line_id, subscriber_id);
  try {
    await setColumns(tx, 'dids', before.id, { ...change, target_line_id });
  } catch (error) {
    nameRefusal(error);
  }
}

/** Deletes a number. Throws CONFLICT when a line shows it as its caller ID. */
export async function deleteNumber(tx: Tx, did_id: string, version: number): Promise<void> {
  await lockVersion(tx, 'dids', did_id, version);
  try {
    await tx.deleteFrom('dids').where('id', '=', did_id).execute();
  } catch (error) {
    nameRefusal(error);
  }
}
