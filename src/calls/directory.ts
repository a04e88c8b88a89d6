import type { LineFacts, Prices, TrunkFacts } from '../domain/authorize.ts';
import { type RateTable, type VersionStart, versionAt } from '../domain/rate-table.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { findLineFacts, findTrunkFacts } from '../stores/postgres/lines.ts';
import { readRateTable } from '../stores/postgres/rate-versions.ts';

/**
 * Reference data of calling lines, kept in memory so that a decision asks no database. `clear` is called on
 * every change; while Postgres is away what is kept goes on serving.
 */
export interface Directory {
  line(sip_username: string): Promise<LineFacts | null>;
  trunk(server_id: string): Promise<TrunkFacts | null>;
  /** The prices that hold at a moment for a line's calls over a trunk. */
  prices(line: LineFacts, trunk: TrunkFacts | null, at_ms: number): Promise<Prices>;
  clear(): void;
}

/** Rows of decks that are kept in memory, over all plans: the decks asked last stay. */
const KEPT_ROWS = 2_000_000;

/** Versions of prices never change, so what is kept of them is never wrong: only memory limits it. */
function createPriceShelf(db: Db): (version_id: string) => Promise<RateTable | null> {
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

/** SIP users that do not exist are not kept: strangers could fill the memory with them. */
export function createDirectory(db: Db): Directory {
  let lines = new Map<string, LineFacts>();
  let trunks = new Map<string, TrunkFacts>();
  const tableOf = createPriceShelf(db);

  async function cached<T>(
    map: () => Map<string, T>,
    key: string,
    find: () => Promise<T | null>,
  ): Promise<T | null> {
    const before = map();
    const kept = before.get(key);
    if (kept) return kept;
    const found = await find();
    // A change told while we read may have made the answer old: then it serves this once and is not kept.
    if (found && map() === before) before.set(key, found);
    return found;
  }

  async function tableAt(versions: readonly VersionStart[], at_ms: number): Promise<RateTable | null> {
    const version_id = versionAt(versions, at_ms);
    return version_id === null ? null : tableOf(version_id);
  }

  return {
    line: (sip_username) =>
      cached(
        () => lines,
        sip_username,
        () => findLineFacts(db, sip_username),
      ),
    trunk: (server_id) =>
      cached(
        () => trunks,
        server_id,
        () => findTrunkFacts(db, server_id),
      ),
    async prices(line, trunk, at_ms) {
      const bought = line.subscriber.wholesale_versions;
      const paid = trunk?.cost_versions ?? null;
      const [sale, wholesale, cost] = await Promise.all([
        tableAt(line.sale_versions, at_ms),
        bought && tableAt(bought, at_ms),
        paid && tableAt(paid, at_ms),
      ]);
      return { sale, wholesale: bought && (wholesale ?? 'NO_PRICES'), cost };
    },
    clear() {
      lines = new Map();
      trunks = new Map();
    },
  };
}
