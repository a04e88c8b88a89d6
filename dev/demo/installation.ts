import { randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Seeded, seed } from '../../src/admin/seed.ts';
import { addApiKey, hashToken, newToken } from '../../src/stores/postgres/api-keys.ts';
import { announce } from '../services/announce.ts';
import { type AsteriskRoot, ensureAsteriskRoot } from '../services/asterisk-root.ts';
import type { Closers } from '../services/closers.ts';
import { MissingServiceError } from '../services/errors.ts';
import { makeOwnedFolder, removeFolder } from '../services/folders.ts';
import { freePort, freePorts } from '../services/ports.ts';
import { startPostgres } from '../services/postgres.ts';
import { waitUntil } from '../services/process.ts';
import { type RunningRedis, startRedis } from '../services/redis.ts';
import { ensureSipp } from '../services/sipp.ts';
import { startCarrier } from '../world/carrier.ts';
import { createControlPlane } from '../world/control-plane.ts';
import { readSettings, type Settings } from '../world/settings.ts';
import { createSwitch, RTP_PORTS } from '../world/switch.ts';
import { createDemoDatabase, type DemoDatabase } from './database.ts';
import { startDeskPhones } from './desk-phones.ts';

export interface DemoSwitch {
  /** Where phones reach it. */
  readonly sipPort: number;
  /** Ends every call in order, as both sides would. */
  hangUpAll(): Promise<void>;
}

export interface Installation {
  readonly dir: string;
  readonly url: string;
  /** Of the master, for the API. */
  readonly token: string;
  readonly database: DemoDatabase;
  readonly seeded: Seeded;
  /** null when there is none. */
  readonly pabx: DemoSwitch | null;
  /** Why there is no switch. */
  readonly missing: MissingServiceError | null;
}

const USUAL_PORT = 8080;
/** Short slices, so that the consumption moves while one looks. */
const SLICES = { SLICE_SECONDS: '6', LEAD_SECONDS: '2' };
const CARRIER_RING_ms = 2_500;
const DESK_RING_ms = 1_500;
const READY_ms = 20_000;

interface Ports {
  readonly control: number;
  readonly sip: number;
  readonly http: number;
  readonly ami: number;
  readonly carrier: number;
  readonly rtp: number;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function choosePorts(): Promise<Ports> {
  const [sip = 0, http = 0, ami = 0, carrier = 0] = await freePorts(4);
  const control = (await isFree(USUAL_PORT)) ? USUAL_PORT : await freePort();
  // Below the range of the others; Asterisk passes over the ports that are taken.
  return { control, sip, http, ami, carrier, rtp: 10_000 + 2 * randomInt(RTP_PORTS) };
}

/** Says when a step is done and how long it took. */
async function step<T>(name: string, work: Promise<T>): Promise<T> {
  const from_ms = performance.now();
  const result = await work;
  announce(`${name} (${((performance.now() - from_ms) / 1000).toFixed(1)} s)`);
  return result;
}

async function startDatabase(closers: Closers, settings: Settings): Promise<DemoDatabase> {
  const { databaseUrl } = settings;
  const postgres = await startPostgres({
    durable: false,
    ...(databaseUrl === undefined ? {} : { existingUrl: databaseUrl }),
  });
  closers.add('Postgres', () => postgres.stop());
  const database = await createDemoDatabase(postgres.url);
  closers.add('the database', () => (databaseUrl === undefined ? database.close() : database.drop()));
  return database;
}

async function startStore(closers: Closers, { redisUrl }: Settings): Promise<RunningRedis> {
  const redis = await startRedis(redisUrl === undefined ? {} : { existingUrl: redisUrl });
  closers.add('Redis', () => redis.stop());
  return redis;
}

/** Asterisk and SIPp, or what is missing: then there are no calls, and all the rest works. */
async function findSwitch(settings: Settings): Promise<AsteriskRoot | MissingServiceError> {
  const { cacheDir, asteriskChroot } = settings;
  try {
    await ensureSipp();
    return await ensureAsteriskRoot({
      cacheDir,
      ...(asteriskChroot === undefined ? {} : { existingChroot: asteriskChroot }),
    });
  } catch (error) {
    if (error instanceof MissingServiceError) return error;
    throw error;
  }
}

async function addServer({ db }: DemoDatabase, ports: Ports) {
  const token = newToken();
  const { id, name } = await db
    .insertInto('asterisk_servers')
    .values({
      name: 'demo',
      token_sha256: hashToken(token),
      ari_url: `http://127.0.0.1:${ports.http}`,
      ami_host: '127.0.0.1',
      ami_port: ports.ami,
    })
    .returning(['id', 'name'])
    .executeTakeFirstOrThrow();
  const trunk = { server_id: id, code: 'operadora', name: 'Operadora de demonstração', host: '127.0.0.1' };
  await db
    .insertInto('trunks')
    .values({ ...trunk, port: ports.carrier, max_concurrent_calls: 60 })
    .execute();
  return { id, name, token };
}

interface SwitchOptions {
  readonly root: AsteriskRoot;
  readonly dir: string;
  readonly controlUrl: string;
  readonly server: { readonly name: string; readonly token: string };
  readonly ports: Ports;
  readonly seeded: Seeded;
}

async function startSwitch(closers: Closers, options: SwitchOptions): Promise<DemoSwitch> {
  const { root, dir, controlUrl, server, ports, seeded } = options;
  const pabx = await createSwitch({ root, controlUrl, ports, ...server });
  closers.add('Asterisk', () => pabx.stop());
  const carrier = await startCarrier(dir, ports.carrier, CARRIER_RING_ms);
  closers.add('the carrier', () => carrier.stop());
  await pabx.start();
  const lines = seeded.subscribers.flatMap((subscriber) => subscriber.lines);
  const desk = await startDeskPhones(dir, ports.sip, lines, DESK_RING_ms);
  closers.add('the desk phones', () => desk.stop());
  const isReady = async () => (await fetch(`${controlUrl}/health/ready`)).ok;
  await waitUntil(isReady, { timeout_ms: READY_ms, what: 'the control plane to have the switch' });
  return {
    sipPort: ports.sip,
    async hangUpAll() {
      await pabx.asterisk().rx('channel request hangup all');
    },
  };
}

/** Starts everything the demo shows, the control plane as its own process as in production. */
export async function setUp(closers: Closers): Promise<Installation> {
  const settings = readSettings();
  const dir = makeOwnedFolder('demo');
  closers.add('its folder', async () => removeFolder(dir));
  const [database, redis, root] = await Promise.all([
    step('Postgres runs, with an empty database', startDatabase(closers, settings)),
    step('Redis runs', startStore(closers, settings)),
    findSwitch(settings),
  ]);
  const ports = await choosePorts();
  const server = await addServer(database, ports);
  const seeded = await step(
    'reseller and subscribers are seeded',
    seed(database.db, { server_id: server.id }),
  );
  const token = newToken();
  await addApiKey(database.db, { name: 'demo' }, token, { role: 'MASTER' });

  const control = createControlPlane(ports.control, join(dir, 'control-plane.log'), {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    PABX_SECRET: randomBytes(32).toString('base64'),
    ...SLICES,
  });
  closers.add('the control plane', () => control.stop());
  await step('the control plane runs', control.start());
  const found = { dir, url: control.url, token, database, seeded };
  if (root instanceof MissingServiceError) return { ...found, pabx: null, missing: root };
  const options = { root, dir, controlUrl: control.url, server, ports, seeded };
  const pabx = await step('Asterisk runs, its phones are registered', startSwitch(closers, options));
  return { ...found, pabx, missing: null };
}
