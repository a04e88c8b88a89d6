import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { waitUntil } from '../../dev/services/process.ts';
import type { PlacedCall } from '../../dev/world/phone.ts';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { ledgerOf, noSlotTaken, recordsOf, subscriberWithLine, useWorld } from './use-world.ts';

const world = useWorld();

const RICH = {
  billing_mode: 'PREPAID',
  balance_micros: 1_000n,
  rate: { price_micros_per_minute: 60n, cadence: [1, 1, 0] },
} as const;

const answered = (call: PlacedCall) =>
  waitUntil(async () => call.outcome().status === 200, { timeout_ms: 10_000, what: 'the answer' });

async function expectOneRecord(subscriber_id: string, billed_seconds: number) {
  const records = await recordsOf(world(), subscriber_id, 1);
  expect(records).toHaveLength(1);
  expect(records[0]).toMatchObject({ billed_seconds, total_micros: BigInt(billed_seconds) });
  const left = 1_000n - BigInt(billed_seconds);
  expect(await ledgerOf(world(), subscriber_id)).toEqual({ sums: { money: left }, unbalanced: 0 });
  await noSlotTaken(world());
}

const logged = (message: string) =>
  waitUntil(
    async () =>
      world()
        .control.log()
        .some((line) => line.msg === message),
    {
      timeout_ms: 10_000,
      what: `the log to say: ${message}`,
    },
  );

describe('in the middle of a call', () => {
  test('Redis killed and restarted with its file: rebuilt, the call goes on and is settled once', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const call = await world().phones.call(line, '11987654321', 8_500);
    await answered(call);
    await world().redis.kill();
    await world().redis.restart();
    await world().connected();
    expect(await call.done).toMatchObject({ hungUpBy: 'PHONE' });
    await expectOneRecord(subscriber.id, 9);
  });

  test('Redis emptied under way: noticed, rebuilt, the call goes on', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const call = await world().phones.call(line, '11987654321', 8_500);
    await answered(call);
    const redis = connectRedis(world().redis.url, () => {});
    await new Promise((resolve) => redis.once('ready', resolve));
    await redis.flushall();
    redis.disconnect();
    expect(await call.done).toMatchObject({ hungUpBy: 'PHONE' });
    await expectOneRecord(subscriber.id, 9);
  });

  test('Postgres away when calls end: admission goes on, records wait and are written once', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    // Known from a call before, so that no decision needs Postgres.
    expect(await (await world().phones.call(line, '11987654321', 500)).done).toMatchObject({ status: 200 });
    await recordsOf(world(), subscriber.id, 1);
    const during = await world().phones.call(line, '11987654321', 2_500);
    await answered(during);
    world().links.postgres.cut();
    await during.done;
    expect(await (await world().phones.call(line, '1133334444', 1_500)).done).toMatchObject({ status: 200 });
    await logged('ledger is away; ended calls wait');
    const health = await fetch(`${world().control.url}/health/ready`);
    expect(health.status).toBe(503);
    world().links.postgres.restore();
    const records = await recordsOf(world(), subscriber.id, 3);
    expect(records.map((record) => record.billed_seconds)).toEqual([1, 3, 2]);
    expect(await ledgerOf(world(), subscriber.id)).toEqual({ sums: { money: 994n }, unbalanced: 0 });
    await noSlotTaken(world());
  });

  test('the ARI socket is taken away: reconnected, the call is metered on', async () => {
    const { subscriber, line } = await subscriberWithLine(world(), RICH);
    const call = await world().phones.call(line, '11987654321', 7_500);
    await answered(call);
    // A second connection under the same name replaces the first one.
    const { user, ari_password } = world().access;
    const url = `ws://127.0.0.1:${world().pabx.ports.http}/ari/events?app=pabx`;
    const authorization = `Basic ${Buffer.from(`${user}:${ari_password}`).toString('base64')}`;
    const thief = new WebSocket(url, { headers: { authorization } });
    const complaint = () =>
      world()
        .control.log()
        .find(
          (entry) => entry.msg === 'switch not reachable' && String(entry.reason).includes('another client'),
        );
    await waitUntil(async () => complaint() !== undefined, {
      timeout_ms: 15_000,
      what: 'the loss to be noticed',
    });
    expect(await call.done).toMatchObject({ hungUpBy: 'PHONE' });
    thief.terminate();
    await expectOneRecord(subscriber.id, 8);
  });
});

test('no secret of the links is in the log', () => {
  const text = readFileSync(world().control.logFile, 'utf8');
  for (const url of [world().database.url, world().redis.url])
    expect(text).not.toContain(new URL(url).password);
  expect(text).not.toContain(world().access.ami_password);
});

describe('at the start', () => {
  test('Postgres and Redis away: it says so, waits without a crash, and begins when they come', async () => {
    const { line } = await subscriberWithLine(world(), RICH);
    await world().control.stop();
    world().links.postgres.cut();
    world().links.redis.cut();
    world().control.launch();
    await logged('Postgres is away; waiting for it');
    expect(world().control.running()).toBe(true);
    world().links.postgres.restore();
    await waitUntil(
      async () => (await fetch(`${world().control.url}/health/live`).catch(() => null))?.ok === true,
      {
        timeout_ms: 10_000,
        what: 'the API',
      },
    );
    const health = await fetch(`${world().control.url}/health/ready`);
    expect(await health.json()).toMatchObject({ status: 'degraded', postgres: 'ok' });
    expect(await (await world().phones.call(line, '11987654321')).done).toMatchObject({ status: 500 });
    world().links.redis.restore();
    await world().connected();
    expect(await (await world().phones.call(line, '11987654321', 300)).done).toMatchObject({ status: 200 });
  });
});
