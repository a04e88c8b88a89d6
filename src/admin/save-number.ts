import { say } from '../contract/language.ts';
import type { NewNumber, NumberChange } from '../contract/numbers.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Tenant } from '../domain/tenant.ts';
import { lockVersion, notFound, requireOwned, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import type { NumberRow } from '../stores/postgres/numbers.ts';
import { ownerOf } from './owner-of.ts';

interface Target {
  readonly target_line_id?: string | null | undefined;
  readonly target_group_id?: string | null | undefined;
}

/** Throws unless what rings belongs to whom the number belongs to: NOT_FOUND, or INVALID_REQUEST for nobody's number. */
async function requireTarget(tx: Tx, target: Target, subscriber_id: string | null): Promise<void> {
  const { target_line_id, target_group_id } = target;
  const id = target_line_id ?? target_group_id;
  if (!id) return;
  const field = target_line_id ? 'target_line_id' : 'target_group_id';
  if (target_line_id && target_group_id) {
    const message = say('either a line or a group rings', 'ou toca uma linha ou um grupo');
    throw new ProblemError('INVALID_REQUEST', message, [{ field: 'target_group_id', message }]);
  }
  if (subscriber_id === null) {
    const message = say(
      'the number is no subscriber’s: it can ring nowhere',
      'o número não é de nenhum assinante: não toca em lugar nenhum',
    );
    throw new ProblemError('INVALID_REQUEST', message, [{ field, message }]);
  }
  const owned = await tx
    .selectFrom(target_line_id ? 'lines' : 'ring_groups')
    .select('id')
    .where('id', '=', id)
    .where('subscriber_id', '=', subscriber_id)
    .executeTakeFirst();
  if (!owned) throw notFound(field);
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
  const { subscriber_id } = body;
  if (subscriber_id !== null)
    await requireOwned(tx, 'subscribers', subscriber_id, reseller_id, 'subscriber_id');
  await requireTarget(tx, body, subscriber_id);
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
  await requireTarget(tx, change, subscriber_id);
  const { target_line_id = moves || change.target_group_id ? null : undefined } = change;
  const { target_group_id = moves || change.target_line_id ? null : undefined } = change;
  try {
    await setColumns(tx, 'dids', before.id, { ...change, target_line_id, target_group_id });
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
