import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage, within } from './page.ts';
import type { Actor } from './tenancy.ts';

export interface AuditRow {
  id: bigint;
  at: Date;
  action: string;
  object_type: string;
  object_id: string | null;
  reseller_id: string | null;
  subscriber_id: string | null;
  /** What happened by itself names its kind only. */
  actor: Pick<Actor, 'kind'> & Partial<Actor>;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

const ID: SortColumn = ['a.id', 'bigint'];

export interface AuditFilter {
  readonly object_type?: string | undefined;
  readonly object_id?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** One page of what was done, as far as whoever holds the transaction may see it. */
export async function listAudit(tx: Tx, request: PageRequest, filter: AuditFilter): Promise<Page<AuditRow>> {
  const page = pageClauses(request, { id: ID }, ID);
  const searched = ['a.action', 'a.object_type', 'a.object_id', "a.actor ->> 'name'"];
  const { rows } = await sql<AuditRow & { page_cursor: string }>`
    select a.id, a.at, a.action, a.object_type, a.object_id, a.reseller_id, a.subscriber_id, a.actor, a.before,
      a.after, ${page.cursor} as page_cursor
    from audit_log a
    where ${page.after} and ${matches(request.q, ...searched)} and ${equals('a.object_type', filter.object_type)}
      and ${equals('a.object_id', filter.object_id)} and ${within('a.at', filter)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export interface NewAuditEntry {
  readonly action: string;
  readonly object_type: string;
  readonly object_id: string | null;
  readonly reseller_id: string | null;
  readonly subscriber_id: string | null;
  readonly actor: Actor;
  /** Never a secret: it is stored as it is. */
  readonly after?: Readonly<Record<string, unknown>> | null;
}

/** Writes down what changes no row, such as a sign-in. Runs as pabx_system: no tenant may write here. */
export async function writeAudit(db: Db | Tx, { actor, after, ...entry }: NewAuditEntry): Promise<void> {
  await db
    .insertInto('audit_log')
    .values({
      ...entry,
      actor: JSON.stringify(actor),
      ...(after ? { after: JSON.stringify(after) } : {}),
    })
    .execute();
}
