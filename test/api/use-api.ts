import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, inject } from 'vitest';
import { type RunningRedis, startRedis } from '../../dev/services/redis.ts';
import { createDatabase, type Database } from '../../dev/world/database.ts';
import { createBlockLinks } from '../../src/admin/block-links.ts';
import { createPostalCodes } from '../../src/admin/find-postal-code.ts';
import { importDeck } from '../../src/admin/import-deck.ts';
import { createPublisher } from '../../src/admin/publish-revisions.ts';
import { reRateWork } from '../../src/admin/re-rate.ts';
import { createSecretBox } from '../../src/admin/secret-box.ts';
import { type ApiDependencies, createApi } from '../../src/api/server.ts';
import type { Switch } from '../../src/asterisk/session.ts';
import { createDecisionTimes } from '../../src/calls/decision-times.ts';
import { createDirectory } from '../../src/calls/directory.ts';
import { createHangUp } from '../../src/calls/hang-up.ts';
import { createLiveBoard, type LiveBoard } from '../../src/calls/live-board.ts';
import type { LiveCall } from '../../src/calls/live-call.ts';
import { createReserve } from '../../src/calls/reserve.ts';
import { type Client, createClient, type Send } from '../../src/contract/client.ts';
import type { Tenant } from '../../src/domain/tenant.ts';
import { createJobs, type Jobs } from '../../src/jobs/jobs.ts';
import { addApiKey, newToken } from '../../src/stores/postgres/api-keys.ts';
import { connectPostgres, type Postgres } from '../../src/stores/postgres/connect.ts';
import type { ResellerWallet } from '../../src/stores/postgres/reseller-wallets.ts';
import type { Wallet } from '../../src/stores/postgres/wallets.ts';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { createLiveCallStore, type LiveCallStore } from '../../src/stores/redis/live-calls.ts';
import { createOwnership } from '../../src/stores/redis/ownership.ts';
import { connectRevocations, createSessionStore, type Revocations } from '../../src/stores/redis/sessions.ts';
import { createSignInTries } from '../../src/stores/redis/sign-in-tries.ts';
import { ownAnyServer } from '../stores/redis/any-server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape
  readonly body: any;
}

export interface Asking {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** In place of a switch: remembers what it is told. */
export interface Switchboard {
  reachable: boolean;
  readonly ended: { readonly call_id: string; readonly q850: number }[];
}

export interface TestApi {
  readonly database: Database;
  readonly board: LiveBoard;
  /** Calls that can be hung up, by id, and the switch that is told to. */
  readonly live: Map<string, LiveCall>;
  readonly switchboard: Switchboard;
  readonly app: FastifyInstance;
  readonly port: number;
  /** Everything that was logged, as lines. */
  readonly logged: string[];
  /** What running calls were told of. */
  readonly wallets: Wallet[];
  readonly resellerWallets: ResellerWallet[];
  /** What runs, for tests that have money reserved. */
  readonly store: LiveCallStore;
  /** A key of this tenant. */
  key(tenant: Tenant, scopes?: readonly ('READ' | 'WRITE' | 'MONEY')[]): Promise<string>;
  /** Asks with a key, or as nobody. */
  ask(key: string | null, method: string, url: string, asking?: Asking): Promise<Answer>;
  /** The typed client with a key. */
  client(key: string): Client;
  /** Another process of the service on the same stores. */
  restart(): Promise<void>;
}

const ignore = () => {};
const isPlain = (body: unknown) => typeof body === 'string' || body instanceof Uint8Array;
export const SECRET = 'a secret of tests, long enough for anything';

/** The whole API on real stores, for the tests of one file. */
export function useApi(settings: Partial<ApiDependencies['settings']> = {}): () => TestApi {
  let api: TestApi | null = null;
  const opened: (Postgres | Redis | RunningRedis | Revocations | Jobs)[] = [];
  let app: FastifyInstance | null = null;
  beforeAll(async () => {
    const database = await createDatabase(inject('postgresUrl'));
    const server = await startRedis();
    const redis = connectRedis(server.url, ignore);
    await once(redis, 'ready');
    const system = connectPostgres(database.url, ignore, 'pabx_system');
    const tenants = connectPostgres(database.url, ignore, 'pabx_nobody');
    const revocations = connectRevocations(server.url, ignore);
    const board = createLiveBoard();
    const live = new Map<string, LiveCall>();
    const switchboard: Switchboard = { reachable: true, ended: [] };
    const ari = {
      async hangUp(call_id: string, q850: number) {
        switchboard.ended.push({ call_id, q850 });
        return true;
      },
    };
    const directory = createDirectory(system.db);
    const logged: string[] = [];
    const wallets: Wallet[] = [];
    const resellerWallets: ResellerWallet[] = [];
    const ownership = ownAnyServer(createOwnership(redis, ignore));
    const store = createLiveCallStore(redis, ownership);
    await ownership.begin();
    const logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
    const jobs = createJobs({
      db: system.db,
      redisUrl: server.url,
      log: logger,
      work: { IMPORT_DECK: importDeck, RE_RATE: reRateWork(system.db) },
      every: [],
    });
    opened.push(jobs, system, tenants, database, redis, revocations, server);
    const start = async () => {
      const next = createApi({
        system: system.db,
        tenants: tenants.db,
        sessions: createSessionStore(redis, { idle_seconds: 3_600, absolute_seconds: 7_200 }),
        tries: createSignInTries(redis),
        box: createSecretBox(SECRET),
        revocations,
        board,
        decisionTimes: createDecisionTimes(),
        hangUp: createHangUp(
          live,
          () => (switchboard.reachable ? ({ ari } as unknown as Switch) : null),
          logger,
        ),
        // Nobody listens for changes here, so every question reads anew.
        directory: {
          ...directory,
          line(name) {
            directory.clear();
            return directory.line(name);
          },
        },
        links: createBlockLinks(SECRET),
        publisher: createPublisher({ db: system.db, secret: SECRET, log: logger }),
        postalCodes: createPostalCodes({
          viacep_url: 'http://127.0.0.1:1',
          brasilapi_url: 'http://127.0.0.1:1',
          timeout_ms: 200,
        }),
        logger,
        ringJobs: jobs.ring,
        walletChanged: (wallet) => {
          if ('left_seconds' in wallet) {
            wallets.push(wallet);
            store.loadWallet(wallet).catch(ignore);
          } else {
            resellerWallets.push(wallet);
            store.loadResellerWallet(wallet).catch(ignore);
          }
        },
        reserve: createReserve(system.db, store, logger),
        health: {},
        servers: () => [],
        settings: { origins: [], trust_proxy: false, metrics_token: null, live_ping_ms: 200, ...settings },
      });
      await next.listen({ host: '127.0.0.1', port: 0 });
      app = next;
    };
    await start();
    const running = () => {
      if (!app) throw new Error('the API does not run');
      return app;
    };
    const ask: TestApi['ask'] = async (key, method, url, { body, headers = {} } = {}) => {
      const response = await running().inject({
        method: method as 'GET',
        url,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { payload: isPlain(body) ? Buffer.from(body as string) : JSON.stringify(body) }),
      });
      const text = response.body;
      const json = /json/.test(String(response.headers['content-type'])) ? JSON.parse(text) : null;
      return { status: response.statusCode, headers: response.headers, text, body: json };
    };
    api = {
      database,
      board,
      live,
      switchboard,
      logged,
      wallets,
      resellerWallets,
      store,
      get app() {
        return running();
      },
      get port() {
        return (running().server.address() as AddressInfo).port;
      },
      async key(tenant, scopes) {
        const token = newToken();
        await addApiKey(system.db, { name: 'test', ...(scopes ? { scopes } : {}) }, token, tenant);
        return token;
      },
      ask,
      client(key) {
        const send: Send = async (url, { method, headers, body }) => {
          const answer = await ask(key, method, url, { body, headers });
          return {
            status: answer.status,
            headers: { get: (name) => String(answer.headers[name] ?? '') || null },
            text: async () => answer.text,
          };
        };
        return createClient('', send);
      },
      async restart() {
        await running().close();
        await start();
      },
    };
  });
  afterAll(async () => {
    await app?.close();
    for (const one of opened) {
      if ('disconnect' in one) one.disconnect();
      else if ('close' in one) await one.close();
      else await one.stop();
    }
  });
  return () => {
    if (!api) throw new Error('the API is not there yet');
    return api;
  };
}
