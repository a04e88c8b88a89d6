import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import type { AsteriskRoot } from '../services/asterisk-root.ts';
import type { Closers } from '../services/closers.ts';
import { makeOwnedFolder, removeFolder } from '../services/folders.ts';
import { type RunningPostgres, startPostgres } from '../services/postgres.ts';
import { startCarrier } from '../world/carrier.ts';
import { prepareTemplate } from '../world/database.ts';
import { type Link, type Passage, startLink } from '../world/link.ts';
import { startWorld, type World } from '../world/world.ts';
import { type Delivery, eventPassage } from './event-stream.ts';
import { addPayers, type Payer } from './payers.ts';
import type { Random } from './random.ts';

/** A whole installation whose every part can be broken, and what is needed to look into it. */
export interface Stage {
  readonly world: World;
  readonly postgres: RunningPostgres;
  /** What the control plane reaches its switch by. */
  readonly links: { readonly ari: Link; readonly ami: Link };
  readonly payers: readonly Payer[];
  /** Our own look into the Redis of the control plane, past its link. */
  readonly redis: Redis;
  /** Where the carrier writes what it sees. */
  readonly carrierLog: string;
  /** How the switch's events reach the control plane; may be changed at any time. */
  readonly events: { delivery: Delivery };
  /** Sets the control plane's wall clock so much ahead of the machine's, or behind it. */
  stepClock(offset_ms: number): void;
  /** Called at the end, whatever happened. */
  onClose(name: string, close: () => Promise<void>): void;
}

/** Short slices, so that a call of some seconds needs several. */
const SETTINGS = { SLICE_SECONDS: '6', LEAD_SECONDS: '2', GRACE_SECONDS: '2' };
const CARRIER_RING_ms = 800;

/** From now on the control plane reaches its switch by links. */
async function linkSwitch(world: World, events: Passage): Promise<Stage['links']> {
  const { database, pabx, server_id } = world;
  const { http, ami: amiPort } = pabx.ports;
  const ari = await startLink(`http://127.0.0.1:${http}`, events);
  const ami = await startLink(`tcp://127.0.0.1:${amiPort}`);
  await database.db
    .updateTable('asterisk_servers')
    .set({ ari_url: ari.url.replace(/\/$/, ''), ami_port: Number(new URL(ami.url).port) })
    .where('id', '=', server_id)
    .execute();
  return { ari, ami };
}

/** A clock that the control plane goes by, in this process's own folder. */
function createClock() {
  const dir = makeOwnedFolder('clock');
  const file = join(dir, 'offset');
  const set = (offset_ms: number) => writeFileSync(file, String(offset_ms));
  set(0);
  const module = new URL('./clock.ts', import.meta.url);
  module.searchParams.set('file', file);
  return { options: `--import=${module.href}`, set, remove: () => removeFolder(dir) };
}

/** Starts everything anew. What was started is closed by `closers`, also when this fails half-way. */
export async function buildStage(
  closers: Closers,
  asteriskRoot: AsteriskRoot,
  random: Random,
): Promise<Stage> {
  // As in production: a crash of the server must not lose what it said to be written.
  const postgres = await startPostgres({ durable: true });
  closers.add('Postgres', () => postgres.stop());
  await prepareTemplate(postgres.url);
  const clock = createClock();
  closers.add('the clock', async () => clock.remove());
  const world = await startWorld({
    postgresUrl: postgres.url,
    asteriskRoot,
    settings: { ...SETTINGS, NODE_OPTIONS: clock.options },
    ownDisk: true,
  });
  closers.add('the installation', () => world.close());
  const events: Stage['events'] = { delivery: 'IN_TIME' };
  const links = await linkSwitch(
    world,
    eventPassage(() => events.delivery, random),
  );
  closers.add('the links to the switch', async () => {
    links.ari.close();
    links.ami.close();
  });
  await world.carrier.stop();
  const carrier = await startCarrier(world.dir, world.carrier.port, CARRIER_RING_ms, { trace: true });
  closers.add('the carrier', () => carrier.stop());
  const redis = connectRedis(world.redis.url, () => {});
  closers.add('our look into Redis', async () => redis.disconnect());
  const stage: Stage = {
    world,
    postgres,
    links,
    redis,
    payers: await addPayers(world),
    carrierLog: carrier.messages,
    events,
    stepClock(offset_ms) {
      clock.set(offset_ms);
      if (world.control.running()) process.kill(world.control.pid(), 'SIGUSR2');
    },
    onClose: closers.add,
  };
  // So that it connects by the links from its first moment on.
  await world.control.stop();
  await world.control.start();
  await world.connected();
  await world.provisioned();
  return stage;
}
