import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { MIGRATIONS } from '../migrations/index.ts';
import { createBlockLinks } from './admin/block-links.ts';
import { blockOverdue, closeCycles } from './admin/close-cycle.ts';
import { createPostalCodes } from './admin/find-postal-code.ts';
import { importDeck } from './admin/import-deck.ts';
import { openCycles } from './admin/open-cycles.ts';
import { createPublisher } from './admin/publish-revisions.ts';
import { reRateWork } from './admin/re-rate.ts';
import { runLedgerProof } from './admin/run-ledger-proof.ts';
import { createSecretBox } from './admin/secret-box.ts';
import { createApi } from './api/server.ts';
import { accessOf } from './asterisk/access.ts';
import { connectAri } from './asterisk/ari/client.ts';
import { type CallControl, createCallControl, type SwitchAddress } from './calls/call-control.ts';
import type { Config } from './config.ts';
import { createJobs } from './jobs/jobs.ts';
import type { Schedule } from './jobs/schedules.ts';
import { connectPostgres, type Db, isAway, migrate, type Postgres } from './stores/postgres/connect.ts';
import { listenForReferenceChanges } from './stores/postgres/reference-changes.ts';
import { listServers } from './stores/postgres/servers.ts';
import { connectRedis } from './stores/redis/connect.ts';
import { connectPeers } from './stores/redis/peers.ts';
import { connectRevocations, createSessionStore } from './stores/redis/sessions.ts';
import { createSignInTries } from './stores/redis/sign-in-tries.ts';

export interface Service {
  readonly app: FastifyInstance;
  readonly calls: CallControl;
  readonly url: string;
  close(): Promise<void>;
}

const RETRY_ms = 1_000;
const LIVE_PING_ms = 15_000;
/** Ended calls that cannot be written within this time at a stop are settled from the switch's journal later. */
const CLOSE_PATIENCE_ms = 5_000;

/**
 * What the log says of an error: nothing but these. Drivers hang whole connections on their errors, passwords
 * included.
 */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  const known = { type: name, message, stack, ...(code === undefined ? {} : { code }) };
  return cause === undefined ? known : { ...known, cause: describeError(cause) };
}

/** Waits for a database that is still coming up; says so once. */
async function migrateWhenReady(url: string, log: pino.Logger): Promise<void> {
  for (let told = false; ; told = true) {
    const owner = connectPostgres(url, () => {});
    try {
      const ran = await migrate(owner.db, { getMigrations: async () => MIGRATIONS });
      if (ran.length > 0) log.info({ migrations: ran }, 'database migrated');
      return await owner.close();
    } catch (error) {
      await owner.close();
      if (!isAway(error)) throw error;
      if (!told) log.error({ err: error }, 'Postgres is away; waiting for it');
      await new Promise((resolve) => setTimeout(resolve, RETRY_ms));
    }
  }
}

/** Health of every dependency, in words. */
function healthChecks(postgres: Postgres, calls: CallControl) {
  return {
    postgres: async () =>
      postgres.pool.query('select 1').then(
        () => null,
        (error: Error) => error.message,
      ),
    redis: async () => (calls.store.ready() ? null : 'away, or not yet rebuilt'),
    switches: async () => {
      const away = calls.switches.states().flatMap(({ well, name }) => (well ? [] : [name]));
      return away.length === 0 ? null : `not reachable: ${away.join(', ')}`;
    },
  };
}

function startCalls(
  config: Config,
  system: Postgres,
  redis: ReturnType<typeof connectRedis>,
  log: pino.Logger,
) {
  const { db } = system;
  const calls = createCallControl({
    db,
    redis,
    connectAri,
    peers: connectPeers(config.REDIS_URL, (error) =>
      log.warn({ err: error }, 'Redis link to other processes'),
    ),
    log,
    braking: { mode: config.BRAKE_MODE, night: config.BRAKE_NIGHT_HOURS },
    times: {
      slice_seconds: config.SLICE_SECONDS,
      lead_seconds: config.LEAD_SECONDS,
      grace_seconds: config.GRACE_SECONDS,
    },
  });
  const publisher = createPublisher({ db, secret: config.PABX_SECRET, log });
  const connectSwitches = async () => {
    const servers = await listServers(db);
    const addresses = servers.map(
      ({ id, ...server }): SwitchAddress => ({
        ...server,
        server_id: id,
        ...accessOf(config.PABX_SECRET, id),
      }),
    );
    calls.switches.set(addresses);
  };
  const changes = listenForReferenceChanges(
    config.DATABASE_URL,
    () => {
      calls.directory.clear();
      calls.brake.reload();
      publisher.publish();
      connectSwitches().catch((error: Error) => log.warn({ err: error }, 'servers cannot be listed now'));
    },
    (error) => log.warn({ err: error }, 'Postgres notices link'),
  );
  return { calls, publisher, changes };
}

/** What comes again by itself. Each may run as often as it likes: it does what is due, once. */
function schedulesOf(db: Db, { walletChanged }: CallControl, log: pino.Logger): Schedule[] {
  const minutes = (count: number) => count * 60_000;
  return [
    {
      name: 'open-cycles',
      every_ms: minutes(5),
      run: () => openCycles(db, new Date(), walletChanged),
    },
    {
      name: 'close-cycles',
      every_ms: minutes(30),
      run: () => closeCycles(db, new Date(), log, walletChanged),
    },
    {
      name: 'block-overdue',
      every_ms: minutes(60),
      run: () => blockOverdue(db, new Date(), log),
    },
    { name: 'prove-ledger', daily_at: '04:10', run: () => runLedgerProof(db, log) },
  ];
}

/** Everything wired and started, in this order: log, stores, call control, configurations, HTTP. */
export async function startService(config: Config): Promise<Service> {
  const log = pino({ level: config.LOG_LEVEL, serializers: { err: describeError } });
  await migrateWhenReady(config.DATABASE_URL, log);
  const linkLost = (error: Error) => log.warn({ err: error }, 'Postgres link lost');
  // Pools apart: a flood of requests must not take the connections that calls are settled on.
  const system = connectPostgres(config.DATABASE_URL, linkLost, 'pabx_system');
  const signIn = connectPostgres(config.DATABASE_URL, linkLost, 'pabx_system');
  const tenants = connectPostgres(config.DATABASE_URL, linkLost, 'pabx_nobody');
  const office = connectPostgres(config.DATABASE_URL, linkLost, 'pabx_system');
  const redis = connectRedis(config.REDIS_URL, (error) => log.warn({ err: error }, 'Redis link'));
  const revocations = connectRevocations(config.REDIS_URL, (error) =>
    log.warn({ err: error }, 'Redis revocations link'),
  );
  const { calls, publisher, changes } = startCalls(config, system, redis, log);
  const jobs = createJobs({
    db: office.db,
    redisUrl: config.REDIS_URL,
    log,
    work: { IMPORT_DECK: importDeck, RE_RATE: reRateWork(office.db) },
    every: schedulesOf(office.db, calls, log),
  });
  const app = createApi({
    system: signIn.db,
    tenants: tenants.db,
    sessions: createSessionStore(redis, {
      idle_seconds: config.SESSION_IDLE_MINUTES * 60,
      absolute_seconds: config.SESSION_HOURS * 3_600,
    }),
    tries: createSignInTries(redis),
    box: createSecretBox(config.PABX_SECRET),
    revocations,
    board: calls.board,
    decisionTimes: calls.decisionTimes,
    hangUp: calls.hangUp,
    links: createBlockLinks(config.PABX_SECRET),
    directory: calls.directory,
    publisher,
    postalCodes: createPostalCodes({ viacep_url: config.VIACEP_URL, brasilapi_url: config.BRASILAPI_URL }),
    logger: log,
    walletChanged: calls.walletChanged,
    ringJobs: jobs.ring,
    reserve: calls.reserve,
    health: healthChecks(system, calls),
    servers: calls.switches.states,
    settings: {
      origins: config.PUBLIC_ORIGINS,
      trust_proxy: config.TRUST_PROXY,
      metrics_token: config.METRICS_TOKEN ?? null,
      live_ping_ms: LIVE_PING_ms,
    },
  });
  const url = await app.listen({ host: config.HOST, port: config.PORT });
  return {
    app,
    calls,
    url,
    async close() {
      publisher.close();
      await app.close();
      await jobs.close();
      const patience = new Promise((resolve) => setTimeout(resolve, CLOSE_PATIENCE_ms).unref());
      await Promise.race([calls.close(), patience]);
      await changes.close();
      revocations.close();
      redis.disconnect();
      for (const postgres of [system, signIn, tenants, office]) await postgres.close();
    },
  };
}
