import { type Selectable, sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';
import type { StatementLines } from './statements.ts';
import type { Database } from './tables.ts';

export type StatementRow = Omit<
  Selectable<Database['statements']>,
  'lines' | 'last_movement_id' | 'reseller_id'
> & {
  subscriber_name: string;
};

const COLUMNS = sql.raw(`
  t.id, t.subscriber_id, s.name as subscriber_name, t.cycle_start, t.cycle_end, t.closed_at, t.opening_balance_micros,
  t.closing_balance_micros, t.due_micros, t.due_on, t.block_on
`);
const FROM = sql.raw('from statements t join subscribers s on s.id = t.subscriber_id');

// Days as texts sort as they should.
const SORTS: Readonly<Record<string, SortColumn>> = {
  cycle_start: ['t.cycle_start::text', 'text'],
  due_on: ['t.due_on::text', 'text'],
};

export interface StatementFilter {
  readonly subscriber_id?: string | undefined;
  readonly cycle_start?: string | undefined;
  readonly is_due?: boolean | undefined;
}

/** One page of the statements that whoever holds the transaction may see. */
export async function listStatements(
  tx: Tx,
  request: PageRequest,
  filter: StatementFilter,
): Promise<Page<StatementRow>> {
  const page = pageClauses(request, SORTS, ['t.id', 'uuid']);
  const isDue = filter.is_due === undefined ? sql`true` : sql`(t.due_micros > 0) = ${filter.is_due}`;
  const { rows } = await sql<StatementRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor ${FROM}
    where ${page.after} and ${matches(request.q, 's.name')} and ${equals('t.subscriber_id', filter.subscriber_id)}
      and ${equals('t.cycle_start', filter.cycle_start)} and ${isDue}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findStatement(
  tx: Tx,
  statement_id: string,
): Promise<(StatementRow & { lines: StatementLines }) | null> {
  const { rows } = await sql<StatementRow & { lines: StatementLines }>`
    select ${COLUMNS}, t.lines ${FROM} where t.id = ${statement_id}`.execute(tx);
  return rows[0] ?? null;
}
