import type { Redis } from 'ioredis';
import type { LimitClaim } from '../../domain/authorize.ts';
import { BUNDLE_SLOTS, type BundleSlot } from '../../domain/call-class.ts';
import type { Grant, Rate } from '../../domain/charge.ts';
import type { Wallet } from '../postgres/wallets.ts';
import { redisRunId } from './connect.ts';
import { loadScripts } from './scripts.ts';

/** How long a slot stays taken without word that its call runs. */
export const LEASE_ms = 60_000;
/** How long an id is remembered as settled, so that a late event cannot bring the call back. */
const TOMBSTONE_ms = 6 * 3_600_000;

const keys = {
  epoch: 'pabx:epoch',
  call: (id: string) => `pabx:call:${id}`,
  done: (id: string) => `pabx:done:${id}`,
  wallet: (payer: string) => `pabx:wallet:${payer}`,
  server: (id: string) => `pabx:calls:${id}`,
  slots: (claim: LimitClaim) => `pabx:slots:${claim.level}:${claim.id}`,
};

export interface AdmitInput {
  readonly call_id: string;
  readonly server_id: string;
  readonly payer: string;
  /** What is needed to take the call over after a restart; opaque here. */
  readonly facts: string;
  readonly cycle_start: string;
  readonly rate: Rate | null;
  readonly slot: BundleSlot | null;
  readonly credit_micros: bigint;
  readonly slice_seconds: number;
  readonly claims: readonly LimitClaim[];
  /** Granted before: a call that runs already is taken over with it, past limits and means. */
  readonly adopt: Grant | null;
}

export type AdmitAnswer =
  | { readonly code: 'ADMITTED'; readonly grant: Grant; readonly more_seconds: number }
  | { readonly code: 'LIMIT'; readonly claim: LimitClaim; readonly holders: readonly string[] }
  | { readonly code: 'NO_CREDIT' | 'WALLET_UNKNOWN' | 'ENDED' | 'NO_EPOCH' };

export interface StoredCall {
  readonly call_id: string;
  readonly facts: string;
  readonly grant: Grant;
  readonly answered_at_ms: number | null;
  readonly ended: boolean;
  /** When its server last showed it, by Redis' clock; null once it ended. */
  readonly seen_at_ms: number | null;
}

export interface LiveCallStore {
  /** Connected to a Redis whose calls are known to be right. */
  ready(): boolean;
  admit(input: AdmitInput): Promise<AdmitAnswer>;
  /** The grant after one more slice, unchanged when nothing is left; null when the call is over. */
  extend(
    call_id: string,
    payer: string,
    credit_micros: bigint,
    slice_seconds: number,
  ): Promise<{ grant: Grant; more_seconds: number } | null>;
  answer(call_id: string, answered_at_ms: number): Promise<void>;
  /** Frees the slots. Once more changes nothing. */
  end(call_id: string, server_id: string): Promise<void>;
  /** Lets go of what the call holds. `wallet`: the payer's as the ledger has it after the charge, if it was charged. */
  settle(call: { call_id: string; server_id: string; payer: string }, wallet: Wallet | null): Promise<void>;
  loadWallet(wallet: Wallet): Promise<void>;
  renew(server_id: string, call_ids: readonly string[], proofOfLife: boolean): Promise<void>;
  /** Calls of a server that are not settled, and those that ended but wait for their settlement. */
  callsOf(server_id: string): Promise<StoredCall[]>;
  ended(): Promise<StoredCall[]>;
  /** True when this Redis has served under this epoch without a break. */
  epochHolds(): Promise<boolean>;
  /** Forgets everything. Admission is refused until the epoch begins. */
  forgetAll(): Promise<void>;
  beginEpoch(): Promise<void>;
}

function exact(amount: bigint): number {
  const number = Number(amount);
  if (!Number.isSafeInteger(number))
    throw new RangeError(`${amount} micro-reais are beyond what scripts count`);
  return number;
}

function walletArgument(wallet: Wallet): string {
  return JSON.stringify({
    version: wallet.version.toString(),
    balance: wallet.balance_micros.toString(),
    cycle: wallet.cycle_start,
    // Every slot, so that one that lost its bundle does not keep its minutes here.
    left: Object.fromEntries(BUNDLE_SLOTS.map((slot) => [slot, wallet.left_seconds[slot] ?? 0])),
  });
}

function admitArgument(input: AdmitInput, epoch: string): string {
  const { rate, adopt } = input;
  return JSON.stringify({
    epoch,
    call_id: input.call_id,
    lease_ms: LEASE_ms,
    facts: input.facts,
    cycle: input.cycle_start,
    slot: input.slot,
    credit: exact(input.credit_micros),
    slice: input.slice_seconds,
    rate: rate && {
      price: exact(rate.price_micros_per_minute),
      initial: rate.cadence.initial_seconds,
      increment: rate.cadence.increment_seconds,
    },
    claims: input.claims.map(({ limit }) => ({ limit })),
    adopt: adopt && { bundle: adopt.bundle_seconds, paid: adopt.paid_seconds },
  });
}

interface RawAnswer {
  code: 'ADMITTED' | 'LIMIT' | 'NO_CREDIT' | 'WALLET_UNKNOWN' | 'ENDED' | 'NO_EPOCH' | 'EXTENDED' | 'GONE';
  bundle: number;
  paid: number;
  more: number;
  claim: number;
  holders: string[] | Record<string, never>;
}

function toAnswer(raw: RawAnswer, claims: readonly LimitClaim[]): AdmitAnswer {
  switch (raw.code) {
    case 'ADMITTED':
      return { code: 'ADMITTED', grant: toGrant(raw), more_seconds: raw.more };
    case 'LIMIT': {
      const claim = claims[raw.claim];
      if (!claim) throw new Error(`admit-call named claim ${raw.claim} of ${claims.length}`);
      // An empty Lua table is encoded as an object.
      return { code: 'LIMIT', claim, holders: Array.isArray(raw.holders) ? raw.holders : [] };
    }
    case 'EXTENDED':
    case 'GONE':
      throw new Error(`admit-call answered ${raw.code}`);
    default:
      return { code: raw.code };
  }
}

function toGrant(raw: { bundle: number; paid: number }): Grant {
  return { bundle_seconds: raw.bundle, paid_seconds: raw.paid };
}

async function readCalls(redis: Redis, ids: readonly string[], seen: ReadonlyMap<string, number>) {
  const calls: StoredCall[] = [];
  for (const call_id of ids) {
    const hash = await redis.hgetall(keys.call(call_id));
    if (hash.facts === undefined) continue;
    calls.push({
      call_id,
      facts: hash.facts,
      grant: toGrant({ bundle: Number(hash.bundle), paid: Number(hash.paid) }),
      answered_at_ms: hash.answered === undefined ? null : Number(hash.answered),
      ended: hash.ended !== undefined,
      seen_at_ms: seen.get(call_id) ?? null,
    });
  }
  return calls;
}

async function scanKeys(redis: Redis, match: string): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  do {
    const [next, batch] = await redis.scan(cursor, 'MATCH', match, 'COUNT', 500);
    found.push(...batch);
    cursor = next;
  } while (cursor !== '0');
  return [...new Set(found)];
}

/**
 * The calls that run now and what they hold, in Redis: leases, reservations and the wallets they draw on.
 * `onEpochLost`: a connected Redis turned out to be empty of them, someone flushed it.
 */
export function createLiveCallStore(redis: Redis, onEpochLost: () => void): LiveCallStore {
  const run = loadScripts(redis);
  let epoch: string | null = null;
  redis.on('close', () => {
    epoch = null;
  });
  const lose = () => {
    if (epoch === null) return;
    epoch = null;
    onEpochLost();
  };

  return {
    ready: () => epoch !== null,
    async admit(input) {
      const claimKeys = input.claims.map(keys.slots);
      const { call_id, payer, server_id } = input;
      const fixed = [
        keys.epoch,
        keys.call(call_id),
        keys.done(call_id),
        keys.wallet(payer),
        keys.server(server_id),
      ];
      if (epoch === null && !input.adopt) return { code: 'NO_EPOCH' };
      const raw = await run('admitCall', [...fixed, ...claimKeys], [admitArgument(input, epoch ?? '')]);
      const answer = toAnswer(JSON.parse(raw as string), input.claims);
      if (answer.code === 'NO_EPOCH') lose();
      return answer;
    },
    async extend(call_id, payer, credit_micros, slice_seconds) {
      const args = [exact(credit_micros), slice_seconds];
      const raw = await run('extendCall', [keys.call(call_id), keys.wallet(payer)], args);
      const answer = JSON.parse(raw as string) as RawAnswer;
      if (answer.code !== 'GONE') return { grant: toGrant(answer), more_seconds: answer.more };
      if ((await redis.get(keys.epoch)) !== epoch) lose();
      return null;
    },
    async answer(call_id, answered_at_ms) {
      await run('answerCall', [keys.call(call_id)], [answered_at_ms]);
    },
    async end(call_id, server_id) {
      await run('endCall', [keys.call(call_id), keys.server(server_id)], [call_id]);
    },
    async settle({ call_id, server_id, payer }, wallet) {
      const callKeys = [keys.call(call_id), keys.done(call_id), keys.wallet(payer), keys.server(server_id)];
      await run('settleCall', callKeys, [wallet ? walletArgument(wallet) : '', TOMBSTONE_ms, call_id]);
    },
    async loadWallet(wallet) {
      await run('loadWallet', [keys.wallet(wallet.subscriber_id)], [walletArgument(wallet)]);
    },
    async renew(server_id, call_ids, proofOfLife) {
      if (call_ids.length === 0) return;
      const args = [LEASE_ms, proofOfLife ? '1' : '0', ...call_ids];
      await run('renewLeases', [keys.server(server_id), ...call_ids.map(keys.call)], args);
    },
    async callsOf(server_id) {
      const members = (await redis.zrange(keys.server(server_id), 0, '-1', 'WITHSCORES')) as string[];
      const seen = new Map<string, number>();
      for (let i = 0; i < members.length; i += 2) seen.set(members[i] as string, Number(members[i + 1]));
      return readCalls(redis, [...seen.keys()], seen);
    },
    async ended() {
      const prefix = keys.call('');
      const ids = (await scanKeys(redis, `${prefix}*`)).map((key) => key.slice(prefix.length));
      return (await readCalls(redis, ids, new Map())).filter((call) => call.ended);
    },
    async epochHolds() {
      const [runId, stored] = [await redisRunId(redis), await redis.get(keys.epoch)];
      if (stored === runId) epoch = runId;
      return stored === runId;
    },
    async forgetAll() {
      epoch = null;
      const all = await scanKeys(redis, 'pabx:*');
      while (all.length > 0) await redis.unlink(all.splice(0, 500));
    },
    async beginEpoch() {
      const runId = await redisRunId(redis);
      await redis.set(keys.epoch, runId);
      epoch = runId;
    },
  };
}
