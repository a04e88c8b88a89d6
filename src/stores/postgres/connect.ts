import { Kysely, PostgresDialect } from 'kysely';
import { type MigrationProvider, Migrator } from 'kysely/migration';
import pg from 'pg';
import type { Database } from './tables.ts';

export type Db = Kysely<Database>;

const INT8 = 20;
const DATE = 1082;
// Money and seconds are bigint end to end; a Number would silently round large amounts.
pg.types.setTypeParser(INT8, BigInt);
pg.types.setTypeParser(DATE, (text) => text);

/**
 * Statements that come again are planned once per connection. Planning through the walls between tenants costs more
 * than the reading itself; the server plans anew by itself when the role changes that a plan was made for.
 */
const MOST_NAMED = 300;
const names = new Map<string, string>();

class NamingClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: one of the driver's many overloads
  override query(...args: any[]): any {
    const [text, values, ...rest] = args;
    const plain = () => Reflect.apply(pg.Client.prototype.query, this, args);
    if (typeof text !== 'string' || !Array.isArray(values) || rest.length > 0) return plain();
    let name = names.get(text);
    if (name === undefined) {
      if (names.size >= MOST_NAMED || !/^\s*select\b/i.test(text)) return plain();
      name = `s${names.size}`;
      names.set(text, name);
    }
    const answer: Promise<unknown> = super.query({ name, text, values });
    // A migration changed what the statement gives: this connection's plan of it is of no use any more.
    return answer.catch((error: { code?: unknown }) => {
      if (error.code === '0A000') void this.end().catch(() => {});
      throw error;
    });
  }
}

/** `pabx_system` serves every tenant; `pabx_nobody` sees nothing until a transaction takes a tenant's role. */
export type DatabaseRole = 'pabx_system' | 'pabx_nobody';

export interface Postgres {
  readonly db: Db;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/**
 * A pool on `url`. Connections that break while idle are reported to `onError` and replaced; queries fail
 * at once when the server is away, so that callers decide. `role` is what its connections are after login; null
 * is the owner, who migrates.
 */
export function connectPostgres(
  url: string,
  onError: (error: Error) => void,
  role: DatabaseRole | null = null,
): Postgres {
  const pool = new pg.Pool({
    ...(role === 'pabx_nobody' ? { Client: NamingClient } : {}),
    connectionString: url,
    ...(role ? { options: `-c role=${role}` } : {}),
    max: 10,
    connectionTimeoutMillis: 3_000,
    statement_timeout: 30_000,
    application_name: 'pabx-virtual',
  });
  pool.on('error', onError);
  // A connection lost while lent out speaks on the client too; unheard, it would end the process.
  pool.on('connect', (client) => client.on('error', onError));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, close: () => db.destroy() };
}

/**
 * The server is away, or will be in order again by itself: classes 08 connection, 40 rollback, 53 resources and
 * 57 operator intervention of SQLSTATE, errors of the socket, and what the driver says without any code.
 */
export function isAway(error: unknown): boolean {
  const { code, message, cause } = error as { code?: unknown; message?: unknown; cause?: unknown };
  if (typeof code === 'string') return /^(08|40|53|57)...$|^E[A-Z]+$/.test(code);
  if (cause !== undefined) return isAway(cause);
  return /^Connection terminated|timeout exceeded when trying to connect|^timeout expired/.test(
    String(message),
  );
}

/**
 * The database refused the very row: SQLSTATE classes 22 data, 23 integrity and P0 raised by a trigger. Everything
 * else is the state of the server or of our link to it, and passes.
 */
export function isRefusedRow(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(22|23|P0)...$/.test(code);
}

/** Runs the migrations that have not run yet; throws with the name of the one that failed. */
export async function migrate(db: Db, provider: MigrationProvider): Promise<string[]> {
  const { error, results = [] } = await new Migrator({ db, provider }).migrateToLatest();
  if (error) {
    const failed = results.find((result) => result.status === 'Error')?.migrationName ?? 'before the first';
    throw new Error(`migration failed: ${failed}`, { cause: error });
  }
  return results.map((result) => result.migrationName);
}
