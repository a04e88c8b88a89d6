import type { ConnectAri } from '../asterisk/ari/port.ts';
import { keepConnected, type Session, type Switch, type SwitchAddress } from '../asterisk/session.ts';
import type { LiveCallStore } from '../stores/redis/live-calls.ts';
import type { Controller } from './controller.ts';
import type { Log } from './log.ts';
import type { Reconciler } from './reconcile.ts';

export interface Switches {
  /** The link to a switch while it stands. */
  get(server_id: string): Switch | null;
  /** Names of those that cannot be reached, or whose calls were not compared yet. */
  unreachable(): string[];
  /** Connects to switches that are new in the list; the others stay as they are. */
  set(addresses: readonly SwitchAddress[]): void;
  /** Redis is (back) there: makes sure that it knows every running call before it admits one. */
  resync(): Promise<void>;
  /** Redis is gone: what it knew counts for nothing until `resync`. */
  redisLost(): void;
  close(): void;
}

export interface SwitchesDependencies {
  readonly connectAri: ConnectAri;
  readonly controller: Controller;
  readonly reconciler: Reconciler;
  readonly store: LiveCallStore;
  readonly log: Log;
  /** Takes over calls of switches that cannot be asked, from our own memory. */
  readonly adoptFromMemory: (server_id: string) => Promise<void>;
}

const RECONCILE_EVERY_ms = 10_000;
const SWEEP_EVERY_ms = 60_000;

const jittered = (ms: number) => ms * (0.8 + Math.random() * 0.4);

interface Known {
  readonly address: SwitchAddress;
  session: Session | null;
  link: Switch | null;
  /** It has shown its calls, or cannot be reached. */
  tried: boolean;
  /** All that it shows is known since this link has come up. */
  compared: boolean;
  timer: NodeJS.Timeout | null;
  sweep_at_ms: number;
}

function isSameAddress(one: SwitchAddress, other: SwitchAddress): boolean {
  return one.ari_url === other.ari_url && one.ami_host === other.ami_host && one.ami_port === other.ami_port;
}

/** The switches that calls run on: links, regular reconciliation, and the order of a fresh start. */
export function createSwitches(deps: SwitchesDependencies): Switches {
  const { connectAri, controller, reconciler, store, log, adoptFromMemory } = deps;
  const known = new Map<string, Known>();
  let resyncing: Promise<void> | null = null;
  /** The list of switches has been read: none that we never heard of can have calls. */
  let listed = false;
  /** Redis has been emptied and is being told of every running call. */
  let rebuilding = false;

  /** Nothing is taken for known; it is tried again until it has worked once since the link came up. */
  async function compare(server: Known, link: Switch): Promise<void> {
    await reconciler.reconcile(link, true);
    if (server.link === link) server.compared = true;
    server.tried = true;
    tryToOpen();
  }

  async function beat(server: Known): Promise<void> {
    if (!store.ready()) return resync();
    if (!server.link) {
      // R4: a switch that cannot be reached still has its calls; their leases are frozen, not lost.
      const ids = [...controller.live.values()]
        .filter((call) => call.registered && call.facts.server_id === server.address.server_id)
        .map((call) => call.facts.call_id);
      return store.renew(server.address.server_id, ids, false);
    }
    if (!server.compared) return compare(server, server.link);
    await reconciler.reconcile(server.link, false);
    if (performance.now() < server.sweep_at_ms) return;
    server.sweep_at_ms = performance.now() + jittered(SWEEP_EVERY_ms);
    await reconciler.sweepJournal(server.link);
  }

  function schedule(server: Known): void {
    server.timer = setTimeout(() => {
      beat(server)
        .catch((error: Error) =>
          log.warn({ err: error, server: server.address.name }, 'reconciliation failed'),
        )
        .finally(() => {
          if (server.timer) schedule(server);
        });
    }, jittered(RECONCILE_EVERY_ms));
  }

  /** Admission opens once every switch that can be asked has shown its calls to this Redis. */
  async function openAdmission(): Promise<void> {
    if (!rebuilding || !listed || [...known.values()].some((server) => !server.tried)) return;
    rebuilding = false;
    await store.beginEpoch();
    log.info({ switches: known.size }, 'every running call is known; admission is open');
  }

  function tryToOpen(): void {
    openAdmission().catch((error: Error) => log.warn({ err: error }, 'admission stays closed'));
  }

  async function resyncAll(): Promise<void> {
    rebuilding = false;
    const kept = await store.epochHolds();
    if (!kept) {
      log.warn({}, 'this Redis does not know the running calls; rebuilding');
      await store.forgetAll();
    }
    for (const server of known.values()) {
      await adoptFromMemory(server.address.server_id);
      if (server.link) await compare(server, server.link);
    }
    rebuilding = !kept;
    await openAdmission();
  }

  /** One at a time: a second wish meanwhile is the same wish. */
  function resync(): Promise<void> {
    resyncing ??= resyncAll().finally(() => {
      resyncing = null;
    });
    return resyncing;
  }

  async function up(server: Known, link: Switch): Promise<void> {
    server.link = link;
    server.compared = false;
    log.info({ server: link.name }, 'switch connected');
    if (resyncing) await resyncing.catch(() => {});
    try {
      if (store.ready()) await compare(server, link);
      else await resync();
    } catch (error) {
      // Calls can be watched without Redis; taking them over waits until it is back.
      log.warn({ err: error, server: link.name }, 'running calls cannot be compared now');
    }
  }

  function connect(address: SwitchAddress): void {
    const server: Known = {
      ...{ address, session: null, link: null, timer: null, sweep_at_ms: 0 },
      ...{ tried: false, compared: false },
    };
    known.set(address.server_id, server);
    server.session = keepConnected(address, connectAri, {
      onUp: (link) => up(server, link),
      onDown(reason) {
        const wasUp = server.link !== null || !server.tried;
        server.link = null;
        server.tried = true;
        if (wasUp) log.error({ server: address.name, reason: reason.message }, 'switch not reachable');
        tryToOpen();
      },
      onEvent(event) {
        if (server.link) controller.handle(server.link, event);
      },
    });
    schedule(server);
  }

  /** Its calls stay known, and their leases: at the new address the same switch is expected. */
  function disconnect(server: Known): void {
    if (server.timer) clearTimeout(server.timer);
    server.timer = null;
    server.session?.close();
  }

  return {
    unreachable: () =>
      [...known.values()].filter((server) => !server.link).map((server) => server.address.name),
    get: (server_id) => known.get(server_id)?.link ?? null,
    set(addresses) {
      for (const address of addresses) {
        const before = known.get(address.server_id);
        if (before && isSameAddress(before.address, address)) continue;
        if (before) disconnect(before);
        connect(address);
      }
      listed = true;
      tryToOpen();
    },
    resync,
    redisLost() {
      rebuilding = false;
    },
    close() {
      for (const server of known.values()) disconnect(server);
    },
  };
}
