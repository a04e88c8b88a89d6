import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { loadScripts, type RunScript, type ScriptName } from './scripts.ts';

/** How long a server stays with an owner that says nothing. */
const OWNER_LEASE_ms = 3_000;
/** How long an emptied Redis waits for those who held servers before it gives them to others. */
const FIRST_WORD_ms = 1_500;
/** Our clock and that of Redis do not run alike; we give up first. */
const MARGIN_ms = 100;

const keys = {
  epoch: 'pabx:epoch',
  rebuild: 'pabx:rebuild',
  shown: 'pabx:shown',
  owner: (server_id: string) => `pabx:owner:${server_id}`,
};

/** Another process is the owner of this call's server, or nobody is known to be. */
export class NotOwner extends Error {
  override name = 'NotOwner';
  constructor(server_id: string) {
    super(`server ${server_id} is not ours`);
  }
}

/** This Redis has been emptied: it knows nothing of what it is asked about. */
export class EpochLost extends Error {
  override name = 'EpochLost';
}

export interface Held {
  readonly gained: readonly string[];
  readonly lost: readonly string[];
  /** Soonest that a server which another process holds may be free; null: none is held by others. */
  readonly free_in_ms: number | null;
}

export type Rebuild =
  | { readonly kept: true }
  | { readonly kept: false; readonly name: string; readonly begun: boolean };

/**
 * Which servers this process owns, and whether this Redis knows every running call. Each server has one owner, by a
 * lease and under a token of its own; the scripts that change its calls ask for that token.
 */
export interface Ownership {
  /** Connected to a Redis whose calls are known to be right. */
  ready(): boolean;
  epoch(): string | null;
  /** Asks whether this Redis has served under its epoch without a break. */
  epochHolds(): Promise<boolean>;
  /** Redis turned out to know less than it should. */
  lose(): void;
  /** Takes servers that are free, and prolongs what is held. One at a time. */
  hold(server_ids: readonly string[]): Promise<Held>;
  /** True as long as nobody else can be the owner, by our monotonic clock. */
  holds(server_id: string): boolean;
  /** Owned when last heard of, though the lease may have ended since. */
  isOurs(server_id: string): boolean;
  /** Whether some process holds it, as of the last `hold`. */
  isHeld(server_id: string): boolean;
  /** Gives everything back, for another process to take at once. */
  release(): Promise<void>;
  /** Runs a script that changes calls of a server. Throws NotOwner or EpochLost, and then nothing was changed. */
  fenced: (server_id: string, ...script: Parameters<RunScript>) => Promise<unknown>;
  /** Forgets the calls of a Redis that is not known to have all of them. */
  rebuild(): Promise<Rebuild>;
  /** All running calls of a server were told to Redis since that rebuild began. */
  show(server_id: string, rebuild: string): Promise<void>;
  /** Opens admission when every one of the servers was shown. Gives whether it is open. */
  open(rebuild: string, server_ids: readonly string[]): Promise<boolean>;
}

interface Holding {
  token: string;
  until_mono_ms: number;
}

/** `onEpochLost`: a connected Redis turned out not to know the running calls. */
export function createOwnership(redis: Redis, onEpochLost: () => void): Ownership {
  const run = loadScripts(redis);
  const owner = randomUUID();
  const ours = new Map<string, Holding>();
  const others = new Set<string>();
  let epoch: string | null = null;
  let before: Promise<unknown> = Promise.resolve();
  redis.on('close', () => {
    epoch = null;
  });

  const lose = () => {
    if (epoch === null) return;
    epoch = null;
    onEpochLost();
  };

  function learn(told: string): void {
    // Another one than ours: all was forgotten and told anew, by others.
    if (epoch !== null && told !== epoch) lose();
    else if (told !== '') epoch = told;
  }

  /** Two at once would each take the other's answer for the word of a stranger. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = before.then(task);
    before = done.catch(() => {});
    return done;
  }

  function note(server_id: string, token: string, until_mono_ms: number): 'GAINED' | 'LOST' | null {
    const known = ours.get(server_id);
    if (token === '') {
      ours.delete(server_id);
      return known ? 'LOST' : null;
    }
    ours.set(server_id, { token, until_mono_ms });
    return known?.token === token ? null : 'GAINED';
  }

  async function hold(server_ids: readonly string[]): Promise<Held> {
    const sent_ms = performance.now();
    const tokens = server_ids.map((id) => ours.get(id)?.token ?? '');
    const args = [owner, OWNER_LEASE_ms, FIRST_WORD_ms, ...tokens];
    const told = await run('holdServers', [keys.epoch, keys.rebuild, ...server_ids.map(keys.owner)], args);
    const [known, ...answers] = told as [string, ...(string | number)[]];
    learn(known);
    if (answers.length === 0) return { gained: [], lost: [], free_in_ms: null };
    const [gained, lost, waits]: [string[], string[], number[]] = [[], [], []];
    server_ids.forEach((id, index) => {
      const [token, wait_ms] = [String(answers[2 * index]), Number(answers[2 * index + 1])];
      const change = note(id, token, sent_ms + OWNER_LEASE_ms - MARGIN_ms);
      if (change === 'GAINED') gained.push(id);
      if (change === 'LOST') lost.push(id);
      if (token === '') waits.push(wait_ms);
      if (token === '' && wait_ms > 0) others.add(id);
      else others.delete(id);
    });
    return { gained, lost, free_in_ms: waits.length > 0 ? Math.min(...waits) : null };
  }

  async function fenced(
    server_id: string,
    name: ScriptName,
    scriptKeys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const token = ours.get(server_id)?.token;
    if (token === undefined) throw new NotOwner(server_id);
    const answer = await run(name, [...scriptKeys, keys.owner(server_id)], [...args, token]);
    if (answer === 'NOT_OWNER') throw new NotOwner(server_id);
    if (answer !== 'NO_EPOCH') return answer;
    lose();
    throw new EpochLost('Redis has been emptied');
  }

  return {
    ready: () => epoch !== null,
    epoch: () => epoch,
    async epochHolds() {
      await inTurn(() => hold([]));
      return epoch !== null;
    },
    lose,
    hold: (server_ids) => inTurn(() => hold(server_ids)),
    holds: (server_id) => (ours.get(server_id)?.until_mono_ms ?? 0) > performance.now(),
    isOurs: (server_id) => ours.has(server_id),
    isHeld: (server_id) => ours.has(server_id) || others.has(server_id),
    release: () =>
      inTurn(async () => {
        const given = [...ours];
        ours.clear();
        if (given.length === 0) return;
        const tokens = given.map(([, { token }]) => token);
        await run(
          'releaseServers',
          given.map(([id]) => keys.owner(id)),
          tokens,
        );
      }),
    fenced,
    async rebuild() {
      const told = await run('beginRebuild', [keys.epoch, keys.rebuild], ['pabx:*', randomUUID()]);
      const [state, name] = told as [string, string];
      if (state !== 'KEPT') return { kept: false, name, begun: state === 'BEGUN' };
      epoch = name;
      return { kept: true };
    },
    async show(server_id, rebuild) {
      await fenced(server_id, 'showServer', [keys.rebuild, keys.shown], [rebuild, server_id]);
    },
    async open(rebuild, server_ids) {
      const told = await run('openEpoch', [keys.epoch, keys.rebuild, keys.shown], [rebuild, ...server_ids]);
      if (told === '') return false;
      epoch = told as string;
      return true;
    },
  };
}
