import { type RawBuilder, sql } from 'kysely';
import { say } from '../../contract/language.ts';
import type { Page, PageRequest } from '../../contract/paging.ts';
import { ProblemError } from '../../contract/problem.ts';

/** A column and its type, as SQL of ours: never of a request. */
export type SortColumn = readonly [
  expression: string,
  type: 'text' | 'timestamptz' | 'integer' | 'bigint' | 'uuid',
];

export interface PageClauses {
  /** Where the row stands, to select as `page_cursor`. */
  readonly cursor: RawBuilder<string>;
  readonly after: RawBuilder<boolean>;
  readonly order: RawBuilder<unknown>;
  /** One more than asked, which tells whether there is another page. */
  readonly limit: number;
}

/** Where a page ended: value of its sort, and key. Throws INVALID_REQUEST for a cursor of another list. */
export function readCursor(cursor: string, sort: string): [value: string, key: string] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parts) && parts.length === 3 && parts.every((part) => typeof part === 'string')) {
      const [of, value, key] = parts as [string, string, string];
      if (of === sort) return [value, key];
    }
  } catch {
    // Falls through to the refusal below.
  }
  throw new ProblemError('INVALID_REQUEST', say('the query is not valid', 'a consulta não é válida'), [
    {
      field: 'cursor',
      message: say('is not a cursor of this list and sort', 'não é um cursor desta lista e ordem'),
    },
  ]);
}

/**
 * Clauses of one page by keyset: it costs the same on page 1 and page 10,000, and rows that come and go meanwhile
 * neither repeat nor vanish. `key` breaks ties and must be unique; sort columns must not be null.
 */
export function pageClauses(
  request: PageRequest,
  sorts: Readonly<Record<string, SortColumn>>,
  key: SortColumn,
): PageClauses {
  const descending = request.sort.startsWith('-');
  const column = sorts[request.sort.replace(/^-/, '')];
  if (!column) throw new Error(`no column to sort by: ${request.sort}`);
  const [expression, type] = column;
  const [keyExpression, keyType] = key;
  const direction = descending ? 'desc' : 'asc';
  let after = sql<boolean>`true`;
  if (request.cursor !== undefined) {
    const [value, tie] = readCursor(request.cursor, request.sort);
    const [is, than] = [sql.raw(`(${expression}, ${keyExpression})`), sql.raw(descending ? '<' : '>')];
    after = sql<boolean>`${is} ${than} (${value}::text::${sql.raw(type)}, ${tie}::text::${sql.raw(keyType)})`;
  }
  return {
    cursor: sql.raw<string>(`json_build_array(${expression}::text, ${keyExpression}::text)::text`),
    after,
    order: sql.raw(`${expression} ${direction}, ${keyExpression} ${direction}`),
    limit: request.limit + 1,
  };
}

/** Makes a page of the rows that came: one row too many means that there is another page. */
export function toPage<Row extends { page_cursor: string }>(
  rows: readonly Row[],
  request: PageRequest,
): Page<Omit<Row, 'page_cursor'>> {
  const shown = rows.slice(0, request.limit);
  const last = shown.at(-1);
  const more = rows.length > request.limit && last;
  const next = more ? [request.sort, ...(JSON.parse(last.page_cursor) as string[])] : null;
  return {
    items: shown.map(({ page_cursor: _, ...row }) => row),
    next_cursor: next && Buffer.from(JSON.stringify(next)).toString('base64url'),
  };
}

/** Whether any of the columns holds `q`, without case and accents. Columns are SQL of ours. */
export function matches(q: string | undefined, ...columns: readonly string[]): RawBuilder<boolean> {
  if (q === undefined) return sql<boolean>`true`;
  const pattern = `%${q.replace(/[\\%_]/g, '\\$&')}%`;
  const text = sql.raw(columns.map((column) => `coalesce(${column}, '')`).join(" || ' ' || "));
  return sql<boolean>`fold(${text}) like fold(${pattern})`;
}

/** A filter that was not asked for holds for every row. The column is a name of ours. */
export function equals(column: string, value: string | undefined): RawBuilder<boolean> {
  return value === undefined ? sql<boolean>`true` : sql<boolean>`${sql.ref(column)} = ${value}`;
}

/** From the first instant on and before the last; either may be left open. The column is a name of ours. */
export function within(
  column: string,
  { from, to }: { readonly from?: string | undefined; readonly to?: string | undefined },
): RawBuilder<boolean> {
  const since = from === undefined ? sql`true` : sql`${sql.ref(column)} >= ${from}::timestamptz`;
  const until = to === undefined ? sql`true` : sql`${sql.ref(column)} < ${to}::timestamptz`;
  return sql<boolean>`(${since} and ${until})`;
}
