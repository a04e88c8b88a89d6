import { connect } from 'node:net';
import { sql } from 'kysely';
import { MIGRATIONS } from '../../migrations/index.ts';
import { accessOf } from '../asterisk/access.ts';
import type { Config } from '../config.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { connectRedis } from '../stores/redis/connect.ts';
import { type Command, describeFailure, UsageError, withDatabase } from './command.ts';

type Finding = readonly [state: 'ok' | 'warn' | 'FAIL', what: string, words: string];
const TIMEOUT_ms = 3_000;
const MAX_CLOCK_DIFFERENCE_ms = 2_000;

/** Runs one check; whatever it throws is its finding. */
async function check(what: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work();
  } catch (error) {
    return [['FAIL', what, describeFailure(error)]];
  }
}

function clock(what: string, theirs_ms: number): Finding {
  const difference_ms = Math.abs(theirs_ms - Date.now());
  const seconds = (difference_ms / 1000).toFixed(1);
  return difference_ms > MAX_CLOCK_DIFFERENCE_ms
    ? ['FAIL', `clock of ${what}`, `differs from ours by ${seconds} s`]
    : ['ok', `clock of ${what}`, 'agrees with ours'];
}

async function checkPostgres(db: Db): Promise<Finding[]> {
  const { rows } = await sql<{ version: string; number: number; now_ms: number; missing: string[] }>`
    select current_setting('server_version') as version, current_setting('server_version_num')::integer as number,
      (extract(epoch from clock_timestamp()) * 1000)::double precision as now_ms,
      (select coalesce(json_agg(r), '[]') from unnest(array['pabx_system', 'pabx_nobody', 'pabx_master',
         'pabx_reseller', 'pabx_subscriber']) r
       where not case when not exists (select from pg_roles where rolname = r) then false
         -- From 16 on, who created a role is its member and can still be unable to take it.
         when current_setting('server_version_num')::integer >= 160000 then pg_has_role(r, 'set')
         else pg_has_role(r, 'member') end) as missing`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('it gave no answer');
  return [
    row.number >= 150_000
      ? ['ok', 'Postgres', row.version]
      : ['FAIL', 'Postgres', `${row.version}: 15 or later is needed`],
    clock('Postgres', row.now_ms),
    row.missing.length === 0
      ? ['ok', 'database roles', 'all there']
      : [
          'FAIL',
          'database roles',
          `missing or not granted to this login: ${row.missing.join(', ')} (run: migrate)`,
        ],
  ];
}

async function checkMigrations(db: Db): Promise<Finding[]> {
  const { rows: tables } = await sql<{ there: boolean }>`
    select to_regclass('kysely_migration') is not null as there`.execute(db);
  if (!tables[0]?.there) return [['FAIL', 'migrations', 'none has run (run: migrate)']];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  const ran = new Set(rows.map(({ name }) => name));
  const missing = Object.keys(MIGRATIONS).filter((name) => !ran.has(name));
  return [
    missing.length === 0
      ? ['ok', 'migrations', 'up to date']
      : ['FAIL', 'migrations', `not run: ${missing.join(', ')} (run: migrate)`],
  ];
}

async function checkWalls(db: Db): Promise<Finding[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind = 'r' and c.relname not like 'kysely_%'
      and not (c.relrowsecurity and c.relforcerowsecurity)`.execute(db);
  return [
    rows.length === 0
      ? ['ok', 'walls between tenants', 'row-level security is on for every table']
      : ['FAIL', 'walls between tenants', `open: ${rows.map(({ name }) => name).join(', ')}`],
  ];
}

async function checkUsers(db: Db): Promise<Finding[]> {
  const row = await db
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'MASTER')
    .where('status', '=', 'ACTIVE')
    .limit(1)
    .executeTakeFirst();
  return [
    row ? ['ok', 'users', 'a master can sign in'] : ['warn', 'users', 'no master yet (run: create-user)'],
  ];
}

async function checkRedis(url: string): Promise<Finding[]> {
  let fail: (error: Error) => void = () => {};
  const redis = connectRedis(url, (error) => fail(error));
  try {
    await new Promise<void>((resolve, reject) => {
      fail = reject;
      redis.once('ready', () => resolve());
      setTimeout(() => reject(new Error('no answer')), TIMEOUT_ms).unref();
    });
    const version = /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? 'unknown version';
    const [, append] = (await redis.config('GET', 'appendonly')) as string[];
    const [, policy] = (await redis.config('GET', 'maxmemory-policy')) as string[];
    const [seconds] = await redis.time();
    return [
      ['ok', 'Redis', version],
      clock('Redis', Number(seconds) * 1000 + (Date.now() % 1000)),
      append === 'yes'
        ? ['ok', 'Redis persistence', 'appendonly yes']
        : [
            'warn',
            'Redis persistence',
            'appendonly is off: a restart signs everybody out and rebuilds from the switches',
          ],
      policy === 'noeviction'
        ? ['ok', 'Redis memory', 'noeviction']
        : ['FAIL', 'Redis memory', `maxmemory-policy is ${policy}: it would throw slots and money away`],
    ];
  } finally {
    redis.disconnect();
  }
}

function opens(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: TIMEOUT_ms });
    const end = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(new Error('no answer')));
    socket.once('error', end);
  });
}

interface ServerToCheck {
  id: string;
  name: string;
  ari_url: string;
  ami_host: string;
  ami_port: number;
  acknowledged_revision: string | null;
  acknowledged_error: string | null;
  newest: string | null;
}

function revisionFinding(server: ServerToCheck): Finding {
  const what = `${server.name} configuration`;
  if (server.acknowledged_error)
    return ['FAIL', what, `refused by the server: ${server.acknowledged_error.split('\n')[0]}`];
  if (server.acknowledged_revision === null)
    return ['warn', what, 'the server has not taken one over yet (asterisk-config/pull.sh)'];
  return server.acknowledged_revision === server.newest
    ? ['ok', what, server.acknowledged_revision.slice(0, 12)]
    : [
        'warn',
        what,
        `runs ${server.acknowledged_revision.slice(0, 12)}, the newest is ${server.newest?.slice(0, 12)}`,
      ];
}

async function checkServer(server: ServerToCheck, secret: string): Promise<Finding[]> {
  const { user, ari_password } = accessOf(secret, server.id);
  const ari = await check(`${server.name} ARI`, async () => {
    const authorization = `Basic ${Buffer.from(`${user}:${ari_password}`).toString('base64')}`;
    const response = await fetch(`${server.ari_url}/ari/asterisk/info?only=system`, {
      headers: { authorization },
      signal: AbortSignal.timeout(TIMEOUT_ms),
    });
    if (response.status === 401)
      return [
        [
          'FAIL',
          `${server.name} ARI`,
          'our password is refused: another PABX_SECRET, or an old configuration',
        ],
      ];
    if (!response.ok) return [['FAIL', `${server.name} ARI`, `answers ${response.status}`]];
    const { system } = (await response.json()) as { system?: { version?: string } };
    return [['ok', `${server.name} ARI`, `Asterisk ${system?.version ?? 'of unknown version'}`]];
  });
  const ami = await check(`${server.name} AMI`, async () => {
    await opens(server.ami_host, server.ami_port);
    return [['ok', `${server.name} AMI`, `${server.ami_host}:${server.ami_port} answers`]];
  });
  return [...ari, ...ami, revisionFinding(server)];
}

async function checkServers(db: Db, config: Config): Promise<Finding[]> {
  const { rows } = await sql<ServerToCheck>`
    select id, name, ari_url, ami_host, ami_port, acknowledged_revision, acknowledged_error,
      (select hash from revisions where server_id = asterisk_servers.id order by created_at desc limit 1) as newest
    from asterisk_servers order by name`.execute(db);
  if (rows.length === 0) return [['warn', 'Asterisk', 'no server yet (run: add-server)']];
  return (await Promise.all(rows.map((server) => checkServer(server, config.PABX_SECRET)))).flat();
}

async function checkDatabase(db: Db, config: Config): Promise<Finding[]> {
  const migrations = await check('migrations', () => checkMigrations(db));
  // Without any table there is nothing else to say about them.
  if (migrations.some(([, , words]) => words.startsWith('none'))) return migrations;
  return [
    migrations,
    await check('walls between tenants', () => checkWalls(db)),
    await check('users', () => checkUsers(db)),
    await check('Asterisk', () => checkServers(db, config)),
  ].flat();
}

async function diagnose(db: Db, config: Config): Promise<Finding[]> {
  const postgres = await check('Postgres', () => checkPostgres(db));
  const reachable = !postgres.some(([state, what]) => state === 'FAIL' && what === 'Postgres');
  const redis = await check('Redis', () => checkRedis(config.REDIS_URL));
  return [...postgres, ...redis, ...(reachable ? await checkDatabase(db, config) : [])];
}

/** Checks everything that the service depends on, and says what is wrong and what to do. Ends with 1 when something is. */
export const doctorCommand: Command = {
  usage: '',
  summary: 'checks every dependency and says what is wrong',
  async run(args) {
    if (args.length > 0) throw new UsageError(`too many words: ${args.join(' ')}`);
    const findings = await withDatabase(diagnose);
    const lines = findings.map(([state, what, words]) => `${state.padEnd(4)}  ${what}: ${words}`);
    return { lines, code: findings.some(([state]) => state === 'FAIL') ? 1 : 0 };
  },
};
