import type { RateTable } from '../../domain/rate-table.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import { readRateTable } from './rate-versions.ts';

/** Prices by their version; null when there is no such version. */
export type RateShelf = (version_id: string) => Promise<RateTable | null>;

/** Rows of decks that are kept in memory, over all plans: the decks asked last stay. */
const KEPT_ROWS = 2_000_000;

/** Versions of prices never change, so what is kept of them is never wrong: only memory limits it. */
export function createRateShelf(db: Db | Tx): RateShelf {
  const shelf = new Map<string, { table: Promise<RateTable | null>; rows: number }>();
  const trim = () => {
    let rows = [...shelf.values()].reduce((sum, kept) => sum + kept.rows, 0);
    for (const [version_id, kept] of shelf) {
      if (rows <= KEPT_ROWS || shelf.size === 1) return;
      shelf.delete(version_id);
      rows -= kept.rows;
    }
  };
  return (version_id) => {
    const kept = shelf.get(version_id) ?? { table: readRateTable(db, version_id), rows: 0 };
    const isNew = !shelf.has(version_id);
    // Set anew: a map keeps the order in which its keys came, and what was asked last goes last.
    shelf.delete(version_id);
    shelf.set(version_id, kept);
    if (!isNew) return kept.table;
    kept.table.then(
      (table) => {
        if (!table) shelf.delete(version_id);
        kept.rows = table?.deck?.size ?? 0;
        trim();
      },
      () => shelf.delete(version_id),
    );
    return kept.table;
  };
}
