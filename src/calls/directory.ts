import type { LineFacts, TrunkFacts } from '../domain/authorize.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { findLineFacts, findTrunkFacts } from '../stores/postgres/lines.ts';

/**
 * Reference data of calling lines, kept in memory so that a decision asks no database. `clear` is called on
 * every change; while Postgres is away what is kept goes on serving.
 */
export interface Directory {
  line(sip_username: string): Promise<LineFacts | null>;
  trunk(server_id: string): Promise<TrunkFacts | null>;
  clear(): void;
}

/** SIP users that do not exist are not kept: strangers could fill the memory with them. */
export function createDirectory(db: Db): Directory {
  let lines = new Map<string, LineFacts>();
  let trunks = new Map<string, TrunkFacts>();

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
    clear() {
      lines = new Map();
      trunks = new Map();
    },
  };
}
