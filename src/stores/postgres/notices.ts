import { type Insertable, sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { NoticeKind, Recipient } from './block-tables.ts';
import { queueFor } from './edit.ts';
import type { Tx } from './ledger.ts';
import { equals, pageClauses, type SortColumn, toPage } from './page.ts';
import type { Database } from './tables.ts';

export type Audience = Database['notices']['audience'];

/** Whom something about a subscriber concerns: the contacts of it that want to know, and its reseller. */
export async function readRecipients(tx: Tx, subscriber_id: string): Promise<Record<Audience, Recipient[]>> {
  const contacts = await tx
    .selectFrom('subscriber_contacts')
    .select(['name', 'email', 'phone'])
    .where('subscriber_id', '=', subscriber_id)
    .where('receives_notices', '=', true)
    .orderBy('id')
    .execute();
  const reseller = await tx
    .selectFrom('resellers as r')
    .innerJoin('subscribers as s', 's.reseller_id', 'r.id')
    .select(['r.name', 'r.email', 'r.phone'])
    .where('s.id', '=', subscriber_id)
    .executeTakeFirstOrThrow();
  return { RESELLER: [reseller], SUBSCRIBER: contacts };
}

export type NewNotice = Omit<
  Insertable<Database['notices']>,
  'audience' | 'recipients' | 'id' | 'read_at' | 'sent_at'
>;

/** Tells both whom it concerns, each by a notice of its own. */
export async function addNotices(tx: Tx, notice: NewNotice): Promise<void> {
  const recipients = await readRecipients(tx, notice.subscriber_id);
  const audiences = ['RESELLER', 'SUBSCRIBER'] as const;
  await tx
    .insertInto('notices')
    .values(
      audiences.map((audience) => ({
        ...notice,
        audience,
        recipients: JSON.stringify(recipients[audience]),
      })),
    )
    .execute();
}

/** The same is told once an hour at most, whichever process finds it out. Gives whether it was told now. */
export async function addNoticesOnce(tx: Tx, notice: NewNotice): Promise<boolean> {
  const { subscriber_id, kind, line_id } = notice;
  await queueFor(tx, `notices of ${subscriber_id}`);
  const { rows } = await sql`
    select from notices where subscriber_id = ${subscriber_id} and kind = ${kind}
      and line_id is not distinct from ${line_id ?? null} and created_at > now() - interval '1 hour' limit 1`.execute(
    tx,
  );
  if (rows.length > 0) return false;
  await addNotices(tx, notice);
  return true;
}

export interface NoticeRow {
  id: string;
  subscriber_id: string;
  subscriber_name: string;
  audience: Audience;
  kind: NoticeKind;
  line_id: string | null;
  block_id: string | null;
  subject: string;
  body: string;
  created_at: Date;
  read_at: Date | null;
}

/** One page of the notices that whoever holds the transaction may see. */
export async function listNotices(
  tx: Tx,
  request: PageRequest,
  filter: { readonly subscriber_id?: string | undefined; readonly unread?: boolean | undefined },
): Promise<Page<NoticeRow>> {
  const sorts: Readonly<Record<string, SortColumn>> = { created_at: ['n.created_at', 'timestamptz'] };
  const page = pageClauses(request, sorts, ['n.id', 'uuid']);
  const unread = filter.unread ? sql`n.read_at is null` : sql`true`;
  const { rows } = await sql<NoticeRow & { page_cursor: string }>`
    select n.id, n.subscriber_id, s.name as subscriber_name, n.audience, n.kind, n.line_id, n.block_id, n.subject,
      n.body, n.created_at, n.read_at, ${page.cursor} as page_cursor
    from notices n join subscribers s on s.id = n.subscriber_id
    where ${page.after} and ${unread} and ${equals('n.subscriber_id', filter.subscriber_id)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

/** Gives whether there is such a notice. Once more changes nothing. */
export async function markNoticeRead(tx: Tx, notice_id: string): Promise<boolean> {
  const { rows } = await sql`
    update notices set read_at = coalesce(read_at, clock_timestamp()) where id = ${notice_id} returning id`.execute(
    tx,
  );
  return rows.length > 0;
}
