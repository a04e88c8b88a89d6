import type { LineFacts, Prices, TrunkFacts } from '../domain/authorize.ts';
import type { NumberFacts } from '../domain/authorize-inbound.ts';
import { type RateTable, type VersionStart, versionAt } from '../domain/rate-table.ts';
import type { GroupFacts } from '../domain/ring-group.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { findGroupFacts } from '../stores/postgres/group-facts.ts';
import { findLineFacts, findNumberFacts, findTrunkByCode, findTrunkFacts } from '../stores/postgres/lines.ts';
import { createRateShelf } from '../stores/postgres/rate-shelf.ts';

/**
 * Reference data of lines, numbers and trunks, kept in memory so that a decision asks no database. `clear` is called on
 * every change; while Postgres is away what is kept goes on serving.
 */
export interface Directory {
  line(sip_username: string): Promise<LineFacts | null>;
  /** The trunk that calls go out by. */
  trunk(server_id: string): Promise<TrunkFacts | null>;
  /** The trunk that a call came in by. */
  trunkNamed(server_id: string, code: string): Promise<TrunkFacts | null>;
  /** A number that can be called from outside, in E.164 with `+`. */
  number(number: string): Promise<NumberFacts | null>;
  /** The ring group of this code. */
  group(code: string): Promise<GroupFacts | null>;
  /** The prices that hold at a moment for a line's calls over a trunk. */
  prices(line: LineFacts, trunk: TrunkFacts | null, at_ms: number): Promise<Prices>;
  clear(): void;
}

/** SIP users and numbers that do not exist are not kept: strangers could fill the memory with them. */
export function createDirectory(db: Db): Directory {
  let lines = new Map<string, LineFacts>();
  let trunks = new Map<string, TrunkFacts>();
  let trunksByCode = new Map<string, TrunkFacts>();
  let numbers = new Map<string, NumberFacts>();
  let groups = new Map<string, GroupFacts>();
  const tableOf = createRateShelf(db);

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
    trunkNamed: (server_id, code) =>
      cached(
        () => trunksByCode,
        `${server_id} ${code}`,
        () => findTrunkByCode(db, server_id, code),
      ),
    number: (number) =>
      cached(
        () => numbers,
        number,
        () => findNumberFacts(db, number),
      ),
    group: (code) =>
      cached(
        () => groups,
        code,
        () => findGroupFacts(db, code),
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
      trunksByCode = new Map();
      numbers = new Map();
      groups = new Map();
    },
  };
}
