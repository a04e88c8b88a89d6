import type { Ownership } from '../stores/redis/ownership.ts';
import type { Log } from './log.ts';

/**
 * Makes sure that Redis knows every running call before anybody admits one, together with the other processes: a Redis
 * that is new or was emptied is told of each server's calls by its owner, and admission opens when all have been told.
 */
export interface Rebuilding {
  /** Asks Redis whether it knows the running calls, and tells of ours. */
  resync(): Promise<void>;
  /** Resolves when no `resync` is under way. */
  underway(): Promise<void>;
  /** A server of ours has shown its calls, or cannot be reached. */
  shown(server_id: string): void;
  /** Redis was asked whose the servers are. */
  look(): void;
  /** The list of servers has been read: none that we never heard of can have calls. */
  listed(): void;
  redisLost(): void;
}

interface Dependencies {
  readonly ownership: Ownership;
  readonly log: Log;
  serverIds(): readonly string[];
  /** Takes back the servers that we own. */
  look(): Promise<void>;
  owned(): readonly string[];
  /** Tells Redis of the calls of a server of ours. Gives whether all are told: false while it is being connected. */
  tell(server_id: string): Promise<boolean>;
}

export function createRebuilding({ ownership, log, serverIds, look, owned, tell }: Dependencies): Rebuilding {
  let resyncing: Promise<void> | null = null;
  let isListed = false;
  /** Names the rebuild that is under way, by whoever began it. */
  let rebuild: string | null = null;
  /** Servers that were told of since it began. */
  const told = new Set<string>();

  async function show(server_id: string): Promise<void> {
    if (rebuild === null || told.has(server_id)) return;
    await ownership.show(server_id, rebuild);
    told.add(server_id);
  }

  async function open(): Promise<void> {
    if (rebuild === null || !isListed || !(await ownership.open(rebuild, serverIds()))) return;
    rebuild = null;
    log.info({ switches: serverIds().length }, 'every running call is known; admission is open');
  }

  async function resyncAll(): Promise<void> {
    const state = await ownership.rebuild();
    if (!state.kept && state.begun) log.warn({}, 'this Redis does not know the running calls; rebuilding');
    if (state.kept) rebuild = null;
    else if (rebuild !== state.name) {
      rebuild = state.name;
      told.clear();
    }
    await look();
    for (const server_id of owned()) {
      if (rebuild !== null && told.has(server_id)) continue;
      if (await tell(server_id)) await show(server_id);
    }
    await open();
  }

  /** One at a time: a second wish meanwhile is the same wish. */
  function resync(): Promise<void> {
    resyncing ??= resyncAll().finally(() => {
      resyncing = null;
    });
    return resyncing;
  }

  return {
    resync,
    underway: () => resyncing?.catch(() => {}) ?? Promise.resolve(),
    shown(server_id) {
      show(server_id)
        .then(open)
        .catch((error: Error) => log.warn({ err: error }, 'admission stays closed'));
    },
    look() {
      if (ownership.ready()) rebuild = null;
      else
        resync().catch((error: Error) => log.warn({ err: error }, 'Redis cannot be brought up to date yet'));
    },
    listed() {
      isListed = true;
    },
    redisLost() {
      rebuild = null;
    },
  };
}
