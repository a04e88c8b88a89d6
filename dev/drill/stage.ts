import type { Redis } from 'ioredis';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import type { AsteriskRoot } from '../services/asterisk-root.ts';
import type { Closers } from '../services/closers.ts';
import { type RunningPostgres, startPostgres } from '../services/postgres.ts';
import { startCarrier } from '../world/carrier.ts';
import { prepareTemplate } from '../world/database.ts';
import { type Link, startLink } from '../world/link.ts';
import { startWorld, type World } from '../world/world.ts';
import { addPayers, type Payer } from './payers.ts';

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
}

/** Short slices, so that a call of some seconds needs several. */
const SETTINGS = { SLICE_SECONDS: '6', LEAD_SECONDS: '2', GRACE_SECONDS: '2' };
const CARRIER_RING_ms = 800;

/** From now on the control plane reaches its switch by links. */
async function linkSwitch({ database: { db }, pabx, server_id }: World): Promise<Stage['links']> {
  const { http, ami: amiPort } = pabx.ports;
  const ari = await startLink(`http://127.0.0.1:${http}`);
  const ami = await startLink(`tcp://127.0.0.1:${amiPort}`);
  await db
    .updateTable('asterisk_servers')
    .set({ ari_url: ari.url.replace(/\/$/, ''), ami_port: Number(new URL(ami.url).port) })
    .where('id', '=', server_id)
    .execute();
  return { ari, ami };
}

/** Starts everything anew. What was started is closed by `closers`, also when this fails half-way. */
export async function buildStage(closers: Closers, asteriskRoot: AsteriskRoot): Promise<Stage> {
  // As in production: a crash of the server must not lose what it said to be written.
  const postgres = await startPostgres({ durable: true });
  closers.add('Postgres', () => postgres.stop());
  await prepareTemplate(postgres.url);
  const world = await startWorld({ postgresUrl: postgres.url, asteriskRoot, settings: SETTINGS });
  closers.add('the installation', () => world.close());
  const links = await linkSwitch(world);
  closers.add('the links to the switch', async () => {
    links.ari.close();
    links.ami.close();
  });
  await world.carrier.stop();
  const carrier = await startCarrier(world.dir, world.carrier.port, CARRIER_RING_ms, true);
  closers.add('the carrier', () => carrier.stop());
  const payers = await addPayers(world);
  // So that it connects by the links from its first moment on.
  await world.control.stop();
  await world.control.start();
  await world.connected();
  await world.provisioned();
  const redis = connectRedis(world.redis.url, () => {});
  closers.add('our look into Redis', async () => redis.disconnect());
  return { world, postgres, links, payers, redis, carrierLog: carrier.messages };
}
