import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { accessOf, type SwitchAccess } from '../../src/asterisk/access.ts';
import type { Tenant } from '../../src/domain/tenant.ts';
import { addApiKey, hashToken, newToken } from '../../src/stores/postgres/api-keys.ts';
import type { AsteriskRoot } from '../services/asterisk-root.ts';
import { makeOwnedFolder, removeFolder } from '../services/folders.ts';
import { freePorts } from '../services/ports.ts';
import { waitUntil } from '../services/process.ts';
import { type RunningRedis, startRedis } from '../services/redis.ts';
import { type Carrier, startCarrier } from './carrier.ts';
import { type ControlPlane, createControlPlane } from './control-plane.ts';
import { createDatabase, type Database } from './database.ts';
import { type Link, startLink } from './link.ts';
import { createPhones, type Phones } from './phone.ts';
import { createSwitch, type PabxSwitch, RTP_PORTS } from './switch.ts';

export interface WorldOptions {
  /** Superuser's URL of a Postgres that has the template database. */
  readonly postgresUrl: string;
  readonly asteriskRoot: AsteriskRoot;
  /** Settings of the control plane, SLICE_SECONDS for example. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How long the carrier rings before it answers. */
  readonly ring_ms?: number;
  /** Where the carrier's audio is taken. */
  readonly carrier_media_port?: number;
  readonly redisUrl?: string;
  /** The switch keeps its journal on a small disk of its own, which can be filled. */
  readonly ownDisk?: boolean;
  /** The control plane reaches its stores without the links that can be cut: for measuring. */
  readonly direct?: boolean;
}

/** One whole installation: stores, control plane, an Asterisk that joined it, a carrier behind its trunk, phones. */
export interface World {
  readonly dir: string;
  readonly database: Database;
  readonly redis: RunningRedis;
  /** What the control plane reaches its stores by. */
  readonly links: { readonly postgres: Link; readonly redis: Link };
  readonly control: ControlPlane;
  /** One more control plane on the same stores. It does not run yet. */
  another(): Promise<ControlPlane>;
  readonly pabx: PabxSwitch;
  readonly carrier: Carrier;
  readonly phones: Phones;
  readonly server_id: string;
  /** The control plane's own access to the switch. */
  readonly access: SwitchAccess;
  /** A token of this tenant for the API. */
  token(tenant: Tenant): Promise<string>;
  /** Waits until the control plane has the switch's link and every running call. */
  connected(): Promise<void>;
  /** Waits until the switch runs a configuration with every line, trunk and number there is. */
  provisioned(): Promise<void>;
  close(): Promise<void>;
}

async function addServer(database: Database, ports: { http: number; ami: number; carrier: number }) {
  const token = newToken();
  const server = await database.db
    .insertInto('asterisk_servers')
    .values({
      name: `t${randomBytes(4).toString('hex')}`,
      token_sha256: hashToken(token),
      ari_url: `http://127.0.0.1:${ports.http}`,
      ami_host: '127.0.0.1',
      ami_port: ports.ami,
    })
    .returning(['id', 'name'])
    .executeTakeFirstOrThrow();
  await database.db
    .insertInto('trunks')
    .values({
      server_id: server.id,
      code: 'carrier',
      name: 'Operadora de teste',
      host: '127.0.0.1',
      port: ports.carrier,
      max_concurrent_calls: 1_000,
    })
    .execute();
  return { ...server, token };
}

async function allocatePorts() {
  const [control = 0, sip = 0, http = 0, ami = 0, carrier = 0] = await freePorts(5);
  // Below the range of the others. Where two worlds overlap, Asterisk passes over the ports that are taken.
  const rtp = 10_000 + 2 * randomInt(RTP_PORTS);
  return { control, sip, http, ami, carrier, rtp };
}

/** Ready, and the owner of the switch: a process that was killed owns it for some seconds more. */
async function hasSwitch(url: string): Promise<boolean> {
  if (!(await fetch(`${url}/health/ready`)).ok) return false;
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return /^pabx_server_owned\{.*\} 1$/m.test(metrics) && /^pabx_server_reachable\{.*\} 1$/m.test(metrics);
}

async function knowsEveryLine({ pool }: Database, server_id: string): Promise<boolean> {
  const { rows } = await pool.query<{ missing: number }>(
    `select count(*)::integer as missing from lines l join subscribers s on s.id = l.subscriber_id
     left join dids d on d.target_line_id = l.id and 'ACTIVE' = all (array[d.status, l.status, s.status]), trunks t
     where s.server_id = $1 and t.server_id = $1 and not exists (
       select from asterisk_servers a join revisions r on r.server_id = a.id and r.hash = a.acknowledged_revision
       where a.id = $1 and strpos(r.files ->> 'pjsip-lines.conf', '[' || l.sip_username || ']') > 0
       and strpos(r.files ->> 'pjsip-trunks.conf', '[' || t.code || ']') > 0
       and (d.number is null or strpos(r.files ->> 'dialplan-calls.conf', d.number) > 0))`,
    [server_id],
  );
  return rows[0]?.missing === 0;
}

export async function startWorld(options: WorldOptions): Promise<World> {
  const dir = makeOwnedFolder('world');
  mkdirSync(dir, { recursive: true });
  const ports = await allocatePorts();
  const database = await createDatabase(options.postgresUrl);
  const server = await addServer(database, ports);
  const redis = await startRedis(options.redisUrl === undefined ? {} : { existingUrl: options.redisUrl });
  const links = { postgres: await startLink(database.url), redis: await startLink(redis.url) };
  const secret = randomBytes(32).toString('base64');
  const settings = {
    DATABASE_URL: (options.direct ? database : links.postgres).url,
    REDIS_URL: (options.direct ? redis : links.redis).url,
    PABX_SECRET: secret,
    ...options.settings,
  };
  const control = createControlPlane(ports.control, join(dir, 'control-plane.log'), settings);
  const others: ControlPlane[] = [];
  await control.start();
  const pabx = await createSwitch({
    root: options.asteriskRoot,
    name: server.name,
    controlUrl: control.url,
    token: server.token,
    ports,
    ownDisk: options.ownDisk ?? false,
  });
  const carrier = await startCarrier(dir, ports.carrier, options.ring_ms ?? 100, {
    media_port: options.carrier_media_port,
  });
  await pabx.start();

  const world: World = {
    dir,
    database,
    redis,
    links,
    access: accessOf(secret, server.id),
    control,
    async another() {
      const [port = 0] = await freePorts(1);
      const other = createControlPlane(port, join(dir, `control-plane-${port}.log`), settings);
      others.push(other);
      return other;
    },
    pabx,
    carrier,
    phones: createPhones(dir, ports.sip),
    server_id: server.id,
    async token(tenant) {
      const token = newToken();
      await addApiKey(database.db, { name: 'test' }, token, tenant);
      return token;
    },
    connected: () =>
      waitUntil(() => hasSwitch(control.url), { timeout_ms: 20_000, what: 'the link to the switch' }),
    provisioned: () =>
      waitUntil(() => knowsEveryLine(database, server.id), {
        timeout_ms: 20_000,
        what: 'the switch to run a configuration with every line',
      }),
    async close() {
      await carrier.stop();
      await pabx.stop();
      for (const one of [control, ...others]) await one.stop();
      links.postgres.close();
      links.redis.close();
      await redis.stop();
      await database.close();
      removeFolder(dir);
    },
  };
  await world.connected();
  return world;
}
