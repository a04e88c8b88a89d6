import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type RunningRedis, startRedis } from '../../../dev/services/redis.ts';
import type { BundleSlot } from '../../../src/domain/call-class.ts';
import type { LimitClaim } from '../../../src/domain/limits.ts';
import type { Rate } from '../../../src/domain/rate-table.ts';
import type { Wallet } from '../../../src/stores/postgres/wallets.ts';
import { connectRedis } from '../../../src/stores/redis/connect.ts';
import {
  type AdmitAnswer,
  type AdmitInput,
  createLiveCallStore,
  type LiveCallStore,
} from '../../../src/stores/redis/live-calls.ts';
import { createOwnership } from '../../../src/stores/redis/ownership.ts';
import { type AnyServer, ownAnyServer } from './any-server.ts';

export interface StoreLink {
  readonly redis: Redis;
  readonly store: LiveCallStore;
  readonly ownership: AnyServer;
  /** How often the store told that its epoch is lost. */
  lost(): number;
}

export interface StoreBench extends StoreLink {
  readonly server: RunningRedis;
  /** One more connection to the same server, as another process has it. */
  connect(): Promise<StoreLink>;
}

/** A Redis of its own for one file, empty and under an epoch before each test. */
export function useStore(): () => StoreBench {
  let bench: StoreBench | null = null;
  const links: Redis[] = [];
  beforeAll(async () => {
    const server = await startRedis();
    const connect = async () => {
      const redis = connectRedis(server.url, () => {});
      links.push(redis);
      await once(redis, 'ready');
      let losses = 0;
      const count = () => {
        losses += 1;
      };
      const ownership = ownAnyServer(createOwnership(redis, count));
      return { redis, store: createLiveCallStore(redis, ownership), ownership, lost: () => losses };
    };
    bench = { server, connect, ...(await connect()) };
  });
  beforeEach(async () => {
    await bench?.redis.flushall();
    await bench?.ownership.begin();
  });
  afterAll(async () => {
    for (const link of links) link.disconnect();
    await bench?.server.stop();
  });
  return () => {
    if (!bench) throw new Error('Redis is not there yet');
    return bench;
  };
}

export function rateOf(price: bigint, initial = 30, increment = 6, threshold = 3): Rate {
  const cadence = {
    initial_seconds: initial,
    increment_seconds: increment,
    free_threshold_seconds: threshold,
  };
  return { price_micros_per_minute: price, cadence };
}

/** R$ 0,10 a minute at 30/6/3. */
export const STANDARD = rateOf(100_000n);
export const CYCLE = '2026-11-01';
export const NEXT_CYCLE = '2026-12-01';
export const SERVER = 'server-1';

let serial = 0;
export const newId = (what: string) => `${what}-${++serial}`;

type Left = Partial<Record<BundleSlot, number>>;

/** A wallet in the cycle of these tests; `next_left` opens the one after it too. */
export function walletOf(
  payer: string,
  balance: bigint,
  more: Partial<Omit<Wallet, 'left_seconds'>> & { left_seconds?: Left; next_left?: Left } = {},
): Wallet {
  const { left_seconds = {}, next_left, ...others } = more;
  return {
    subscriber_id: payer,
    version: 1n,
    balance_micros: balance,
    cycle_start: next_left ? NEXT_CYCLE : CYCLE,
    spend_day: '2000-01-01',
    spent_micros: 0n,
    left_seconds: { [CYCLE]: left_seconds, ...(next_left ? { [NEXT_CYCLE]: next_left } : {}) },
    ...others,
  };
}

/** A free call without limits, unless told otherwise. */
export function callOf(more: Partial<AdmitInput> = {}): AdmitInput {
  return {
    call_id: newId('call'),
    server_id: SERVER,
    payer: 'payer',
    reseller_id: 'reseller',
    facts: '{}',
    cycle_start: CYCLE,
    next_cycle_start: NEXT_CYCLE,
    rate: null,
    wholesale: null,
    slot: null,
    credit_micros: 0n,
    reseller_credit_micros: 0n,
    daily_cap_micros: null,
    behind_ms: 0,
    slice_seconds: 60,
    claims: [],
    paces: [],
    adopt: null,
    ...more,
  };
}

export const claim = (
  level: LimitClaim['level'],
  id: string,
  limit: number,
  more: Partial<LimitClaim> = {},
): LimitClaim => ({ level, direction: 'TOTAL', id, limit, reserved: 0, ...more });

export const slotsKey = ({ level, direction, id }: LimitClaim) => `pabx:slots:${level}:${direction}:${id}`;

/** One more slice as the call itself says; `turn_seconds` once the turn of its cycle is near. */
export async function extend(
  store: LiveCallStore,
  call: AdmitInput,
  more: { credit_micros?: bigint; slice_seconds?: number; turn_seconds?: number } = {},
) {
  const answer = await store.extend({ turn_seconds: null, ...call, ...more });
  return answer.code === 'EXTENDED' ? answer : null;
}

/** Who holds the slots of a claim. */
export async function holders(redis: Redis, of: LimitClaim): Promise<string[]> {
  return (await redis.zrange(slotsKey(of), 0, '-1')) as string[];
}

/** What calls hold of a wallet, by field, without what is 0. */
export async function heldOf(redis: Redis, payer: string): Promise<Record<string, number>> {
  const fields = Object.entries(await redis.hgetall(`pabx:wallet:${payer}`));
  return Object.fromEntries(
    fields
      .filter(([name, value]) => name.startsWith('held') && value !== '0')
      .map(([name, value]) => [name.replace(`:${CYCLE}:`, ':'), Number(value)]),
  );
}

/** Every key of a call or a slot that is still there; tombstones, wallets, owners and the epoch may be. */
export async function leftovers(redis: Redis): Promise<string[]> {
  const keys = await redis.keys('*');
  return keys.filter((key) => key !== 'pabx:epoch' && !/^pabx:(done|wallet|owner):/.test(key)).sort();
}

export function granted(answer: AdmitAnswer): [bundle: number, paid: number] {
  if (answer.code !== 'ADMITTED') throw new Error(`not admitted: ${answer.code}`);
  return [answer.grant.bundle_seconds, answer.grant.paid_seconds];
}
