import { randomBytes } from 'node:crypto';
import { MIGRATIONS } from '../../migrations/index.ts';
import { connectPostgres, migrate, type Postgres } from '../../src/stores/postgres/connect.ts';

export interface Database extends Postgres {
  readonly url: string;
}

const TEMPLATE = 'pabx_template';

/** Databases that are made and dropped in between end connections; nothing of it matters. */
const ignore = () => {};

async function asAdmin<T>(adminUrl: string, work: (postgres: Postgres) => Promise<T>): Promise<T> {
  const postgres = connectPostgres(adminUrl, ignore);
  try {
    return await work(postgres);
  } finally {
    await postgres.close();
  }
}

function urlOf(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Makes the migrated database that all others are copied from. Once per Postgres. */
export async function prepareTemplate(adminUrl: string): Promise<void> {
  await asAdmin(adminUrl, (admin) => admin.pool.query(`create database ${TEMPLATE}`));
  await asAdmin(urlOf(adminUrl, TEMPLATE), async ({ db }) => {
    await migrate(db, { getMigrations: async () => MIGRATIONS });
  });
}

/** A fresh migrated database of its own; `close` leaves it behind, it goes with its server. */
export async function createDatabase(adminUrl: string): Promise<Database> {
  const name = `pabx_${randomBytes(6).toString('hex')}`;
  await asAdmin(adminUrl, (admin) => admin.pool.query(`create database ${name} template ${TEMPLATE}`));
  const url = urlOf(adminUrl, name);
  return { url, ...connectPostgres(url, ignore) };
}
