import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

const lua = (name: string) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');

/** Every script with the preludes it is made of. */
const SCRIPTS = {
  admitCall: ['fence', 'grants', 'admit-call'],
  extendCall: ['fence', 'grants', 'extend-call'],
  answerCall: ['fence', 'answer-call'],
  joinLine: ['fence', 'grants', 'join-line'],
  listHolders: ['grants', 'list-holders'],
  endCall: ['fence', 'end-call'],
  settleCall: ['fence', 'grants', 'wallet', 'settle-call'],
  loadWallet: ['wallet', 'load-wallet'],
  holdMoney: ['grants', 'moves', 'hold-money'],
  sweepMoves: ['grants', 'moves', 'sweep-moves'],
  releaseMoney: ['wallet', 'moves', 'release-money'],
  readMeans: ['grants', 'read-means'],
  renewLeases: ['fence', 'grants', 'renew-leases'],
  holdServers: ['run-id', 'hold-servers'],
  releaseServers: ['release-servers'],
  beginRebuild: ['run-id', 'begin-rebuild'],
  showServer: ['fence', 'show-server'],
  openEpoch: ['run-id', 'open-epoch'],
  watchCalls: ['watch-calls'],
  createSession: ['create-session'],
  findSession: ['find-session'],
  endSessions: ['end-sessions'],
  claimTry: ['tries', 'claim-try'],
  endTry: ['tries', 'end-try'],
} as const;

export type ScriptName = keyof typeof SCRIPTS;
export type RunScript = (
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

/** Makes the scripts known to a connection; each runs by its hash, and its text is sent once. */
export function loadScripts(redis: Redis): RunScript {
  const scripts = Object.entries(SCRIPTS).map(([name, parts]) => {
    redis.defineCommand(name, { lua: parts.map(lua).join('\n') });
    return [name, Reflect.get(redis, name) as (...args: unknown[]) => Promise<unknown>] as const;
  });
  const commands = Object.fromEntries(scripts) as Record<
    ScriptName,
    (...args: unknown[]) => Promise<unknown>
  >;
  return (name, keys, args) => commands[name].call(redis, keys.length, ...keys, ...args);
}
