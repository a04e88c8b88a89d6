import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ensureDebianPackages } from './apt.ts';
import { findProgram } from './command.ts';
import { makeOwnedFolder, removeFolder } from './folders.ts';
import { freePort } from './ports.ts';
import { type ProcessHandle, startProcess, waitUntilReady } from './process.ts';

export interface RedisOptions {
  /** Kept between starts. Default: a temporary folder, removed by `stop`. */
  dir?: string;
  /** Use this server and start none. */
  existingUrl?: string;
}

export interface RunningRedis {
  /** Stays the same over `restart`. */
  readonly url: string;
  /** null for a server that was not started here, or that does not run. */
  pid(): number | null;
  /** Ends it in order and removes a temporary folder. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would; the data stays for `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, after `kill` or in order. */
  restart(): Promise<void>;
}

/** Starts a Redis that keeps an append-only file: given → on the PATH → Debian's package. */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  if (options.existingUrl !== undefined) return foreignRedis(options.existingUrl);
  const command = await ensureRedis();
  const dir = options.dir ?? makeOwnedFolder('redis');
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const password = randomBytes(16).toString('hex');
  // A file, because everybody on the machine can read a command line.
  writeFileSync(join(dir, 'redis.conf'), configuration(dir, port, password), { mode: 0o600 });
  const url = `redis://default:${password}@127.0.0.1:${port}`;
  const start = () => startServer(command, dir, url);
  return supervise(url, start, await start(), options.dir === undefined ? dir : null);
}

function supervise(
  url: string,
  start: () => Promise<ProcessHandle>,
  first: ProcessHandle,
  temporaryDir: string | null,
): RunningRedis {
  let server = first;
  return {
    url,
    pid: () => (server.running() ? server.pid : null),
    stop: async () => {
      await server.stop();
      if (temporaryDir !== null) removeFolder(temporaryDir);
    },
    kill: async () => {
      server.kill('SIGKILL');
      await server.exited;
    },
    restart: async () => {
      await server.stop();
      server = await start();
    },
  };
}

async function ensureRedis(): Promise<string> {
  const found = await findProgram('redis-server');
  if (found !== null) return found;
  await ensureDebianPackages(['redis-server'], 'Redis', 'Or set REDIS_URL to a running server.');
  return 'redis-server';
}

async function startServer(command: string, dir: string, url: string): Promise<ProcessHandle> {
  const args = [join(dir, 'redis.conf')];
  const server = startProcess({ name: 'Redis', command, args, cwd: dir, logFile: join(dir, 'redis.log') });
  await waitUntilReady(server, () => answers(url), 20_000);
  return server;
}

function configuration(dir: string, port: number, password: string): string {
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${dir}"`,
    'daemonize no',
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
  ];
  return `${lines.join('\n')}\n`;
}

/** While it loads its append-only file a server accepts connections, but refuses commands. */
async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, enableReadyCheck: false });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

function foreignRedis(url: string): RunningRedis {
  const refuse = async () => {
    throw new Error('this Redis was not started here: it is not ours to kill or restart');
  };
  return { url, pid: () => null, stop: async () => {}, kill: refuse, restart: refuse };
}
