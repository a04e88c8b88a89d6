import { pipeline, Readable } from 'node:stream';
import { type CastingContext, stringify } from 'csv-stringify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Page } from '../contract/paging.ts';
import type { Route } from '../contract/route.ts';
import type { Asked } from './bind.ts';

const ROWS_PER_PAGE = 500;

export function wantsCsv(request: FastifyRequest): boolean {
  return /(^|,)\s*text\/csv\b/i.test(request.headers.accept ?? '');
}

/** Names of amounts, and of prices by the minute. */
const AMOUNT = /_micros(?=$|_per_minute$)/;

/** Cells of one row: amounts as reais with a decimal comma, lists and objects as JSON. */
function cellsOf(item: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(item)
      .filter(([name]) => name !== 'can')
      .map(([name, value]) => {
        // A column has one name, whether this row has an amount or none: the first row names them all.
        const column = name.replace(AMOUNT, '_brl');
        if (value === null || value === undefined) return [column, ''];
        if (column !== name) return [column, reais(String(value))];
        return [column, typeof value === 'object' ? JSON.stringify(value) : String(value)];
      }),
  );
}

/** `1234567` micro-reais → `1,234567`: all digits, so that sums of the file are sums of the ledger. */
function reais(micros: string): string {
  const negative = micros.startsWith('-');
  const digits = micros.replace('-', '').padStart(7, '0');
  return `${negative ? '-' : ''}${digits.slice(0, -6)},${digits.slice(-6)}`;
}

/** An amount below zero starts like a formula and is none: disarmed it would be a text that no sum counts. */
function cast(value: string, { column, header }: CastingContext) {
  const isAmount = !header && String(column).endsWith('_brl');
  return isAmount ? { value, escape_formulas: false } : value;
}

async function* rowsOf(read: (query: object) => Promise<unknown>, query: object) {
  let cursor: string | undefined;
  do {
    const page = (await read({ ...query, limit: ROWS_PER_PAGE, cursor })) as Page<object>;
    for (const item of page.items) yield cellsOf(item);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

/**
 * Streams every row of a list, page after page, each read anew under the viewer's role: memory stays flat and no
 * transaction stays open while a slow client reads. `;`, BOM and decimal comma are what Brazilian spreadsheets
 * open; a cell that would be a formula is disarmed.
 */
export async function sendCsv<R extends Route>(
  route: R,
  { query, response, request }: Asked<R>,
  read: (query: object) => Promise<unknown>,
): Promise<FastifyReply> {
  const rows = rowsOf(read, query as object);
  // The first row is read before anything is sent, so that a refusal can still be answered as one.
  const first = await rows.next();
  const all = async function* () {
    if (first.done) return;
    yield first.value;
    yield* rows;
  };
  const csv = stringify({
    header: true,
    delimiter: ';',
    bom: true,
    escape_formulas: true,
    cast: { string: cast },
  });
  pipeline(Readable.from(all()), csv, (error) => {
    if (error) request.log.warn({ err: error }, 'a CSV export ended early');
  });
  return response
    .header('content-disposition', `attachment; filename="${route.tag}.csv"`)
    .header('cache-control', 'no-store')
    .type('text/csv; charset=utf-8')
    .send(csv);
}
