import type { ConnectAri } from '../asterisk/ari/port.ts';
import { keepConnected, type Session, type Switch, type SwitchAddress } from '../asterisk/session.ts';
import type { LiveCallStore } from '../stores/redis/live-calls.ts';
import type { Ownership } from '../stores/redis/ownership.ts';
import type { Controller } from './controller.ts';
import type { DriftKeeper } from './drift.ts';
import { guardSwitch } from './guard.ts';
import type { Log } from './log.ts';
import { createOwners } from './owners.ts';
import { createRebuilding } from './rebuilding.ts';
import type { Reconciler } from './reconcile.ts';

/** A server as this process sees it. */
export interface ServerState {
  readonly server_id: string;
  readonly name: string;
  /** This process is its owner: it alone talks to the switch and decides its calls. */
  readonly owned: boolean;
  /** It is ours, and has shown its calls or cannot be reached. */
  readonly compared: boolean;
  /** Its link stands and its calls were compared, or another process is its owner and says so itself. */
  readonly well: boolean;
  /** How many of its calls were found to differ between switch, memory and Redis; of servers of ours. */
  readonly drift: ReturnType<DriftKeeper['counts']>;
}

export interface Switches {
  /** The link to a switch of ours while it stands. */
  get(server_id: string): Switch | null;
  states(): ServerState[];
  /** What servers there are. Those that nobody owns are taken, and links to them opened. */
  set(addresses: readonly SwitchAddress[]): void;
  /** Redis is (back) there: makes sure that it knows every running call before it admits one. */
  resync(): Promise<void>;
  /** Redis is gone: what it knew counts for nothing until `resync`. */
  redisLost(): void;
  /** Takes what is free, now. */
  look(): void;
  close(): void;
  /** Lets other processes have the servers at once. */
  release(): Promise<void>;
}

export interface SwitchesDependencies {
  readonly connectAri: ConnectAri;
  readonly controller: Controller;
  readonly reconciler: Reconciler;
  readonly store: LiveCallStore;
  readonly ownership: Ownership;
  readonly log: Log;
  /** Takes over calls of switches that cannot be asked, from our own memory. */
  readonly adoptFromMemory: (server_id: string) => Promise<void>;
  /** The running calls of a server of ours are known now. */
  readonly onCompared: (server_id: string) => void;
  readonly onLost: () => void;
}

const RECONCILE_EVERY_ms = 10_000;
const SWEEP_EVERY_ms = 60_000;

const jittered = (ms: number) => ms * (0.8 + Math.random() * 0.4);

interface Known {
  address: SwitchAddress;
  /** Only of servers that we own. */
  session: Session | null;
  link: Switch | null;
  /** Its calls were compared since its link came up, or it cannot be reached. */
  tried: boolean;
  timer: NodeJS.Timeout | null;
  sweep_at_ms: number;
}

function isSameAddress(one: SwitchAddress, other: SwitchAddress): boolean {
  return one.ari_url === other.ari_url && one.ami_host === other.ami_host && one.ami_port === other.ami_port;
}

/** The switches that calls run on: whose they are, links to ours, and regular reconciliation. */
export function createSwitches(deps: SwitchesDependencies): Switches {
  const { connectAri, controller, reconciler, store, ownership, log, adoptFromMemory } = deps;
  const known = new Map<string, Known>();
  const owned = () =>
    [...known.values()].flatMap(({ session, address }) => (session === null ? [] : [address.server_id]));
  const owners = createOwners({
    ownership,
    log,
    onGained: gained,
    onLost: lost,
    onLook: () => rebuilding.look(),
  });
  const rebuilding = createRebuilding({
    ownership,
    log,
    look: owners.look,
    owned,
    tell,
    serverIds: () => [...known.keys()],
  });

  async function beat(server: Known): Promise<void> {
    const { server_id } = server.address;
    if (!ownership.ready() || !ownership.holds(server_id)) return;
    // R4: a switch that cannot be reached still has its calls; their leases are frozen, not lost.
    if (!server.link) return store.renew(server_id, await store.idsOf(server_id), false);
    // What could not be compared when the link came up (Postgres was away) is compared now.
    await (server.tried ? reconciler.reconcile(server.link, false) : compare(server, server.link));
    if (performance.now() < server.sweep_at_ms) return;
    server.sweep_at_ms = performance.now() + jittered(SWEEP_EVERY_ms);
    await reconciler.sweepJournal(server.link);
  }

  function schedule(server: Known, in_ms: number): void {
    server.timer = setTimeout(() => {
      beat(server)
        .catch((error: Error) =>
          log.warn({ err: error, server: server.address.name }, 'reconciliation failed'),
        )
        .finally(() => {
          if (server.timer) schedule(server, jittered(RECONCILE_EVERY_ms));
        });
    }, in_ms);
  }

  async function tell(server_id: string): Promise<boolean> {
    const server = known.get(server_id);
    await adoptFromMemory(server_id);
    if (!server?.link) return server?.tried ?? false;
    await reconciler.reconcile(server.link, true);
    server.tried = true;
    return true;
  }

  async function compare(server: Known, link: Switch): Promise<void> {
    await reconciler.reconcile(link, true);
    compared(server);
  }

  function compared(server: Known): void {
    server.tried = true;
    deps.onCompared(server.address.server_id);
    rebuilding.shown(server.address.server_id);
  }

  async function up(server: Known, link: Switch): Promise<void> {
    const { server_id } = server.address;
    server.link = link;
    server.tried = false;
    log.info({ server: link.name }, 'switch connected');
    await rebuilding.underway();
    try {
      if (ownership.ready()) await reconciler.reconcile(link, true);
      else await rebuilding.resync();
    } catch (error) {
      // Calls can be watched without Redis; taking them over waits until it is back.
      log.warn({ err: error, server: link.name }, 'running calls cannot be compared now');
      return;
    } finally {
      // Lost while we compared: what was taken over is the new owner's.
      if (!ownership.isOurs(server_id)) controller.forget(server_id);
    }
    compared(server);
  }

  function connect(server: Known): void {
    const { address } = server;
    const { server_id } = address;
    let hear: ReturnType<typeof guardSwitch>['hear'] = () => {};
    server.session = keepConnected(address, connectAri, {
      mayConnect: () => ownership.holds(server_id),
      onUp(link) {
        const guard = guardSwitch(link, ownership, controller.handle);
        hear = guard.hear;
        return up(server, guard.link);
      },
      onDown(reason) {
        const wasUp = server.link !== null || !server.tried;
        server.link = null;
        server.tried = true;
        if (wasUp) log.error({ server: address.name, reason: reason.message }, 'switch not reachable');
        rebuilding.shown(server_id);
      },
      onEvent(event) {
        if (server.link) hear(event);
      },
    });
    // Many servers taken at once are not compared in step.
    schedule(server, Math.random() * RECONCILE_EVERY_ms);
  }

  function disconnect(server: Known): void {
    if (server.timer) clearTimeout(server.timer);
    server.session?.close();
    Object.assign(server, { timer: null, session: null, link: null, tried: false });
  }

  function gained(server_id: string): void {
    const server = known.get(server_id);
    if (!server) return;
    log.info({ server: server.address.name }, 'this process owns the server now');
    disconnect(server);
    controller.forget(server_id);
    connect(server);
  }

  /** Its calls are the new owner's: nothing is settled, and nothing said to the switch. */
  function lost(server_id: string): void {
    const server = known.get(server_id);
    if (!server) return;
    log.warn({ server: server.address.name }, 'another process owns the server now');
    disconnect(server);
    controller.forget(server_id);
    deps.onLost();
  }

  return {
    get: (server_id) => known.get(server_id)?.link ?? null,
    states: () =>
      [...known.values()].map(({ address: { server_id, name }, session, link, tried }) => ({
        server_id,
        name,
        owned: session !== null,
        compared: session !== null && tried,
        drift: reconciler.driftOf(server_id),
        well: session !== null ? link !== null && tried : ownership.isHeld(server_id),
      })),
    set(addresses) {
      for (const address of addresses) {
        const before = known.get(address.server_id);
        if (!before) {
          known.set(address.server_id, {
            address,
            session: null,
            link: null,
            tried: false,
            timer: null,
            sweep_at_ms: 0,
          });
          continue;
        }
        if (isSameAddress(before.address, address)) continue;
        before.address = address;
        // Its calls stay known, and their leases: at the new address the same switch is expected.
        if (before.session) {
          disconnect(before);
          connect(before);
        }
      }
      rebuilding.listed();
      owners.set([...known.keys()]);
    },
    resync: rebuilding.resync,
    redisLost: rebuilding.redisLost,
    look() {
      owners.set([...known.keys()]);
    },
    close() {
      owners.stop();
      for (const server of known.values()) disconnect(server);
    },
    release: owners.release,
  };
}
