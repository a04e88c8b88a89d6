import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kysely, PostgresDialect } from 'kysely';
import { addServer } from '../../src/admin/add-server.ts';
import { SESSION_COOKIE } from '../../src/api/authenticate.ts';
import type { Db } from '../../src/stores/postgres/connect.ts';
import { findSubscriber, listSubscribers, readContacts } from '../../src/stores/postgres/subscribers.ts';
import type { Database as Tables } from '../../src/stores/postgres/tables.ts';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { createSessionStore } from '../../src/stores/redis/sessions.ts';
import { makeOwnedFolder, removeFolder } from '../services/folders.ts';
import { freePorts } from '../services/ports.ts';
import { startPostgres } from '../services/postgres.ts';
import { MINIMAL_ENV } from '../services/process.ts';
import { startRedis } from '../services/redis.ts';
import { createControlPlane } from '../world/control-plane.ts';
import { createDatabase, type Database, prepareTemplate } from '../world/database.ts';
import { addReseller, addSubscriber } from '../world/tenants.ts';
import type { BareOrder, BareRoute } from './api-bare.ts';

const SUBSCRIBERS = 200;
/** As many connections as the service's own pool for tenants has. */
const POOL_SIZE = 10;

export const WAYS = ['BARE', 'WHOLE'] as const;
export type Way = (typeof WAYS)[number];
export const READS = ['list of 50', 'list of 1', 'one by id'] as const;
export type Read = (typeof READS)[number];

/** Both servers, on the same data. */
export interface ApiInstallation {
  readonly headers: Readonly<Record<string, string>>;
  readonly database: Database;
  url(way: Way, read: Read): string;
  pid(who: Way | 'POSTGRES' | 'REDIS'): number;
  close(): Promise<void>;
}

/** A reseller with its subscribers: franquias, money and a line each. */
async function addData(db: Db): Promise<{ reseller_id: string; subscriber_id: string }> {
  // Nobody answers there; the service asks again now and then, which costs nothing to speak of.
  const server = { name: 'bench', ari_url: 'http://127.0.0.1:1', ami_host: '127.0.0.1', ami_port: 1 };
  const { id: server_id } = await addServer(db, server);
  const reseller_id = await addReseller(db);
  let subscriber_id = '';
  for (let number = 1; number <= SUBSCRIBERS; number++) {
    const subscriber = await addSubscriber(
      db,
      { reseller_id, server_id },
      {
        billing_mode: 'BUNDLE',
        balance_micros: 1_000_000n,
        bundles: { FIXED_LOCAL: 600, MOBILE_LOCAL: 600 },
      },
    );
    await subscriber.addLine();
    const contact = { subscriber_id: subscriber.id, name: 'Ana', email: 'ana@example.com' };
    await db.insertInto('subscriber_contacts').values(contact).execute();
    subscriber_id = subscriber.id;
  }
  return { reseller_id, subscriber_id };
}

const pathOf = (read: Read, subscriber_id: string) =>
  ({
    'list of 50': '/api/v1/subscribers?limit=50',
    'list of 1': '/api/v1/subscribers?limit=1',
    'one by id': `/api/v1/subscribers/${subscriber_id}`,
  })[read];

/** The very SQL that the service runs, taken down while its own code runs it. */
async function takeDownQueries(pool: Database['pool'], subscriber_id: string): Promise<BareRoute[]> {
  let taken: BareRoute['queries'][number][] = [];
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool }),
    log: ({ query }) => void taken.push({ text: query.sql, values: query.parameters }),
  });
  const route = async (path: string, list: boolean, work: () => Promise<unknown>) => {
    taken = [];
    await work();
    return { path, list, queries: taken };
  };
  const list = (limit: number) => () => listSubscribers(db, { limit, sort: 'name' });
  return [
    await route('/50', true, list(50)),
    await route('/1', true, list(1)),
    await route('/one', false, async () => {
      await findSubscriber(db, subscriber_id);
      await db.transaction().execute((tx) => readContacts(tx, subscriber_id));
    }),
  ];
}

const BARE_PATHS: Readonly<Record<Read, string>> = {
  'list of 50': '/50',
  'list of 1': '/1',
  'one by id': '/one',
};

async function startBare(order: BareOrder, execArgv: string[]): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('api-bare.ts', import.meta.url));
  const child = fork(file, { env: { ...MINIMAL_ENV }, execArgv });
  child.send(order);
  const [first] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (first !== 'ready') throw new Error('the bare server ended at its start');
  return child;
}

async function signIn(redisUrl: string, reseller_id: string): Promise<string> {
  const redis = connectRedis(redisUrl, () => {});
  await once(redis, 'ready');
  try {
    const tenant = { role: 'RESELLER', reseller_id } as const;
    const { token } = await createSessionStore(redis, {
      idle_seconds: 7_200,
      absolute_seconds: 43_200,
    }).create({
      user_id: randomUUID(),
      username: 'bench',
      user_tenant: tenant,
      tenant,
      impersonation: null,
      address: '127.0.0.1',
      user_agent: 'bench',
    });
    return token;
  } finally {
    redis.disconnect();
  }
}

/** `profiles`: a folder for CPU profiles of both servers, written when they end. */
export async function startApiInstallation(profiles: string | null): Promise<ApiInstallation> {
  const dir = makeOwnedFolder('bench-api');
  const postgres = await startPostgres({ durable: false });
  await prepareTemplate(postgres.url);
  const [database, redis] = [await createDatabase(postgres.url), await startRedis()];
  const { reseller_id, subscriber_id } = await addData(database.db);
  await database.pool.query('vacuum analyze');
  const [barePort = 0, wholePort = 0] = await freePorts(2);
  const profiling = profiles === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const whole = createControlPlane(wholePort, join(dir, 'whole.log'), {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    PABX_SECRET: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'error',
    ...(profiles === null ? {} : { NODE_OPTIONS: profiling.join(' ') }),
  });
  await whole.start();
  const routes = (await takeDownQueries(database.pool, subscriber_id)).map((route) => ({
    ...route,
    queries: route.queries.filter(({ text }) => text.trimStart().startsWith('select')),
  }));
  const order = { databaseUrl: database.url, poolSize: POOL_SIZE, port: barePort, routes };
  const bare = await startBare(order, profiling);
  const pids = { BARE: bare.pid, WHOLE: whole.pid(), POSTGRES: postgres.pid(), REDIS: redis.pid() };
  return {
    headers: { cookie: `${SESSION_COOKIE}=${await signIn(redis.url, reseller_id)}` },
    database,
    url: (way, read) =>
      way === 'BARE'
        ? `http://127.0.0.1:${barePort}${BARE_PATHS[read]}`
        : `${whole.url}${pathOf(read, subscriber_id)}`,
    pid: (who) => pids[who] ?? 0,
    async close() {
      bare.disconnect();
      await Promise.all([once(bare, 'exit'), whole.stop(), database.close()]);
      await redis.stop();
      await postgres.stop();
      removeFolder(dir);
    },
  };
}
