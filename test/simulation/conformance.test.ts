import './substitutes.ts';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type RunningRedis, startRedis } from '../../dev/services/redis.ts';
import { createDatabase, type Database } from '../../dev/world/database.ts';
import { proveLedger } from '../../src/stores/postgres/prove-ledger.ts';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { historyOf } from './history.ts';
import { askRedis, realLedger, settleIn } from './real-stores.ts';
import { runHistory } from './run.ts';
import type { Asked } from './tape.ts';

/*
 * What histories run on in memory must answer as the real Redis and the real Postgres do: they are asked the same, in the
 * same order, and every answer is compared.
 */

const HISTORIES = 40;
const seed = randomInt(2 ** 31);
const ignore = () => {};

let database: Database;
let server: RunningRedis;
let redis: Redis;

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  server = await startRedis();
  redis = connectRedis(server.url, ignore);
  await once(redis, 'ready');
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await database.close();
});

async function recorded(of: number) {
  const tape: Asked[] = [];
  const { world, failure } = await runHistory(historyOf(of), undefined, (asked) => tape.push(asked));
  if (failure) throw failure;
  return { tape, world };
}

/** JSON that a script made has no order of its own, nor have the fields of a hash and the names of keys. */
function plain(reply: unknown, name = ''): unknown {
  if (typeof reply === 'string' && reply.startsWith('{')) return JSON.parse(reply);
  if (name === 'HGETALL')
    return Object.entries(fieldsOf(reply))
      .toSorted()
      .map((one) => plain(one));
  if (!Array.isArray(reply)) return reply;
  if (name === 'SCAN') return reply[1].filter((key: string) => !key.startsWith('pabx:pace:')).toSorted();
  return reply.map((one) => plain(one));
}

function fieldsOf(reply: unknown): object {
  if (!Array.isArray(reply)) return reply as object;
  return Object.fromEntries(reply.flatMap((one, index) => (index % 2 ? [] : [[one, reply[index + 1]]])));
}

test(`Redis answers ${HISTORIES} histories from seed ${seed} as its double does`, async () => {
  for (let next = seed; next < seed + HISTORIES; next += 1) {
    await redis.flushdb();
    for (const asked of (await recorded(next)).tape) {
      if (asked.store === 'LEDGER' || (asked.store === 'COMMAND' && /INFO|TIME/.test(asked.name))) continue;
      const reply = await askRedis(redis, asked);
      if (asked.store === 'FLUSH') continue;
      const name = asked.store === 'COMMAND' ? asked.name : '';
      expect(plain(reply, name), `seed ${next}: ${JSON.stringify(asked)}`).toEqual(plain(asked.reply, name));
    }
  }
}, 300_000);

test(`Postgres answers ${HISTORIES} histories from seed ${seed} as its double does`, async () => {
  const ledger = realLedger(database.db);
  for (let next = seed; next < seed + HISTORIES; next += 1) {
    const { tape, world } = await recorded(next);
    await settleIn(database.db, world.house);
    for (const asked of tape) {
      if (asked.store !== 'LEDGER') continue;
      const ask = ledger[asked.name] as (...given: readonly unknown[]) => Promise<unknown>;
      expect(await ask(...asked.given), `seed ${next}: ${asked.name}`).toEqual(asked.reply);
    }
  }
  expect(await proveLedger(database.db)).toEqual([]);
}, 300_000);
