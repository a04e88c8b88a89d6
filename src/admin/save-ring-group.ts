import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { NewRingGroup, RingGroupChange } from '../contract/ring-groups.ts';
import type { Tenant } from '../domain/tenant.ts';
import { lockVersion, notFound, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import type { RingGroupRow } from '../stores/postgres/ring-groups.ts';
import { checkDigits, nameLineDuplicate, owns } from './create-line.ts';

/** Throws NOT_FOUND naming the field unless every line is one of this subscriber, INVALID_REQUEST for one named twice. */
async function requireLines(tx: Tx, subscriber_id: string, change: RingGroupChange): Promise<void> {
  const { member_line_ids: members = [], overflow_line_id } = change;
  const ids = overflow_line_id ? [...members, overflow_line_id] : members;
  if (ids.length === 0) return;
  const lines = await tx
    .selectFrom('lines')
    .select('id')
    .where('subscriber_id', '=', subscriber_id)
    .where('id', 'in', ids)
    .execute();
  const known = new Set(lines.map(({ id }) => id));
  if (!members.every((id) => known.has(id.toLowerCase()))) throw notFound('member_line_ids');
  if (overflow_line_id && !known.has(overflow_line_id.toLowerCase())) throw notFound('overflow_line_id');
  if (new Set(members.map((id) => id.toLowerCase())).size === members.length) return;
  const message = say('a line is in it twice', 'uma linha está nele duas vezes');
  throw new ProblemError('INVALID_REQUEST', message, [{ field: 'member_line_ids', message }]);
}

/** Makes a group of lines of a subscriber that the tenant owns. Gives its id. Throws NOT_FOUND, CONFLICT. */
export async function createRingGroup(tx: Tx, tenant: Tenant, body: NewRingGroup): Promise<string> {
  checkDigits(body);
  const subscriber = await tx
    .selectFrom('subscribers')
    .select(['id as subscriber_id', 'reseller_id'])
    .where('id', '=', body.subscriber_id)
    .executeTakeFirst();
  if (!subscriber || !owns(tenant, subscriber)) throw notFound('subscriber_id');
  await requireLines(tx, subscriber.subscriber_id, body);
  try {
    const { id } = await tx.insertInto('ring_groups').values(body).returning('id').executeTakeFirstOrThrow();
    return id;
  } catch (error) {
    return nameLineDuplicate(error, body.extension);
  }
}

/** Changes the fields that are there; the row was locked before. */
export async function changeRingGroup(tx: Tx, before: RingGroupRow, change: RingGroupChange): Promise<void> {
  checkDigits(change);
  await requireLines(tx, before.subscriber_id, change);
  try {
    await setColumns(tx, 'ring_groups', before.id, change);
  } catch (error) {
    nameLineDuplicate(error, change.extension);
  }
}

/** Deletes a group. Throws CONFLICT while a number rings it. */
export async function deleteRingGroup(tx: Tx, ring_group_id: string, version: number): Promise<void> {
  await lockVersion(tx, 'ring_groups', ring_group_id, version);
  try {
    await tx.deleteFrom('ring_groups').where('id', '=', ring_group_id).execute();
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23503') throw error;
    throw new ProblemError(
      'CONFLICT',
      say(
        'a number rings it: give the number another target first',
        'um número toca nele: dê antes outro destino ao número',
      ),
    );
  }
}
