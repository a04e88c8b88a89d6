import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, inject } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { type RunningRedis, startRedis } from '../../dev/services/redis.ts';
import { createDatabase, type Database } from '../../dev/world/database.ts';
import type { CallFacts } from '../../src/calls/live-call.ts';
import type { Log } from '../../src/calls/log.ts';
import { connectPostgres, type Db, type Postgres } from '../../src/stores/postgres/connect.ts';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { createLiveCallStore, type LiveCallStore } from '../../src/stores/redis/live-calls.ts';
import { createOwnership } from '../../src/stores/redis/ownership.ts';
import { BY_TENTHS } from '../stores/postgres/use-tenants.ts';
import { type AnyServer, ownAnyServer } from '../stores/redis/any-server.ts';
import { CYCLE, NEXT_CYCLE } from '../stores/redis/use-store.ts';
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

/** Facts of some call that is paid with money at the standard rate, unless told otherwise. */
export function factsOf(more: Partial<CallFacts> = {}): CallFacts {
  return {
    call_id: randomUUID(),
    server_id: 'server-1',
    reseller_id: randomUUID(),
    subscriber_id: randomUUID(),
    subscriber_name: 'Padaria São João',
    line_id: randomUUID(),
    extension: '201',
    trunk_id: null,
    direction: 'OUT',
    caller_number: null,
    forwarded_from: null,
    ring_group_id: null,
    ring_group_name: null,
    dialled: '1133334444',
    number: '+551133334444',
    call_class: 'FIXED_LOCAL',
    csp: null,
    plan_id: randomUUID(),
    rate: BY_TENTHS,
    wholesale: null,
    cost: null,
    loss: false,
    slot: null,
    area_code: '11',
    billing_mode: 'POSTPAID',
    credit_micros: 0n,
    reseller_credit_micros: 0n,
    daily_cap_micros: null,
    claims: [],
    paces: [],
    longest_seconds: 14_400,
    warn_seconds: 0,
    switch_tone: false,
    cycle_start: CYCLE,
    next_cycle_start: NEXT_CYCLE,
    created_at_ms: 1_700_000_000_000,
    ...more,
  };
}
