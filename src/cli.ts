import { parseArgs } from 'node:util';
import { MIGRATIONS } from '../migrations/index.ts';
import { addServer } from './admin/add-server.ts';
import { ConfigError, readConfig } from './config.ts';
import { connectPostgres, type Db, migrate } from './stores/postgres/connect.ts';
import { addToken, newToken } from './stores/postgres/tokens.ts';

const USAGE = `usage: node src/cli.ts COMMAND
  migrate                                       brings the database up to date
  add-server NAME [--http-port 8088] [--ami-port 5038] [--host 127.0.0.1]
                                                registers an Asterisk server and prints its token
  add-master-token NAME                         prints a token of the platform operator for the API
`;

class UsageError extends Error {}

function port(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new UsageError(`not a port: ${text}`);
  return number;
}

async function run(db: Db, args: readonly string[]): Promise<string> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'http-port': { type: 'string', default: '8088' },
      'ami-port': { type: 'string', default: '5038' },
      host: { type: 'string', default: '127.0.0.1' },
    },
  });
  const [command, name, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`too many words: ${rest.join(' ')}`);
  if (command === 'migrate' && name === undefined) {
    const ran = await migrate(db, { getMigrations: async () => MIGRATIONS });
    return ran.length > 0 ? ran.join('\n') : 'nothing to do';
  }
  if (command === 'add-server' && name !== undefined) {
    if (!/^[a-z0-9]{1,16}$/.test(name))
      throw new UsageError('NAME is lower-case letters and digits, at most 16');
    const ari_url = `http://${values.host}:${port(values['http-port'])}`;
    const ami_port = port(values['ami-port']);
    return (await addServer(db, { name, ari_url, ami_host: values.host, ami_port })).token;
  }
  if (command === 'add-master-token' && name !== undefined) {
    const token = newToken();
    await addToken(db, name, token, { role: 'MASTER' });
    return token;
  }
  throw new UsageError(command === undefined ? 'no command' : `no such command: ${positionals.join(' ')}`);
}

function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n${USAGE}`;
  if (error instanceof ConfigError) return error.message;
  if ((error as { code?: unknown }).code === '23505') return 'that name is taken';
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

try {
  const postgres = connectPostgres(readConfig().DATABASE_URL, () => {});
  try {
    console.log(await run(postgres.db, process.argv.slice(2)));
  } finally {
    await postgres.close();
  }
} catch (error) {
  console.error(explain(error));
  process.exit(2);
}
