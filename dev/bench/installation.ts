import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { createLiveCallStore, type LiveCallStore } from '../../src/stores/redis/live-calls.ts';
import type { AsteriskRoot } from '../services/asterisk-root.ts';
import { freePorts } from '../services/ports.ts';
import { type RunningPostgres, startPostgres } from '../services/postgres.ts';
import { type ProcessHandle, startProcess, waitUntil } from '../services/process.ts';
import { prepareTemplate } from '../world/database.ts';
import type { PhoneAccount } from '../world/phone.ts';
import { addReseller, addSubscriber } from '../world/tenants.ts';
import { startWorld, type World } from '../world/world.ts';
import { RING_ms } from './options.ts';
import { contextOf, type DecisionPorts, dialplanOf, MODULES, type PlainWay, WAYS, type Way } from './ways.ts';

/** One installation whose Asterisk can also be called past the control plane. */
export interface Installation {
  readonly world: World;
  readonly postgres: RunningPostgres;
  readonly store: LiveCallStore;
  /** Asked by FASTAGI and CURL. */
  readonly decider: ProcessHandle;
  readonly accounts: Readonly<Record<Way, readonly PhoneAccount[]>>;
  close(): Promise<void>;
}

const LINES_PER_SUBSCRIBER = 10;
const PLENTY_OF_CALLS = 1_000;
const PLENTY_micros = 100_000_000_000n;
/** In every second begun a second is billed, so that a wrong duration shows in the bill. */
const RATE = { price_micros_per_minute: 100_000n, cadence: [1, 1, 0] } as const;

/** Half of the calls are paid by credit and half by bundle minutes. */
async function addLines({ database: { db }, server_id }: World): Promise<PhoneAccount[]> {
  const at = { reseller_id: await addReseller(db), server_id };
  const common = { rate: RATE, max_concurrent_calls: PLENTY_OF_CALLS };
  const postpaid = await addSubscriber(db, at, {
    ...common,
    billing_mode: 'POSTPAID',
    credit_limit_micros: PLENTY_micros,
  });
  const bundle = await addSubscriber(db, at, {
    ...common,
    billing_mode: 'BUNDLE',
    bundles: { MOBILE_LOCAL: 100_000_000 },
  });
  const lines: PhoneAccount[] = [];
  for (let line = 0; line < LINES_PER_SUBSCRIBER; line++) {
    for (const subscriber of [postpaid, bundle]) {
      lines.push(await subscriber.addLine({ max_concurrent_calls: PLENTY_OF_CALLS }));
    }
  }
  return lines;
}

function plainAccounts(way: PlainWay, count: number): PhoneAccount[] {
  return Array.from({ length: count }, (_, index) => ({
    username: `${contextOf(way).replaceAll('-', '')}${index}`,
    password: randomBytes(12).toString('hex'),
  }));
}

/** From the same templates as the product's lines: only the context differs. */
function plainEndpoint(way: PlainWay, { username, password }: PhoneAccount): string[] {
  const ha1 = createHash('md5').update(`${username}:pabx:${password}`).digest('hex');
  return [
    `[${username}](pabx-line)`,
    `context=${contextOf(way)}`,
    `auth=${username}`,
    `aors=${username}`,
    'callerid="Ramal" <201>',
    `[${username}](pabx-line-auth)`,
    `username=${username}`,
    `password_digest=MD5:${ha1}`,
    `[${username}](pabx-line-aor)`,
  ];
}

type PlainAccounts = Readonly<Record<PlainWay, readonly PhoneAccount[]>>;

/** Puts the plain ways beside the product's own, into the files that belong to the server and not to it. */
async function addPlainWays({ pabx }: World, accounts: PlainAccounts, ports: DecisionPorts): Promise<void> {
  const etc = pabx.instance.outside;
  const ways = WAYS.filter((way) => way !== 'CONTROLLED');
  const dialplan = ways.flatMap((way) => dialplanOf(way, ports));
  const endpoints = ways.flatMap((way) => accounts[way].flatMap((account) => plainEndpoint(way, account)));
  appendFileSync(join(etc, 'extensions.conf'), `\n${dialplan.join('\n')}\n`);
  appendFileSync(join(etc, 'pjsip.conf'), `\n${endpoints.join('\n')}\n`);
  // Wide enough that looking for a free port costs nothing in either way.
  writeFileSync(join(etc, 'rtp.conf'), '[general]\nrtpstart=10000\nrtpend=19998\n');
  const asterisk = pabx.asterisk();
  for (const module of ways.flatMap((way) => MODULES[way])) await asterisk.rx(`module load ${module}.so`);
  for (const module of ['pbx_config', 'res_rtp_asterisk', 'res_pjsip']) {
    await waitUntil(
      async () => /reloaded successfully/.test(await asterisk.rx(`module reload ${module}.so`)),
      { timeout_ms: 20_000, what: `the reload of ${module}` },
    );
  }
  const last = accounts.CURL.at(-1)?.username ?? '';
  await waitUntil(
    async () => (await asterisk.rx(`pjsip show endpoint ${last}`)).includes(`Endpoint:  ${last}`),
    { timeout_ms: 20_000, what: 'the endpoints of the plain ways' },
  );
}

/** The small service that FASTAGI and CURL ask. */
async function startDecider(world: World, ports: DecisionPorts): Promise<ProcessHandle> {
  const logFile = join(world.dir, 'decision-server.log');
  const decider = startProcess({
    name: 'decision server',
    command: process.execPath,
    args: [
      fileURLToPath(new URL('decision-server.ts', import.meta.url)),
      String(ports.agi),
      String(ports.http),
      world.redis.url,
    ],
    logFile,
  });
  await waitUntil(() => existsSync(logFile) && readFileSync(logFile, 'utf8').includes('ready'), {
    timeout_ms: 20_000,
    what: 'the decision server',
  });
  return decider;
}

async function connectStore(url: string): Promise<{ redis: Redis; store: LiveCallStore }> {
  const redis = connectRedis(url, () => {});
  await once(redis, 'ready');
  return { redis, store: createLiveCallStore(redis, () => {}) };
}

/** Starts everything anew, so that no figure depends on what was there before. */
export async function startInstallation(
  asteriskRoot: AsteriskRoot,
  profiles: string | null,
): Promise<Installation> {
  const postgres = await startPostgres({ durable: true });
  const closing: (() => unknown)[] = [() => postgres.stop()];
  const close = async () => {
    for (const step of closing.reverse()) await step();
  };
  try {
    await prepareTemplate(postgres.url);
    const settings = profiles === null ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` };
    const world = await startWorld({
      postgresUrl: postgres.url,
      asteriskRoot,
      ring_ms: RING_ms,
      direct: true,
      settings,
    });
    closing.push(() => world.close());
    const { redis, store } = await connectStore(world.redis.url);
    closing.push(() => redis.disconnect());
    const lines = await addLines(world);
    const accounts = Object.fromEntries(
      WAYS.map((way) => [way, way === 'CONTROLLED' ? lines : plainAccounts(way, lines.length)]),
    ) as Record<Way, PhoneAccount[]>;
    const [agi = 0, http = 0] = await freePorts(2);
    const decider = await startDecider(world, { agi, http });
    closing.push(() => decider.stop());
    await world.provisioned();
    await addPlainWays(world, accounts, { agi, http });
    return { world, postgres, store, decider, accounts, close };
  } catch (error) {
    await close();
    throw error;
  }
}
