import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Redis } from 'ioredis';
import { loadScripts } from './scripts.ts';

/** What one address may try, over all accounts. */
const ADDRESS_TRIES = 30;
const ADDRESS_WINDOW_ms = 60_000;

export interface SignInTries {
  /**
   * Claims a try: 0 means go on, and then tell how it went. A claim counts as a failure until then (at most 30 s), so
   * that guesses made all at once do not pass all before the first one failed.
   */
  mayTry(account: string, address: string): Promise<{ wait_seconds: number }>;
  failed(account: string, address: string): Promise<void>;
  /** Forgets what failed on this account from this address. */
  succeeded(account: string, address: string): Promise<void>;
  /** Gives the claim back: nothing was decided, a code is still to come or a store is away. */
  released(account: string, address: string): Promise<void>;
}

/** One customer has a whole /64 of IPv6 addresses (RFC 6177): they count as one. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [head = [], tail] = plain.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = tail ? Array<string>(Math.max(8 - head.length - tail.length, 0)).fill('0') : [];
  const groups = [...head, ...zeros, ...(tail ?? [])].slice(0, 4);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}

/** Hashed, so that no name forms the key of another. The separator is in no address. */
function triesKey(of: 'pair' | 'account' | 'address', ...parts: readonly string[]): string {
  return `pabx-web:tries:${of}:${createHash('sha256').update(parts.join('\n')).digest('hex')}`;
}

function keysOf(account: string, address: string) {
  const [name, network] = [account.trim().toLowerCase(), networkOf(address)];
  return {
    pair: triesKey('pair', network, name),
    account: triesKey('account', name),
    address: triesKey('address', network),
  };
}

/**
 * Slows guessing of passwords down, by the clock of Redis; see `scripts/tries.lua` for the delays. Failures are
 * forgotten after an hour without a new one.
 */
export function createSignInTries(redis: Redis): SignInTries {
  const run = loadScripts(redis);
  const end = (outcome: 'FAILED' | 'SUCCEEDED' | 'RELEASED') => async (account: string, address: string) => {
    const keys = keysOf(account, address);
    await run('endTry', [keys.pair, keys.account], [outcome]);
  };
  return {
    async mayTry(account, address) {
      const keys = keysOf(account, address);
      const args = [ADDRESS_TRIES, ADDRESS_WINDOW_ms];
      const wait_ms = await run('claimTry', [keys.pair, keys.account, keys.address], args);
      return { wait_seconds: Math.ceil(Number(wait_ms) / 1_000) };
    },
    failed: end('FAILED'),
    succeeded: end('SUCCEEDED'),
    released: end('RELEASED'),
  };
}
