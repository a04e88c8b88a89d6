import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { createLiveCallStore, type LiveCallStore } from '../../src/stores/redis/live-calls.ts';
import type { AsteriskRoot } from '../services/asterisk-root.ts';
import { type RunningPostgres, startPostgres } from '../services/postgres.ts';
import { waitUntil } from '../services/process.ts';
import { prepareTemplate } from '../world/database.ts';
import type { PhoneAccount } from '../world/phone.ts';
import { addReseller, addSubscriber } from '../world/tenants.ts';
import { startWorld, type World } from '../world/world.ts';
import { RING_ms } from './options.ts';

/** PLAIN: `Dial()` alone, and no control plane runs. CONTROLLED: admitted, metered and settled by it. */
export type Way = 'PLAIN' | 'CONTROLLED';
export const WAYS: readonly Way[] = ['PLAIN', 'CONTROLLED'];

/** One installation whose Asterisk can also be called past the control plane. */
export interface Installation {
  readonly world: World;
  readonly postgres: RunningPostgres;
  readonly store: LiveCallStore;
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

function plainAccounts(count: number): PhoneAccount[] {
  return Array.from({ length: count }, (_, index) => ({
    username: `benchplain${index}`,
    password: randomBytes(12).toString('hex'),
  }));
}

/** From the same templates as the product's lines: only the context differs. */
function plainEndpoint({ username, password }: PhoneAccount): string[] {
  const ha1 = createHash('md5').update(`${username}:pabx:${password}`).digest('hex');
  return [
    `[${username}](pabx-line)`,
    'context=bench-plain',
    `auth=${username}`,
    `aors=${username}`,
    'callerid="Ramal" <201>',
    `[${username}](pabx-line-auth)`,
    `username=${username}`,
    `password_digest=MD5:${ha1}`,
    `[${username}](pabx-line-aor)`,
  ];
}

const PLAIN_DIALPLAN = ['[bench-plain]', `exten => _X.,1,Dial(PJSIP/\${EXTEN}@carrier,60)`];

/** Puts the plain way beside the product's own, into the files that belong to the server and not to it. */
async function addPlainWay({ pabx }: World, accounts: readonly PhoneAccount[]): Promise<void> {
  const etc = pabx.instance.outside;
  appendFileSync(join(etc, 'extensions.conf'), `\n${PLAIN_DIALPLAN.join('\n')}\n`);
  appendFileSync(join(etc, 'pjsip.conf'), `\n${accounts.flatMap(plainEndpoint).join('\n')}\n`);
  // Wide enough that looking for a free port costs nothing in either way.
  writeFileSync(join(etc, 'rtp.conf'), '[general]\nrtpstart=10000\nrtpend=19998\n');
  const asterisk = pabx.asterisk();
  for (const module of ['pbx_config', 'res_rtp_asterisk', 'res_pjsip']) {
    await waitUntil(
      async () => /reloaded successfully/.test(await asterisk.rx(`module reload ${module}.so`)),
      { timeout_ms: 20_000, what: `the reload of ${module}` },
    );
  }
  const last = accounts.at(-1)?.username ?? '';
  await waitUntil(
    async () => (await asterisk.rx(`pjsip show endpoint ${last}`)).includes(`Endpoint:  ${last}`),
    { timeout_ms: 20_000, what: 'the endpoints of the plain way' },
  );
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
    const plain = plainAccounts(lines.length);
    await world.provisioned();
    await addPlainWay(world, plain);
    return { world, postgres, store, accounts: { PLAIN: plain, CONTROLLED: lines }, close };
  } catch (error) {
    await close();
    throw error;
  }
}
