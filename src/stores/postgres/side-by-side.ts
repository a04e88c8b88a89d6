import { sql } from 'kysely';
import type { SidedRow } from '../../domain/loss-walk.ts';
import type { RateKind } from '../../domain/rate-table.ts';
import type { Tx } from './ledger.ts';

interface Row {
  side: 'SALE' | 'COST';
  prefix: string;
  locality: string;
  kind: RateKind | null;
  price_micros_per_minute: bigint;
  initial_seconds: number;
  increment_seconds: number;
  free_threshold_seconds: number;
}

const ROWS_AT_ONCE = 5_000;

const COLUMNS = sql.raw(`prefix, locality, kind, price_micros_per_minute, initial_seconds, increment_seconds,
  free_threshold_seconds`);

function toSided({
  side,
  initial_seconds,
  increment_seconds,
  free_threshold_seconds,
  ...row
}: Row): SidedRow {
  const cadence = { initial_seconds, increment_seconds, free_threshold_seconds };
  return { side, row: { ...row, cadence, active: true } };
}

/**
 * Active rows of two decks as a walk wants them, page by page, so that none of it holds the process up for long: first
 * those whose prefixes `after` begins with, and then all behind it. A side may have no version, and then no rows.
 */
export async function* readSideBySide(
  tx: Tx,
  versions: Readonly<Record<SidedRow['side'], string | null>>,
  after: string,
): AsyncGenerator<SidedRow[]> {
  const begun = Array.from(after, (_, index) => after.slice(0, index + 1));
  const read = async (where: ReturnType<typeof sql<boolean>>) => {
    const sideOf = (side: SidedRow['side']) => sql`
      (select ${side}::text as side, ${COLUMNS} from deck_rates
       where rate_version_id = ${versions[side]}::uuid and active and ${where} order by prefix limit ${ROWS_AT_ONCE})`;
    const { rows } = await sql<Row>`
      select side, ${COLUMNS} from (${sideOf('SALE')} union all ${sideOf('COST')}) both_sides
      order by prefix, side desc limit ${ROWS_AT_ONCE}`.execute(tx);
    return rows;
  };
  yield (await read(sql<boolean>`prefix = any(${begun}::text[])`)).map(toSided);
  for (let from = after; ; ) {
    const rows = await read(sql<boolean>`prefix > ${from}`);
    const last = rows.at(-1);
    const isFull = rows.length === ROWS_AT_ONCE && last !== undefined;
    // The other side of the last prefix may have stayed behind: it comes again, whole.
    const whole = isFull ? rows.filter(({ prefix }) => prefix !== last.prefix) : rows;
    yield whole.map(toSided);
    if (!isFull) return;
    from = whole.at(-1)?.prefix ?? from;
  }
}
