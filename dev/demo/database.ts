import { randomBytes } from 'node:crypto';
import { MIGRATIONS } from '../../migrations/index.ts';
import { connectPostgres, migrate, type Postgres } from '../../src/stores/postgres/connect.ts';

export interface DemoDatabase extends Postgres {
  readonly url: string;
  /** Removes the database with everything in it. */
  drop(): Promise<void>;
}

/** Idle connections end when the server is stopped, and nothing of it matters then. */
const ignore = () => {};

async function asAdmin(adminUrl: string, statement: string): Promise<void> {
  const admin = connectPostgres(adminUrl, ignore);
  try {
    await admin.pool.query(statement);
  } finally {
    await admin.close();
  }
}

/**
 * An empty database with today's tables. It is migrated itself and not copied from the template of the tests: a
 * server that outlives us (DATABASE_URL) may hold a template of yesterday.
 */
export async function createDemoDatabase(adminUrl: string): Promise<DemoDatabase> {
  const name = `pabx_demo_${randomBytes(6).toString('hex')}`;
  await asAdmin(adminUrl, `create database ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const postgres = connectPostgres(url.href, ignore);
  await migrate(postgres.db, { getMigrations: async () => MIGRATIONS });
  return {
    ...postgres,
    url: url.href,
    async drop() {
      await postgres.close();
      await asAdmin(adminUrl, `drop database ${name} with (force)`);
    },
  };
}
