import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, inject, onTestFailed } from 'vitest';
import WebSocket from 'ws';
import { waitUntil } from '../../dev/services/process.ts';
import { addReseller, addSubscriber, type SubscriberOptions } from '../../dev/world/tenants.ts';
import { startWorld, type World, type WorldOptions } from '../../dev/world/world.ts';
import type { LiveChange, LiveMessage } from '../../src/contract/live.ts';
import { connectRedis } from '../../src/stores/redis/connect.ts';

/** Slices so short that a call of a few seconds needs several. */
export const QUICK = { SLICE_SECONDS: '3', LEAD_SECONDS: '1', GRACE_SECONDS: '2' } as const;

/** A whole installation for the tests of one file. `more`: what only then can be told of it. */
export function useWorld(
  settings: Readonly<Record<string, string>> = QUICK,
  more: () => Promise<Partial<WorldOptions>> = async () => ({}),
): () => World {
  let world: World | null = null;
  const get = () => {
    if (!world) throw new Error('the world is not there yet');
    return world;
  };
  beforeAll(async () => {
    const asterisk = inject('asterisk');
    if (asterisk.kind === 'missing') throw new Error(asterisk.message);
    const postgresUrl = inject('postgresUrl');
    world = await startWorld({ postgresUrl, asteriskRoot: asterisk, settings, ...(await more()) });
  });
  beforeEach(() => {
    onTestFailed(() => {
      const log = readFileSync(get().control.logFile, 'utf8');
      process.stderr.write(`--- end of the control plane's log\n${log.slice(-6_000)}\n`);
    });
  });
  afterAll(() => world?.close());
  return get;
}

/** A subscriber of a reseller of its own with one line that the switch knows. */
export async function subscriberWithLine(world: World, options: SubscriberOptions) {
  const { db } = world.database;
  const reseller_id = await addReseller(db);
  const subscriber = await addSubscriber(db, { reseller_id, server_id: world.server_id }, options);
  const line = await subscriber.addLine();
  await world.provisioned();
  return { subscriber, line };
}

/** Waits until so many calls of a subscriber have their record, and gives them, the oldest first. */
export async function recordsOf(world: World, subscriber_id: string, count: number) {
  const read = () =>
    world.database.db
      .selectFrom('calls')
      .selectAll()
      .where('subscriber_id', '=', subscriber_id)
      .orderBy('created_at')
      .execute();
  let records = await read();
  await waitUntil(
    async () => {
      records = await read();
      return records.length >= count;
    },
    { timeout_ms: 20_000, what: `${count} call records` },
  );
  return records;
}

/** Members of every set of slots, by key. Empty sets do not exist in Redis. */
export async function takenSlots(world: World): Promise<Record<string, string[]>> {
  const redis = connectRedis(world.redis.url, () => {});
  try {
    await new Promise((resolve) => redis.once('ready', resolve));
    const keys = await redis.keys('pabx:slots:*');
    const members = await Promise.all(keys.map((key) => redis.zrange(key, 0, '-1')));
    return Object.fromEntries(keys.map((key, index) => [key, members[index] as string[]]));
  } finally {
    redis.disconnect();
  }
}

/** As when somebody empties it by mistake. */
export async function flushRedis(world: World): Promise<void> {
  const redis = connectRedis(world.redis.url, () => {});
  try {
    await new Promise((resolve) => redis.once('ready', resolve));
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}

export const noSlotTaken = (world: World) =>
  waitUntil(async () => Object.keys(await takenSlots(world)).length === 0, {
    timeout_ms: 20_000,
    what: 'every slot to be free again',
  });

/** Sums of a subscriber's ledger accounts, and whether every movement sums to zero per unit. */
export async function ledgerOf(world: World, subscriber_id: string) {
  const { rows } = await world.database.pool.query<{ account: string; sum: bigint }>(
    `select account, sum(amount)::bigint as sum from ledger_entries where account like $1 group by account`,
    [`subscriber:${subscriber_id}:%`],
  );
  const unbalanced = await world.database.pool.query(
    'select movement_id from ledger_entries group by movement_id, unit having sum(amount) <> 0',
  );
  // Minutes are kept per cycle; these tests are of one.
  const short = (account: string) =>
    account.replace(`subscriber:${subscriber_id}:`, '').replace(/:\d{4}-\d\d-\d\d$/, '');
  return {
    sums: Object.fromEntries(rows.map((row) => [short(row.account), row.sum])),
    unbalanced: unbalanced.rowCount,
  };
}

/** A viewer of the live stream that keeps every snapshot and every change. */
export async function watchLive(world: World, token: string) {
  const url = `${world.control.url.replace('http', 'ws')}/api/v1/live`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  const messages: (LiveMessage | LiveChange)[] = [];
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString()) as LiveMessage;
    messages.push(...(message.type === 'changes' ? message.changes : [message]));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  await waitUntil(async () => messages.length > 0, { timeout_ms: 5_000, what: 'the snapshot' });
  return { messages, close: () => socket.close() };
}
