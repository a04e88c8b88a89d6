import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { machineDebianMirror } from '../../dev/services/apt-sources.ts';
import { majorVersion } from '../../dev/services/asterisk-root.ts';
import { MissingServiceError, ServiceFailedError, WaitTimeoutError } from '../../dev/services/errors.ts';
import { makeOwnedFolder } from '../../dev/services/folders.ts';
import { withFileLock } from '../../dev/services/lock.ts';
import { freePorts } from '../../dev/services/ports.ts';
import { startPostgres } from '../../dev/services/postgres.ts';
import { isAlive, startProcess, waitUntil, waitUntilReady } from '../../dev/services/process.ts';
import { startRedis } from '../../dev/services/redis.ts';
import { startSipp } from '../../dev/services/sipp.ts';
import { minimalAsterisk } from './minimal-asterisk.ts';

/** Long enough to install every service on a bare machine, which happens once. */
const FIRST_START_MS = 900_000;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'services-test-'));
  (await minimalAsterisk()).remove();
}, FIRST_START_MS);

afterAll(() => rmSync(dir, { recursive: true }));

test('Postgres answers, is as undurable as asked, and leaves nothing', {
  timeout: FIRST_START_MS,
}, async () => {
  const server = await startPostgres({ durable: false });
  expect(await query(server.url, 'show fsync')).toBe('off');
  expect(await query(server.url, 'show server_encoding')).toBe('UTF8');
  await expect(query(server.url.replace(/:\w+@/, ':wrong@'), 'select 1')).rejects.toThrow(/password/);
  const pid = server.pid() ?? 0;
  await server.stop();
  expect(isAlive(pid)).toBe(false);
  expect(ownFolders('postgres')).toEqual([]);
});

test('Postgres keeps its data over a crash, and a given folder over its end', async () => {
  // Not below `dir`, which the user that Postgres runs as may not enter.
  const dataDir = makeOwnedFolder('postgres-kept');
  const first = await startPostgres({ durable: true, dataDir });
  expect(await query(first.url, 'create table kept as select 7 as n')).toBeUndefined();
  await first.kill();
  expect(first.pid()).toBeNull();
  await first.restart();
  expect(await query(first.url, 'select n from kept')).toBe(7);
  await first.stop();
  const second = await startPostgres({ durable: true, dataDir });
  expect(await query(second.url, 'select n from kept')).toBe(7);
  expect(await query(second.url, 'show fsync')).toBe('on');
  await second.stop();
  rmSync(dataDir, { recursive: true });
});

test('Redis is append-only and has its data again after a crash', { timeout: FIRST_START_MS }, async () => {
  const server = await startRedis();
  const setting = (name: string) => redis(server.url, (client) => client.config('GET', name));
  expect(await setting('appendonly')).toEqual(['appendonly', 'yes']);
  expect(await setting('maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  await redis(server.url, (client) => client.set('kept', '7'));
  await server.kill();
  expect(server.pid()).toBeNull();
  await server.restart();
  expect(await redis(server.url, (client) => client.get('kept'))).toBe('7');
  await server.stop();
  expect(ownFolders('redis')).toEqual([]);
});

test('a server that somebody else runs is used and left alone', async () => {
  const postgres = await startPostgres({ durable: true, existingUrl: 'postgres://elsewhere/db' });
  const other = await startRedis({ existingUrl: 'redis://elsewhere' });
  expect([postgres.url, other.url]).toEqual(['postgres://elsewhere/db', 'redis://elsewhere']);
  await postgres.stop();
  await other.stop();
  await expect(other.kill()).rejects.toThrow('not ours');
});

test('Asterisk 22 boots, answers, survives kill -9 by starting again, and stops', async () => {
  const instance = await minimalAsterisk();
  const first = await instance.start();
  expect(majorVersion(await first.rx('core show version'))).toBe(22);
  expect(await first.rx('dialplan show boot-test')).toContain("'100'");
  expect(readFileSync(`/proc/${first.pid}/comm`, 'utf8').trim()).toBe('asterisk');
  await first.kill9();
  await expect(first.rx('core show version')).rejects.toThrow(/no answer/);
  const second = await instance.start();
  await second.stop();
  expect((await second.exited).code).toBe(0);
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(instance.outside.replace(/\/srv\/.*/, ''));
  instance.remove();
});

test('an Asterisk that cannot start says so at once', async () => {
  const instance = await minimalAsterisk();
  writeFileSync(join(instance.outside, 'modules.conf'), '[modules]\nautoload=no\nrequire=nowhere.so\n');
  await expect(instance.start()).rejects.toThrow(ServiceFailedError);
  instance.remove();
});

test('SIPp calls SIPp, and stops when told', { timeout: FIRST_START_MS }, async () => {
  const [answering, calling] = await freePorts(2);
  const at = (port: number | undefined) => ['-i', '127.0.0.1', '-p', String(port)];
  const uas = await startSipp({ name: 'uas', scenario: { builtin: 'uas' }, args: at(answering), dir });
  const args = [...at(calling), '-m', '2', '-r', '20', '-d', '10', `127.0.0.1:${answering}`];
  const uac = await startSipp({ name: 'uac', scenario: { builtin: 'uac' }, args, dir, traceMessages: true });
  expect(await uac.exited, uac.errors()).toEqual({ code: 0, signal: null });
  expect(readFileSync(uac.files.stats, 'utf8')).toContain('SuccessfulCall');
  expect(readFileSync(uac.files.messages, 'utf8')).toContain('INVITE');
  expect(await uas.stop({ timeout_ms: 100 })).toEqual({ code: 0, signal: null });
  expect(uas.running()).toBe(false);
});

describe('whoever starts services', () => {
  test('and ends by kill -9 leaves none running', async () => {
    const script = join(import.meta.dirname, 'abandon-services.ts');
    const parent = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pids = JSON.parse(line.toString()) as number[];
    expect(pids.map(isAlive)).toEqual([true, true, true, true]);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await waitUntil(() => !pids.some(isAlive), { timeout_ms: 5000, what: 'the services to end' });
  });

  test('and is gone has its folders removed by the next', () => {
    const abandoned = join(dir, 'pabx-redis.4194305.abcdef');
    const foreign = join(dir, 'pabx-kept');
    for (const path of [abandoned, foreign]) mkdirSync(path);
    const own = makeOwnedFolder('redis', dir);
    expect(readdirSync(dir)).not.toContain('pabx-redis.4194305.abcdef');
    expect(readdirSync(dir)).toEqual(expect.arrayContaining(['pabx-kept']));
    makeOwnedFolder('redis', dir);
    expect(readdirSync(dir).map((name) => join(dir, name))).toContain(own);
  });
});

describe('processes', () => {
  const shell = (script: string) =>
    startProcess({ name: 'a shell', command: 'sh', args: ['-c', script], logFile: join(dir, 'shell.log') });

  test('one that ignores the request to end is killed with all it started', async () => {
    const pidFile = join(dir, 'grandchild.pid');
    const child = shell(`trap "" TERM; sleep 60 & echo $! > ${pidFile}; wait`);
    const written = () => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n');
    await waitUntil(written, { timeout_ms: 5000, what: 'the grandchild' });
    expect((await child.stop({ timeout_ms: 100 })).signal).toBe('SIGKILL');
    const grandchild = Number(readFileSync(pidFile, 'utf8'));
    await waitUntil(() => !isAlive(grandchild), { timeout_ms: 2000, what: 'the grandchild to end' });
  });

  test('one that ends before it is ready is reported with its last words', async () => {
    const child = shell('echo no such colour >&2; exit 3');
    const ready = waitUntilReady(child, async () => false, 5000);
    await expect(ready).rejects.toThrow(/code 3[\s\S]*no such colour/);
  });

  test('one that is never ready is stopped', async () => {
    const child = shell('exec sleep 60');
    await expect(waitUntilReady(child, async () => false, 100)).rejects.toThrow(WaitTimeoutError);
    expect(isAlive(child.pid)).toBe(false);
  });

  test('a wait in vain names what it waited for', async () => {
    const wait = waitUntil(() => false, { timeout_ms: 60, what: 'the moon' });
    await expect(wait).rejects.toThrow('waited 60 ms in vain for: the moon');
  });

  test('a lock is held by one at a time, and given back by one that failed', async () => {
    const path = join(dir, 'lock');
    const order: string[] = [];
    const hold = (name: string) =>
      withFileLock(path, { timeout_ms: 5000, what: 'test' }, async () => {
        order.push(`${name} in`);
        await new Promise((resolve) => setTimeout(resolve, 30));
        order.push(`${name} out`);
        throw new Error(name);
      }).catch(() => {});
    await Promise.all([hold('a'), hold('b')]);
    expect(order.map((step) => step.slice(2))).toEqual(['in', 'out', 'in', 'out']);
  });

  test('ports are distinct and free', async () => {
    expect(new Set(await freePorts(40)).size).toBe(40);
  });
});

describe('the mirror of this machine', () => {
  const osRelease = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\n';
  const deb822 = (uri: string, suites: string, more = '') =>
    `Types: deb\n# a comment\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\n${more}`;
  test.each<[what: string, files: Record<string, string>, mirror: string | null]>([
    ['one line', { 'sources.list': 'deb http://a/debian bookworm main contrib' }, 'http://a/debian'],
    [
      'one line, options',
      { 'sources.list': 'deb [signed-by=/k arch=amd64] http://a/debian/ bookworm main' },
      'http://a/debian/',
    ],
    ['commented out', { 'sources.list': '# deb http://a/debian bookworm main' }, null],
    ['source code only', { 'sources.list': 'deb-src http://a/debian bookworm main' }, null],
    [
      'deb822',
      { 'sources.list.d/debian.sources': deb822('http://b/debian', 'bookworm bookworm-updates') },
      'http://b/debian',
    ],
    [
      'deb822 over two lines',
      { 'sources.list.d/d.sources': deb822('\n http://b/debian', 'bookworm') },
      'http://b/debian',
    ],
    [
      'switched off',
      { 'sources.list.d/d.sources': deb822('http://b/debian', 'bookworm', 'Enabled: no\n') },
      null,
    ],
    [
      'security only',
      { 'sources.list.d/d.sources': deb822('http://b/debian-security', 'bookworm-security') },
      null,
    ],
    [
      'a third party first',
      {
        'sources.list': 'deb http://c/php bookworm main',
        'sources.list.d/d.sources': deb822('http://b/debian', 'bookworm'),
      },
      'http://b/debian',
    ],
    [
      'another name',
      { 'sources.list': 'deb https://proxy/debian-remote bookworm main' },
      'https://proxy/debian-remote',
    ],
    ['a cdrom', { 'sources.list': 'deb cdrom:[Debian]/ bookworm main' }, null],
    ['nothing', {}, null],
  ])('%s', (_what, files, mirror) => {
    const apt = mkdtempSync(join(dir, 'apt-'));
    mkdirSync(join(apt, 'sources.list.d'));
    for (const [name, text] of Object.entries({ ...files, 'os-release': osRelease }))
      writeFileSync(join(apt, name), text);
    expect(machineDebianMirror(apt, join(apt, 'os-release'))).toBe(mirror);
  });
});

test('the error of a missing service names the service and the way out', () => {
  const error = new MissingServiceError('Redis', 'only root can install it', 'Install redis-server.');
  expect(error.message).toBe('Redis is missing: only root can install it. Install redis-server.');
});

async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

async function redis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

function ownFolders(name: string): string[] {
  return readdirSync(tmpdir()).filter((entry) => entry.startsWith(`pabx-${name}.${process.pid}.`));
}
