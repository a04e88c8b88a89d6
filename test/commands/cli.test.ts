import { Redis } from 'ioredis';
import { beforeAll, describe, expect, test } from 'vitest';
import { MIGRATIONS } from '../../migrations/index.ts';
import { verifyPassword } from '../../src/admin/passwords.ts';
import { findApiKey } from '../../src/stores/postgres/api-keys.ts';
import { findCredentials } from '../../src/stores/postgres/users.ts';
import { at, cli, type Environment, useAri, useInstallation, wrongPassword } from './use-cli.ts';

const installation = useInstallation();
const settings = () => installation().settings;
const query = async (text: string) => (await installation().admin.pool.query(text)).rows;
const port = useAri(
  () => settings().PABX_SECRET ?? '',
  async () => (await query("select id from asterisk_servers where name = 'srv1'"))[0].id,
);

const operator = (...args: string[]) => cli(settings(), ...args);

/** What doctor finds wrong, or would like otherwise, in a line each; its exit code says whether anything is wrong. */
async function complaints(environment: Environment): Promise<string[]> {
  const { code, out, err } = await cli(environment, 'doctor');
  expect(err).toBe('');
  const lines = out.trimEnd().split('\n');
  for (const line of lines) expect(line).toMatch(/^(ok {2}|warn|FAIL) {2}[^:]+: \S/);
  expect(code).toBe(lines.some((line) => line.startsWith('FAIL')) ? 1 : 0);
  return lines.filter((line) => !line.startsWith('ok'));
}

/** Changes something as superuser, looks, and changes it back, whatever was seen. */
async function during<T>(change: string, back: string, look: () => Promise<T>): Promise<T> {
  await query(change);
  try {
    return await look();
  } finally {
    await query(back);
  }
}

describe('an empty database', () => {
  test('doctor says that nothing was migrated, and nothing that follows from it', async () => {
    const found = await complaints(settings());
    expect(found).toHaveLength(2);
    expect(found[0]).toMatch(
      /^FAIL {2}database roles: missing or not granted.*pabx_system.*\(run: migrate\)$/,
    );
    expect(found[1]).toBe('FAIL  migrations: none has run (run: migrate)');
  });

  test.each([
    ['create-user', 'ana'],
    ['add-server', 'srv1'],
    ['add-master-token', 'bot'],
    ['seed', 'srv1'],
  ])('%s asks for migrate', async (...words) => {
    const { code, out, err } = await operator(...words);
    expect([code, out, err]).toEqual([2, '', 'the database is not up to date: run migrate first\n']);
  });

  test('is migrated by a login that is no superuser, once', async () => {
    expect(await operator('migrate')).toEqual({
      code: 0,
      out: `${Object.keys(MIGRATIONS).join('\n')}\n`,
      err: '',
    });
    expect(await operator('migrate')).toEqual({ code: 0, out: 'nothing to do\n', err: '' });
  });
});

describe('create-user', () => {
  test('prints a password once, with which the user signs in and which it must change', async () => {
    const { code, out, err } = await operator('create-user', 'Ana', '--name', 'Ana Lima');
    expect([code, err]).toEqual([0, '']);
    const password = out.trimEnd();
    expect(out).toMatch(/^\S{20}\n$/);
    const user = await findCredentials(installation().admin.db, { username: 'ana' });
    expect(user).toMatchObject({
      name: 'Ana Lima',
      tenant: { role: 'MASTER' },
      active: true,
      must_change_password: true,
    });
    expect(await verifyPassword(user?.password_hash ?? null, password)).toBe(true);
    expect(await verifyPassword(user?.password_hash ?? null, `${password}x`)).toBe(false);
    const [{ log }] = await query(
      "select string_agg(a::text, ' ') as log from audit_log a where object_type = 'users'",
    );
    expect(log).toContain('cli');
    expect(log).not.toContain(password);
  });

  test('makes a user of a reseller', async () => {
    const [{ id }] = await query("insert into resellers (name) values ('Revenda Sol') returning id");
    expect(await operator('create-user', 'bia', '--reseller', 'Revenda Sol')).toMatchObject({ code: 0 });
    const user = await findCredentials(installation().admin.db, { username: 'bia' });
    expect(user).toMatchObject({ name: 'bia', tenant: { role: 'RESELLER', reseller_id: id } });
  });

  test.each([
    ['a taken name', ['ANA'], /^the user name is taken\n$/],
    ['a bad name', ['a b'], /^USERNAME is 3 to 64 .*\nusage: /],
    ['no name', [], /^USERNAME is missing\nusage: /],
    ['an unknown reseller', ['caio', '--reseller', 'Nenhuma'], /^there is no reseller called Nenhuma\n/],
    ['an empty full name', ['caio', '--name', ' '], /^--name is 1 to 120 .*\nusage: /],
    ['two names', ['caio', 'davi'], /^too many words: davi\nusage: /],
  ])('refuses %s', async (_, words, said) => {
    const before = await query('select username from users');
    const { code, out, err } = await operator('create-user', ...words);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(said);
    expect(await query('select username from users')).toEqual(before);
  });
});

describe('add-server, add-master-token and seed', () => {
  test('a server is added once, and its token is kept as a hash only', async () => {
    const ports = ['--http-port', String(port()), '--ami-port', String(port())];
    const { code, out, err } = await operator('add-server', 'srv1', ...ports);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^pabx_\S+\n$/);
    const [row] = await query('select s::text as all, ari_url, ami_port from asterisk_servers s');
    expect(row).toMatchObject({ ari_url: `http://127.0.0.1:${port()}`, ami_port: port() });
    expect(row.all).not.toContain(out.trimEnd());
    expect(await operator('add-server', 'srv1')).toEqual({
      code: 2,
      out: '',
      err: 'that name is taken\n',
    });
  });

  test.each([
    ['a name', ['Srv-1'], /^NAME is lower-case letters/],
    ['a port', ['srv2', '--http-port', '70000'], /^not a port: 70000\n/],
    ['a port', ['srv2', '--ami-port', '0x50'], /^not a port: 0x50\n/],
    ['a host', ['srv2', '--host', 'a b'], /^not a host: a b\n/],
  ])('refuses %s: %j', async (_, words, said) => {
    const { code, out, err } = await operator('add-server', ...words);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(said);
    expect(await query('select name from asterisk_servers')).toEqual([{ name: 'srv1' }]);
  });

  test('a master token is a key of the platform operator', async () => {
    const { code, out, err } = await operator('add-master-token', 'robô');
    expect([code, err]).toEqual([0, '']);
    const key = await findApiKey(installation().admin.db, out.trimEnd());
    expect(key).toMatchObject({ name: 'robô', tenant: { role: 'MASTER' } });
    expect(await findApiKey(installation().admin.db, `${out.trimEnd()}x`)).toBeNull();
  });

  test.each([[['--help']], [[' ']], [[]]])('add-master-token makes no key of %j', async (words) => {
    const { code, out, err } = await operator('add-master-token', ...words);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('usage: ');
    expect(await query('select name from api_keys')).toEqual([{ name: 'robô' }]);
  });

  test('seed fills the installation once, and only for a server that is there', async () => {
    expect(await operator('seed', 'srv9')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^there is no server called srv9: add-server first\n/),
    });
    const { code, out } = await operator('seed', 'srv1');
    expect(code).toBe(0);
    const [{ count }] = await query('select count(*)::integer from subscribers');
    expect(out.trimEnd().split('\n')).toHaveLength(count);
    expect(await operator('seed', 'srv1')).toMatchObject({
      code: 2,
      err: expect.stringContaining('has been seeded before'),
    });
    expect(await query('select count(*)::integer from subscribers')).toEqual([{ count }]);
  });
});

describe('doctor', () => {
  let healthy: string[] = [];
  beforeAll(async () => {
    healthy = await complaints(settings());
  });

  test('finds nothing wrong with an installation whose switch has yet to take its configuration over', async () => {
    expect(healthy).toEqual([
      'warn  srv1 configuration: the server has not taken one over yet (asterisk-config/pull.sh)',
    ]);
    const { out } = await operator('doctor');
    expect(out).toMatch(/^ok {4}srv1 ARI: Asterisk 22\.0\.0-test$/m);
    expect(out).toMatch(/^ok {4}users: a master can sign in$/m);
  });

  test.each([
    ['127.0.0.1', /^FAIL {2}Postgres: connect ECONNREFUSED 127\.0\.0\.1:\d+$/],
    // Two addresses, two refusals, and an error of the driver without any words.
    ['localhost', /^FAIL {2}Postgres: .*ECONNREFUSED/],
  ])('Postgres away at %s', async (host, said) => {
    const url = at(settings().DATABASE_URL, host, installation().deadPort);
    const found = await complaints({ ...settings(), DATABASE_URL: url });
    expect(found).toEqual([expect.stringMatching(said)]);
    const other = await cli({ ...settings(), DATABASE_URL: url }, 'create-user', 'caio');
    expect([other.code, other.out]).toEqual([2, '']);
    expect(other.err).toContain('ECONNREFUSED');
  });

  test('a wrong password for Postgres', async () => {
    const found = await complaints({ ...settings(), DATABASE_URL: wrongPassword(settings().DATABASE_URL) });
    expect(found).toEqual([
      `FAIL  Postgres: password authentication failed for user "${installation().login}"`,
    ]);
  });

  /** What a changed database adds to the healthy findings. */
  const added = async (change: string, back: string) =>
    (await during(change, back, () => complaints(settings()))).filter((line) => !healthy.includes(line));

  test('a role of the database that is missing', async () => {
    const renamed = [
      'alter role pabx_nobody rename to pabx_lost',
      'alter role pabx_lost rename to pabx_nobody',
    ];
    expect(await added(...(renamed as [string, string]))).toEqual([
      'FAIL  database roles: missing or not granted to this login: pabx_nobody (run: migrate)',
    ]);
  });

  test('a role that is not granted', async () => {
    const { login } = installation();
    const found = await added(`revoke pabx_master from ${login}`, `grant pabx_master to ${login}`);
    expect(found).toEqual([
      'FAIL  database roles: missing or not granted to this login: pabx_master (run: migrate)',
    ]);
  });

  test('a migration that has not run', async () => {
    const last = Object.keys(MIGRATIONS).at(-1);
    const found = await added(
      `create table kysely_kept as select * from kysely_migration where name = '${last}';
       delete from kysely_migration where name = '${last}'`,
      'insert into kysely_migration select * from kysely_kept; drop table kysely_kept',
    );
    expect(found).toEqual([`FAIL  migrations: not run: ${last} (run: migrate)`]);
  });

  test.each(['disable row level security', 'no force row level security'])('a wall: %s', async (change) => {
    const found = await added(
      `alter table lines ${change}`,
      'alter table lines enable row level security; alter table lines force row level security',
    );
    expect(found).toEqual(['FAIL  walls between tenants: open: lines']);
  });

  test('no master who can sign in is a warning', async () => {
    const found = await added(
      "update users set status = 'INACTIVE' where username = 'ana'",
      "update users set status = 'ACTIVE' where username = 'ana'",
    );
    expect(found).toEqual(['warn  users: no master yet (run: create-user)']);
  });

  test.each(['127.0.0.1', 'localhost'])('Redis away at %s', async (host) => {
    const url = at(settings().REDIS_URL, host, installation().deadPort);
    const found = await complaints({ ...settings(), REDIS_URL: url });
    expect(found).toEqual([expect.stringMatching(/^FAIL {2}Redis: .*ECONNREFUSED/), ...healthy]);
  });

  test('a wrong password for Redis', async () => {
    const found = await complaints({ ...settings(), REDIS_URL: wrongPassword(settings().REDIS_URL) });
    expect(found).toEqual([expect.stringMatching(/^FAIL {2}Redis: WRONGPASS/), ...healthy]);
  });

  test('a Redis that would throw money away, and one that forgets at a restart', async () => {
    const redis = new Redis(settings().REDIS_URL);
    try {
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await redis.config('SET', 'appendonly', 'no');
      expect(await complaints(settings())).toEqual([
        expect.stringMatching(/^warn {2}Redis persistence: appendonly is off/),
        expect.stringMatching(/^FAIL {2}Redis memory: maxmemory-policy is allkeys-lru/),
        ...healthy,
      ]);
    } finally {
      await redis.config('SET', 'maxmemory-policy', 'noeviction');
      await redis.config('SET', 'appendonly', 'yes');
      redis.disconnect();
    }
  });

  test('a switch that is not reachable', async () => {
    const { deadPort } = installation();
    const found = await added(
      `update asterisk_servers set ari_url = 'http://127.0.0.1:${deadPort}', ami_port = ${deadPort}`,
      `update asterisk_servers set ari_url = 'http://127.0.0.1:${port()}', ami_port = ${port()}`,
    );
    expect(found).toEqual([
      `FAIL  srv1 ARI: fetch failed: connect ECONNREFUSED 127.0.0.1:${deadPort}`,
      `FAIL  srv1 AMI: connect ECONNREFUSED 127.0.0.1:${deadPort}`,
    ]);
  });

  test('a switch that refuses our password, because the secret is another', async () => {
    const found = await complaints({ ...settings(), PABX_SECRET: 'another secret, as long as it has to be' });
    expect(found).toEqual([
      'FAIL  srv1 ARI: our password is refused: another PABX_SECRET, or an old configuration',
      ...healthy,
    ]);
  });

  test('a configuration that the switch refused, and one that is old', async () => {
    const back = 'update asterisk_servers set acknowledged_error = null, acknowledged_revision = null';
    const refused = "update asterisk_servers set acknowledged_error = E'pjsip.conf: no\\nmore'";
    expect(await added(refused, back)).toEqual([
      'FAIL  srv1 configuration: refused by the server: pjsip.conf: no',
    ]);
  });
});

describe('the command line', () => {
  test('settings that are missing or wrong are named without their values', async () => {
    const { code, out, err } = await cli(
      { DATABASE_URL: 'mysql://root:hunter2@db/x', PABX_SECRET: 'too short' },
      'doctor',
    );
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/DATABASE_URL: .*\n {2}REDIS_URL: .*\n {2}PABX_SECRET: at least 32 characters/);
    expect(err).not.toMatch(/hunter2|too short/);
  });

  test.each([
    [[], 'no command'],
    [['frobnicate'], 'no such command: frobnicate'],
    [['constructor'], 'no such command: constructor'],
    [['migrate', 'now'], 'too many words: now'],
    [['doctor', '--fix'], 'too many words: --fix'],
    [['create-user', 'caio', '--admin'], "Unknown option '--admin'"],
    [['add-server', 'srv3', '--http-port'], "Option '--http-port <value>' argument missing"],
    [['seed', '--all'], "Unknown option '--all'"],
    [['seed', 'srv1', 'srv2'], 'too many words: srv2'],
  ])('%j ends with 2 and the usage', async (words, said) => {
    const { code, out, err } = await operator(...words);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(said);
    expect(err).toContain('usage: node src/cli.ts COMMAND\n  migrate ');
  });
});
