import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject } from 'vitest';
import { freePort } from '../../dev/services/ports.ts';
import { MINIMAL_ENV } from '../../dev/services/process.ts';
import { type RunningRedis, startRedis } from '../../dev/services/redis.ts';
import { accessOf } from '../../src/asterisk/access.ts';
import { connectPostgres, type Postgres } from '../../src/stores/postgres/connect.ts';

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export type Environment = Readonly<Record<string, string>>;

export interface Installation {
  /** The settings of the service, whole. Its login owns the database and is no superuser. */
  readonly settings: Environment & { readonly DATABASE_URL: string; readonly REDIS_URL: string };
  /** The same database as superuser. */
  readonly admin: Postgres;
  readonly login: string;
  readonly redis: RunningRedis;
  /** Where nothing listens. */
  readonly deadPort: number;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** What must never be printed, in any run of this file. */
const secrets = new Set<string>();

/** Runs `node src/cli.ts` as an operator does, in this environment and nothing else of ours. */
export async function cli(environment: Environment, ...args: string[]): Promise<Ended> {
  const options = { cwd: ROOT, env: { ...MINIMAL_ENV, ...environment }, timeout: 50_000 };
  const ended = await run(process.execPath, ['src/cli.ts', ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
  for (const secret of secrets) expect(`${ended.out}${ended.err}`).not.toContain(secret);
  // Neither is a stack: that is for us, not for operators.
  expect(ended.err).not.toMatch(/^\s+at /m);
  return ended;
}

function urlWith(url: string, change: (url: URL) => void): string {
  const copy = new URL(url);
  change(copy);
  return copy.href;
}

/** The same address with a password that is wrong. */
export function wrongPassword(url: string): string {
  const password = randomBytes(8).toString('hex');
  secrets.add(password);
  return urlWith(url, (copy) => {
    copy.password = password;
  });
}

/** The same with this host and port. */
export const at = (url: string, host: string, port: number) =>
  urlWith(url, (copy) => {
    copy.hostname = host;
    copy.port = String(port);
  });

/** A database without any table, of a login that is no superuser, and a Redis. */
export function useInstallation(): () => Installation {
  let installation: Installation | null = null;
  beforeAll(async () => {
    const adminUrl = inject('postgresUrl');
    const login = `cli_${randomBytes(4).toString('hex')}`;
    const [password, secret] = [randomBytes(12).toString('hex'), randomBytes(24).toString('hex')];
    const server = connectPostgres(adminUrl, () => {});
    await server.pool.query(`create role ${login} login createrole password '${password}'`);
    await server.pool.query(`create database ${login} owner ${login}`);
    await server.close();
    const redis = await startRedis();
    for (const url of [adminUrl, redis.url]) secrets.add(new URL(url).password);
    for (const one of [password, secret]) secrets.add(one);
    const databaseUrl = urlWith(adminUrl, (url) => {
      url.pathname = `/${login}`;
    });
    installation = {
      settings: {
        DATABASE_URL: urlWith(databaseUrl, (url) => {
          url.username = login;
          url.password = password;
        }),
        REDIS_URL: redis.url,
        PABX_SECRET: secret,
      },
      admin: connectPostgres(databaseUrl, () => {}),
      login,
      redis,
      deadPort: await freePort(),
    };
  });
  afterAll(async () => {
    await installation?.admin.close();
    await installation?.redis.stop();
  });
  return () => {
    if (!installation) throw new Error('the installation is not there yet');
    return installation;
  };
}

/** Answers as Asterisk's ARI does, to the password that this secret gives; its port will do for AMI too. */
export function useAri(secret: () => string, server_id: () => Promise<string>): () => number {
  let server: Server;
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const { user, ari_password } = accessOf(secret(), await server_id());
      const expected = `Basic ${Buffer.from(`${user}:${ari_password}`).toString('base64')}`;
      secrets.add(ari_password);
      const right = request.headers.authorization === expected;
      const asked = request.url === '/ari/asterisk/info?only=system';
      response.writeHead(right ? (asked ? 200 : 404) : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ system: { version: '22.0.0-test' } }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return () => (server.address() as AddressInfo).port;
}
