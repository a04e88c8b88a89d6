import type { Ownership } from '../stores/redis/ownership.ts';
import type { Log } from './log.ts';

export interface Owners {
  /** Every server there is: those that nobody owns are taken. */
  set(server_ids: readonly string[]): void;
  /** Looks at once: what is free is taken, what is held prolonged. */
  look(): Promise<void>;
  /** Asks for nothing any more. What is held stays until its leases end, or `release`. */
  stop(): void;
  /** Gives everything back. */
  release(): Promise<void>;
}

interface Dependencies {
  readonly ownership: Ownership;
  readonly log: Log;
  onGained(server_id: string): void;
  onLost(server_id: string): void;
  /** Told after each look that succeeded. */
  onLook(): void;
}

const LOOK_EVERY_ms = 750;
/** Several that wait for one server do not ask in step. */
const JITTER_ms = 100;

/** Holds servers for this process, again and again. Who held one and fell silent loses it to whoever looks next. */
export function createOwners({ ownership, log, onGained, onLost, onLook }: Dependencies): Owners {
  let server_ids: readonly string[] = [];
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let away = false;

  async function look(): Promise<void> {
    const { gained, lost, free_in_ms } = await ownership.hold(server_ids);
    away = false;
    for (const id of lost) onLost(id);
    for (const id of gained) onGained(id);
    if (!stopped) schedule(Math.min(LOOK_EVERY_ms, free_in_ms ?? LOOK_EVERY_ms));
    onLook();
  }

  function schedule(in_ms: number): void {
    if (timer) clearTimeout(timer);
    timer = setTimeout(tryToLook, in_ms + Math.random() * JITTER_ms);
  }

  function tryToLook(): void {
    look().catch((error: Error) => {
      if (!away) log.warn({ err: error }, 'Redis is away; nobody can tell whose the servers are');
      away = true;
      if (!stopped) schedule(LOOK_EVERY_ms);
    });
  }

  return {
    set(ids) {
      server_ids = ids;
      tryToLook();
    },
    look,
    stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
    },
    release: () => ownership.release(),
  };
}
