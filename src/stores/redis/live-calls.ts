import type { Redis } from 'ioredis';
import type { BundleSlot } from '../../domain/call-class.ts';
import type { Grant } from '../../domain/charge.ts';
import type { Holder } from '../../domain/ledger.ts';
import type { LimitClaim, PaceClaim } from '../../domain/limits.ts';
import type { Rate } from '../../domain/rate-table.ts';
import type { ResellerWallet } from '../postgres/reseller-wallets.ts';
import type { Wallet } from '../postgres/wallets.ts';
import {
  admitArgument,
  exact,
  LEASE_ms,
  meansArgument,
  resellerArgument,
  walletArgument,
} from './arguments.ts';
import { redisRunId } from './connect.ts';
import { loadScripts } from './scripts.ts';

/** How long money stays set apart for a move that nobody tells to be over. */
const MOVE_LEASE_ms = 60_000;
/** How long an id is remembered as settled, so that a late event cannot bring the call back. */
const TOMBSTONE_ms = 6 * 3_600_000;

const keys = {
  epoch: 'pabx:epoch',
  call: (id: string) => `pabx:call:${id}`,
  done: (id: string) => `pabx:done:${id}`,
  wallet: (payer: string) => `pabx:wallet:${payer}`,
  reseller: (id: string) => `pabx:wallet:reseller:${id}`,
  moves: 'pabx:moves',
  move: 'pabx:move:',
  server: (id: string) => `pabx:calls:${id}`,
  slots: ({ level, direction, id }: LimitClaim) => `pabx:slots:${level}:${direction}:${id}`,
  pace: ({ level, id }: PaceClaim) => `pabx:pace:${level}:${id}`,
};

export interface AdmitInput {
  readonly call_id: string;
  readonly server_id: string;
  readonly payer: string;
  readonly reseller_id: string;
  /** What is needed to take the call over after a restart; opaque here. */
  readonly facts: string;
  readonly cycle_start: string;
  readonly next_cycle_start: string;
  readonly rate: Rate | null;
  /** What the reseller pays for the same talk; null: nothing. */
  readonly wholesale: Rate | null;
  readonly slot: BundleSlot | null;
  /** How far below zero the payer may go, and its reseller. */
  readonly credit_micros: bigint;
  readonly reseller_credit_micros: bigint;
  /** What a day may cost the payer; null: any amount. */
  readonly daily_cap_micros: bigint | null;
  /** How far the clock by which the payer's days begin is behind UTC. */
  readonly behind_ms: number;
  readonly slice_seconds: number;
  readonly claims: readonly LimitClaim[];
  readonly paces: readonly PaceClaim[];
  /** Granted before: a call that runs already is taken over with it, past limits and means. */
  readonly adopt: Grant | null;
}

export type AdmitAnswer =
  | { readonly code: 'ADMITTED'; readonly grant: Grant; readonly more_seconds: number }
  | { readonly code: 'LIMIT'; readonly claim: LimitClaim; readonly holders: readonly string[] }
  | { readonly code: 'TOO_FAST'; readonly pace: PaceClaim }
  | { readonly code: Exclude<RawAnswer['code'], 'ADMITTED' | 'LIMIT' | 'TOO_FAST' | 'EXTENDED' | 'GONE'> };

export type Means = Pick<
  AdmitInput,
  'credit_micros' | 'reseller_credit_micros' | 'daily_cap_micros' | 'behind_ms' | 'slice_seconds'
>;

export interface ExtendInput extends Means, Pick<AdmitInput, 'call_id' | 'payer' | 'reseller_id'> {
  /** Seconds of talk after which the payer's cycle turns, once that is near; null: it is not. */
  readonly turn_seconds: number | null;
}

export type ExtendAnswer =
  | { readonly code: 'EXTENDED'; readonly grant: Grant; readonly more_seconds: number }
  /** The call is over; or the next cycle is not loaded yet. */
  | { readonly code: 'GONE' | 'WALLET_UNKNOWN' };

/** UNKNOWN: the wallet has to be loaded first. */
export type HoldAnswer = 'HELD' | 'NOT_ENOUGH' | 'UNKNOWN';

export interface MeansInput extends Pick<AdmitInput, 'payer' | 'reseller_id'>, Omit<Means, 'slice_seconds'> {
  readonly minutes: readonly { readonly cycle: string; readonly slot: BundleSlot }[];
}

/** What nobody holds and the day may still cost; `minutes` in the order in which they were asked for. */
export interface MeansAnswer {
  readonly money_micros: bigint;
  readonly reseller_micros: bigint;
  readonly minutes: readonly number[];
}

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
  /** The grant after one more slice, unchanged when nothing is left. */
  extend(input: ExtendInput): Promise<ExtendAnswer>;
  answer(call_id: string, answered_at_ms: number): Promise<void>;
  /** null: the payer's wallet is not loaded. */
  readMeans(input: MeansInput): Promise<MeansAnswer | null>;
  /** Frees the slots. Once more changes nothing. */
  end(call_id: string, server_id: string): Promise<void>;
  /** Lets go of what the call holds. The wallets are as the ledger has them after the charge, if they were charged. */
  settle(
    call: Pick<AdmitInput, 'call_id' | 'server_id' | 'payer' | 'reseller_id'>,
    wallet: Wallet | null,
    reseller: ResellerWallet | null,
  ): Promise<void>;
  loadWallet(wallet: Wallet): Promise<void>;
  loadResellerWallet(wallet: ResellerWallet): Promise<void>;
  /** Sets money apart that is about to be moved away, out of what no running call has reserved. */
  holdMoney(holder: Holder, move_id: string, amount: bigint, credit_micros: bigint): Promise<HoldAnswer>;
  /** The move is over; `wallet`: as it is after it, where it took place. */
  releaseMoney(holder: Holder, move_id: string, wallet: Wallet | ResellerWallet | null): Promise<void>;
  /** Lets go of money whose move nobody told to be over: its process died. */
  sweepMoves(): Promise<void>;
  renew(server_id: string, call_ids: readonly string[], proofOfLife: boolean): Promise<void>;
  /** Calls of a server that are not settled, and those that ended but wait for their settlement. */
  callsOf(server_id: string): Promise<StoredCall[]>;
  ended(): Promise<StoredCall[]>;
  /** Calls of a server that it has not shown for as long as a lease lasts. */
  unseenOf(server_id: string): Promise<StoredCall[]>;
  /** True when this Redis has served under this epoch without a break. */
  epochHolds(): Promise<boolean>;
  /** Forgets everything. Admission is refused until the epoch begins. */
  forgetAll(): Promise<void>;
  beginEpoch(): Promise<void>;
}

interface RawAnswer {
  code:
    | 'ADMITTED'
    | 'LIMIT'
    | 'TOO_FAST'
    | 'NO_CREDIT'
    | 'RESELLER_NO_CREDIT'
    | 'DAILY_CAP'
    | 'WALLET_UNKNOWN'
    | 'RESELLER_UNKNOWN'
    | 'ENDED'
    | 'NO_EPOCH'
    | 'EXTENDED'
    | 'GONE';
  bundle: number;
  paid: number;
  bundle2: number;
  paid2: number;
  /** Left out until the turn of the cycle is near. */
  turn?: number;
  more: number;
  claim: number;
  pace: number;
  holders: string[] | Record<string, never>;
}

/** What the script named by its index. */
function named<T>(all: readonly T[], index: number): T {
  const one = all[index];
  if (one === undefined) throw new Error(`admit-call named ${index} of ${all.length}`);
  return one;
}

function toAnswer(raw: RawAnswer, { claims, paces }: AdmitInput): AdmitAnswer {
  switch (raw.code) {
    case 'ADMITTED':
      return { code: 'ADMITTED', grant: toGrant(raw), more_seconds: raw.more };
    case 'LIMIT': {
      // An empty Lua table is encoded as an object.
      const holders = Array.isArray(raw.holders) ? raw.holders : [];
      return { code: 'LIMIT', claim: named(claims, raw.claim), holders };
    }
    case 'TOO_FAST':
      return { code: 'TOO_FAST', pace: named(paces, raw.pace) };
    case 'EXTENDED':
    case 'GONE':
      throw new Error(`admit-call answered ${raw.code}`);
    default:
      return { code: raw.code };
  }
}

function walletKey(holder: Holder): string {
  return holder.subscriber_id === null
    ? keys.reseller(holder.reseller_id)
    : keys.wallet(holder.subscriber_id);
}

function toGrant(raw: Pick<RawAnswer, 'bundle' | 'paid' | 'bundle2' | 'paid2' | 'turn'>): Grant {
  const grant = { bundle_seconds: raw.bundle, paid_seconds: raw.paid };
  if (raw.turn === undefined) return grant;
  const after_turn = {
    turn_seconds: raw.turn,
    bundle_seconds: raw.bundle2,
    paid_seconds: raw.paid2,
  };
  return { ...grant, after_turn };
}

async function readCalls(redis: Redis, ids: readonly string[], seen: ReadonlyMap<string, number>) {
  const calls: StoredCall[] = [];
  for (const call_id of ids) {
    const hash = await redis.hgetall(keys.call(call_id));
    if (hash.facts === undefined) continue;
    calls.push({
      call_id,
      facts: hash.facts,
      grant: toGrant({
        bundle: Number(hash.bundle),
        paid: Number(hash.paid),
        bundle2: Number(hash.bundle2),
        paid2: Number(hash.paid2),
        ...(hash.turn === undefined ? {} : { turn: Number(hash.turn) }),
      }),
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
      const claimKeys = [...input.claims.map(keys.slots), ...input.paces.map(keys.pace)];
      const { call_id, payer, reseller_id, server_id } = input;
      const fixed = [
        keys.epoch,
        keys.call(call_id),
        keys.done(call_id),
        keys.wallet(payer),
        keys.server(server_id),
        keys.reseller(reseller_id),
      ];
      if (epoch === null && !input.adopt) return { code: 'NO_EPOCH' };
      const raw = await run('admitCall', [...fixed, ...claimKeys], [admitArgument(input, epoch ?? '')]);
      const answer = toAnswer(JSON.parse(raw as string), input);
      if (answer.code === 'NO_EPOCH') lose();
      return answer;
    },
    async extend(input) {
      const { call_id, payer, reseller_id } = input;
      const argument = JSON.stringify({ ...meansArgument(input), turn: input.turn_seconds });
      const callKeys = [keys.call(call_id), keys.wallet(payer), keys.reseller(reseller_id)];
      const answer = JSON.parse((await run('extendCall', callKeys, [argument])) as string) as RawAnswer;
      if (answer.code === 'EXTENDED')
        return { code: 'EXTENDED', grant: toGrant(answer), more_seconds: answer.more };
      if (answer.code === 'WALLET_UNKNOWN') return { code: 'WALLET_UNKNOWN' };
      if ((await redis.get(keys.epoch)) !== epoch) lose();
      return { code: 'GONE' };
    },
    async answer(call_id, answered_at_ms) {
      await run('answerCall', [keys.call(call_id)], [answered_at_ms]);
    },
    async readMeans({ payer, reseller_id, minutes, ...means }) {
      const wallets = [keys.wallet(payer), keys.reseller(reseller_id)];
      const argument = { ...meansArgument({ ...means, slice_seconds: 0 }), minutes };
      const read = await run('readMeans', wallets, [JSON.stringify(argument)]);
      if (read === null) return null;
      const raw = JSON.parse(read as string) as { money: string; reseller: string; minutes: unknown };
      return {
        money_micros: BigInt(raw.money),
        reseller_micros: BigInt(raw.reseller),
        // An empty Lua table is encoded as an object.
        minutes: Array.isArray(raw.minutes) ? raw.minutes : [],
      };
    },
    async end(call_id, server_id) {
      await run('endCall', [keys.call(call_id), keys.server(server_id)], [call_id]);
    },
    async settle({ call_id, server_id, payer, reseller_id }, wallet, reseller) {
      const callKeys = [keys.call(call_id), keys.done(call_id), keys.wallet(payer), keys.server(server_id)];
      const told = [wallet ? walletArgument(wallet) : '', reseller ? resellerArgument(reseller) : ''];
      await run('settleCall', [...callKeys, keys.reseller(reseller_id)], [...told, TOMBSTONE_ms, call_id]);
    },
    async loadWallet(wallet) {
      await run('loadWallet', [keys.wallet(wallet.subscriber_id)], [walletArgument(wallet)]);
    },
    async loadResellerWallet(wallet) {
      await run('loadWallet', [keys.reseller(wallet.reseller_id)], [resellerArgument(wallet)]);
    },
    async holdMoney(holder, move_id, amount, credit_micros) {
      const args = [move_id, String(amount), exact(credit_micros), MOVE_LEASE_ms, keys.move];
      return (await run('holdMoney', [walletKey(holder), keys.moves], args)) as HoldAnswer;
    },
    async releaseMoney(holder, move_id, wallet) {
      const told = wallet && ('left_seconds' in wallet ? walletArgument(wallet) : resellerArgument(wallet));
      await run('releaseMoney', [walletKey(holder), keys.moves], [move_id, keys.move, told ?? '']);
    },
    async sweepMoves() {
      await run('sweepMoves', [keys.moves], [keys.move]);
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
    async unseenOf(server_id) {
      const [seconds] = await redis.time();
      const before_ms = Number(seconds) * 1000 - LEASE_ms;
      const ids = await redis.zrangebyscore(keys.server(server_id), '-inf', before_ms);
      return readCalls(redis, ids, new Map());
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
