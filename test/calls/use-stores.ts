import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, inject } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { type RunningRedis, startRedis } from '../../dev/services/redis.ts';
import { createDatabase, type Database } from '../../dev/world/database.ts';
import type { Log } from '../../src/calls/log.ts';
import { connectPostgres, type Db, type Postgres } from '../../src/stores/postgres/connect.ts';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { createLiveCallStore, type LiveCallStore } from '../../src/stores/redis/live-calls.ts';
import { createOwnership } from '../../src/stores/redis/ownership.ts';
import { type AnyServer, ownAnyServer } from '../stores/redis/any-server.ts';
import { type CuttableLink, startProxy } from './proxy.ts';

export interface Stores {
  /** A straight link, for the test to look with; it does not know of the proxies. */
  readonly database: Database;
  readonly looking: Redis;
  /** What is tested has these, each by way of its proxy. */
  readonly db: Db;
  readonly store: LiveCallStore;
  readonly ownership: AnyServer;
  readonly toPostgres: CuttableLink;
  readonly toRedis: CuttableLink;
}

const ignore = () => {};

/** Real stores for the tests of one file, both of which can be taken away. */
export function useStores(): () => Stores {
  let stores: Stores | null = null;
  const opened: (RunningRedis | Postgres | Redis)[] = [];
  beforeAll(async () => {
    const database = await createDatabase(inject('postgresUrl'));
    const server = await startRedis();
    const [toPostgres, toRedis] = [await startProxy(database.url), await startProxy(server.url)];
    const postgres = connectPostgres(toPostgres.url, ignore);
    const [redis, looking] = [connectRedis(toRedis.url, ignore), connectRedis(server.url, ignore)];
    await Promise.all([once(redis, 'ready'), once(looking, 'ready')]);
    const ownership = ownAnyServer(createOwnership(redis, ignore));
    const store = createLiveCallStore(redis, ownership);
    await ownership.begin();
    opened.push(postgres, database, redis, looking, server);
    stores = { database, looking, db: postgres.db, store, ownership, toPostgres, toRedis };
  });
  afterAll(async () => {
    await stores?.toPostgres.heal();
    for (const one of opened) {
      if ('disconnect' in one) one.disconnect();
      else if ('close' in one) await one.close();
      else await one.stop();
    }
  });
  return () => {
    if (!stores) throw new Error('the stores are not there yet');
    return stores;
  };
}

export interface Told {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** A log that keeps what it is told. */
export function keepLog(): Log & { told: Told[] } {
  const told: Told[] = [];
  const at = (level: Told['level']) => (fields: object, message: string) => {
    told.push({ level, fields: fields as Record<string, unknown>, message });
  };
  return { told, info: at('info'), warn: at('warn'), error: at('error') };
}

/** Waits until a query gives so many rows, and gives them. */
export async function rowsOf<T>(read: () => Promise<T[]>, count: number, what: string): Promise<T[]> {
  let rows = await read();
  await waitUntil(
    async () => {
      rows = await read();
      return rows.length >= count;
    },
    { timeout_ms: 15_000, what },
  );
  return rows;
}

/** A brake that lets every call have slices of this length. */
export const unbraked = (slice_seconds: number) => ({ sliceSeconds: () => slice_seconds, granted: ignore });
