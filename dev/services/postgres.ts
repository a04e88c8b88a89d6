import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import pg from 'pg';
import { ensureDebianPackages } from './apt.ts';
import { runCommand, runOrThrow } from './command.ts';
import { MissingServiceError, ServiceFailedError } from './errors.ts';
import { makeOwnedFolder, removeFolder } from './folders.ts';
import { freePort } from './ports.ts';
import { familyOf, isAlive, type ProcessHandle, startProcess, waitUntil, waitUntilReady } from './process.ts';

export interface PostgresOptions {
  /** false: much faster; a crash of the server loses the last moment, one of the machine everything. */
  durable: boolean;
  /** Kept between starts. Default: a temporary folder, removed by `stop`. */
  dataDir?: string;
  /** Use this server and start none. */
  existingUrl?: string;
}

export interface RunningPostgres {
  /** Superuser, database `postgres`; the password is part of it. */
  readonly url: string;
  /** null for a server that was not started here, or that does not run. */
  pid(): number | null;
  /** Ends it without waiting for clients, and removes a temporary folder. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would; the data stays for `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, after `kill` or in order. */
  restart(): Promise<void>;
}

interface Identity {
  uid?: number;
  gid?: number;
}

const VERSIONS_DIR = '/usr/lib/postgresql';
const OTHERWISE = 'Or set DATABASE_URL to a running server.';

/** Starts a Postgres on a free port of 127.0.0.1: given → newest on the machine → Debian's package. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  if (options.existingUrl !== undefined) {
    return foreignPostgres(options.existingUrl);
  }
  if (newestVersion() === null) await ensureDebianPackages(['postgresql'], 'Postgres', OTHERWISE);
  const identity = serverIdentity();
  const dir = options.dataDir === undefined ? makeOwnedFolder('postgres') : resolve(options.dataDir);
  await prepareFolder(dir, identity);
  const binDir = binariesFor(dir);
  const password = await ensureCluster(dir, binDir, options.durable, identity);
  const port = await freePort();
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const start = async () => {
    const server = startProcess({
      name: 'Postgres',
      command: join(binDir, 'postgres'),
      args: ['-D', join(dir, 'cluster'), ...settings(port, options.durable).flatMap((line) => ['-c', line])],
      cwd: dir,
      logFile: join(dir, 'postgres.log'),
      // SIGTERM would wait for every client to leave.
      stopSignal: 'SIGINT',
      ...identity,
    });
    await waitUntilReady(server, () => answers(url), 30_000);
    return server;
  };
  return supervise(url, start, await start(), options.dataDir === undefined ? dir : null);
}

function supervise(
  url: string,
  start: () => Promise<ProcessHandle>,
  first: ProcessHandle,
  temporaryDir: string | null,
): RunningPostgres {
  let server = first;
  return {
    url,
    pid: () => (server.running() ? server.pid : null),
    stop: async () => {
      await server.stop();
      if (temporaryDir !== null) removeFolder(temporaryDir);
    },
    kill: async () => {
      const family = familyOf(server.pid);
      server.kill('SIGKILL');
      await server.exited;
      // Its children notice and go; until the last has gone, a new server would refuse their memory.
      const gone = () => !family.some(isAlive);
      await waitUntil(gone, { timeout_ms: 20_000, what: 'the processes of the killed Postgres to end' });
    },
    restart: async () => {
      await server.stop();
      server = await start();
    },
  };
}

function foreignPostgres(url: string): RunningPostgres {
  const refuse = async () => {
    throw new Error('this Postgres was not started here: it is not ours to kill or restart');
  };
  return { url, pid: () => null, stop: async () => {}, kill: refuse, restart: refuse };
}

/** Postgres refuses to run as root: then it runs as its package's user, or as nobody. */
function serverIdentity(): Identity {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const fields = ['postgres', 'nobody'].map((name) => users.find((line) => line.startsWith(`${name}:`)));
  const [, , uid, gid] = (fields.find((line) => line !== undefined) ?? '').split(':');
  if (uid === undefined || gid === undefined) {
    throw new MissingServiceError('Postgres', 'no user to run it as', 'Create the system user postgres.');
  }
  return { uid: Number(uid), gid: Number(gid) };
}

async function prepareFolder(dir: string, identity: Identity): Promise<void> {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  if (identity.uid === undefined || identity.gid === undefined) return;
  chownSync(dir, identity.uid, identity.gid);
  const { code } = await runCommand('test', ['-w', dir], identity);
  if (code === 0) return;
  // Typically below /root, which only root may enter; the permissions of that are not ours to change.
  const reason = `user ${identity.uid}, as which it must run, cannot enter ${dirname(dir)}`;
  throw new MissingServiceError('Postgres', reason, 'Keep its data in a folder that others may enter.');
}

/** The cluster's own version when there is one (another cannot read it), the newest otherwise. */
function binariesFor(dir: string): string {
  const versionFile = join(dir, 'cluster', 'PG_VERSION');
  const wanted = existsSync(versionFile) ? readFileSync(versionFile, 'utf8').trim() : newestVersion();
  if (wanted !== null && hasBinaries(wanted)) return join(VERSIONS_DIR, wanted, 'bin');
  const remedy = `Install the Debian package postgresql-${wanted}, or remove ${dir}.`;
  throw new MissingServiceError('Postgres', `the data in ${dir} is of version ${wanted}`, remedy);
}

function newestVersion(): string | null {
  if (!existsSync(VERSIONS_DIR)) return null;
  const versions = readdirSync(VERSIONS_DIR).filter(hasBinaries);
  return versions.sort((a, b) => Number(b) - Number(a))[0] ?? null;
}

function hasBinaries(version: string): boolean {
  return ['initdb', 'postgres'].every((name) => existsSync(join(VERSIONS_DIR, version, 'bin', name)));
}

/** Makes the database cluster unless it is there, and returns the superuser's password. */
async function ensureCluster(
  dir: string,
  binDir: string,
  durable: boolean,
  identity: Identity,
): Promise<string> {
  const cluster = join(dir, 'cluster');
  const passwordFile = join(dir, 'password');
  if (existsSync(cluster)) return readFileSync(passwordFile, 'utf8').trim();
  // Built beside its place: one that was interrupted must never be taken for a good one.
  const unfinished = join(dir, 'cluster.unfinished');
  removeFolder(unfinished);
  const password = randomBytes(16).toString('hex');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (identity.uid !== undefined) chownSync(passwordFile, identity.uid, identity.gid ?? identity.uid);
  const choices = ['--encoding=UTF8', '--locale=C.UTF-8', '--auth=scram-sha-256', '--username=postgres'];
  const place = ['--pgdata', unfinished, `--pwfile=${passwordFile}`, ...(durable ? [] : ['--no-sync'])];
  await runOrThrow(join(binDir, 'initdb'), [...place, ...choices], identity);
  renameSync(unfinished, cluster);
  return password;
}

function settings(port: number, durable: boolean): string[] {
  const common = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    // The address that is handed out is TCP; a socket's path may also not be longer than 107 bytes.
    'unix_socket_directories=',
    'max_connections=200',
    'shared_buffers=128MB',
  ];
  return durable ? common : [...common, 'fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch (error) {
    // A wrong password will not become right by waiting: somebody else's server, or a lost password file.
    if ((error as { code?: string }).code === '28P01') throw new ServiceFailedError(`Postgres: ${error}`);
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
