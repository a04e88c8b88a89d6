import type { NewBlock } from '../contract/blocks.ts';
import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import { BLOCKABLE_CLASSES } from '../domain/blocks.ts';
import type { Tenant } from '../domain/tenant.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { ownerOf } from './owner-of.ts';

const LONGEST_ms = 366 * 24 * 3_600_000;

function checkEnd(ends_at: Date, now_ms: number): void {
  const left_ms = ends_at.getTime() - now_ms;
  if (left_ms > 0 && left_ms <= LONGEST_ms) return;
  const message = say('a moment within the next year', 'um momento dentro do próximo ano');
  throw new ProblemError('INVALID_REQUEST', message, [{ field: 'ends_at', message }]);
}

/** Whose calls are meant: what is named must be there for whoever holds the transaction. Throws NOT_FOUND. */
async function scopeOf(tx: Tx, tenant: Tenant, body: NewBlock) {
  const { line_id = null } = body;
  const line = line_id
    ? await tx.selectFrom('lines').select('subscriber_id').where('id', '=', line_id).executeTakeFirst()
    : null;
  if (line_id && (!line || (body.subscriber_id ?? line.subscriber_id) !== line.subscriber_id))
    throw notFound('line_id');
  const subscriber_id = line?.subscriber_id ?? body.subscriber_id ?? null;
  if (subscriber_id === null)
    return { reseller_id: ownerOf(tenant, body.reseller_id), subscriber_id, line_id };
  const subscriber = await tx
    .selectFrom('subscribers')
    .select('reseller_id')
    .where('id', '=', subscriber_id)
    .executeTakeFirst();
  if (!subscriber || (body.reseller_id ?? subscriber.reseller_id) !== subscriber.reseller_id)
    throw notFound('subscriber_id');
  return { reseller_id: subscriber.reseller_id, subscriber_id, line_id };
}

/** Blocks calls for a time. Gives the id of the block. */
export async function blockCalls(
  tx: Tx,
  tenant: Tenant,
  created_by: string,
  body: NewBlock,
): Promise<string> {
  const ends_at = new Date(body.ends_at);
  checkEnd(ends_at, Date.now());
  const outbound = body.call_classes ?? BLOCKABLE_CLASSES.filter((one) => one !== 'INBOUND');
  const { id } = await tx
    .insertInto('blocks')
    .values({
      ...(await scopeOf(tx, tenant, body)),
      direction: body.direction,
      call_classes: body.direction === 'IN' ? ['INBOUND'] : [...new Set(outbound)],
      reason: body.reason,
      origin: tenant.role === 'MASTER' ? 'MASTER' : 'RESELLER',
      note: body.note,
      created_by,
      ends_at,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
