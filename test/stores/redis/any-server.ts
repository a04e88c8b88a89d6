import type { Redis } from 'ioredis';
import type { Ownership } from '../../../src/stores/redis/ownership.ts';

export interface AnyServer extends Ownership {
  /** Begins an epoch in a Redis that has none, without anything to show. */
  begin(): Promise<void>;
}

/** An owner that takes every server it is asked about, for tests of what comes after that. */
export function ownAnyServer(ownership: Ownership): AnyServer {
  const taken = new Map<string, Promise<unknown>>();
  const take = (server_id: string) => {
    const held = ownership.hold([...taken.keys(), server_id]);
    taken.set(server_id, held);
    return held;
  };
  return {
    ...ownership,
    async fenced(server_id, ...script) {
      await (taken.get(server_id) ?? take(server_id));
      return ownership.fenced(server_id, ...script);
    },
    async begin() {
      const rebuild = await ownership.rebuild();
      if (!rebuild.kept) await ownership.open(rebuild.name, []);
      await ownership.hold([...taken.keys()]);
    },
  };
}

/** A rebuild that has waited long enough for those who held servers before. */
export async function freeFrom(redis: Redis): Promise<void> {
  await redis.hset('pabx:rebuild', 'began', 0);
}
