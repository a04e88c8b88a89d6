import type { TestProject } from 'vitest/node';
import { announce } from '../dev/services/announce.ts';
import { type AsteriskRoot, ensureAsteriskRoot } from '../dev/services/asterisk-root.ts';
import { MissingServiceError } from '../dev/services/errors.ts';
import { startPostgres } from '../dev/services/postgres.ts';
import { startRedis } from '../dev/services/redis.ts';
import { ensureSipp } from '../dev/services/sipp.ts';
import { prepareTemplate } from '../dev/world/database.ts';
import { readSettings } from '../dev/world/settings.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser's URL; databases are copied from its template. */
    postgresUrl: string;
    /** Where Asterisk is, or why there is none: then every test that needs it fails with this message. */
    asterisk: AsteriskRoot | { kind: 'missing'; message: string };
  }
}

async function findAsterisk(): Promise<AsteriskRoot | { kind: 'missing'; message: string }> {
  const { cacheDir, asteriskChroot } = readSettings();
  try {
    await ensureSipp();
    return await ensureAsteriskRoot(
      asteriskChroot ? { cacheDir, existingChroot: asteriskChroot } : { cacheDir },
    );
  } catch (error) {
    if (!(error instanceof MissingServiceError)) throw error;
    announce(`${error.message}. The tests that need it will fail.`);
    return { kind: 'missing', message: error.message };
  }
}

/** Once per run: the servers that all test files share, real ones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  announce(`Node ${process.version}`);
  const postgres = await startPostgres({ durable: false });
  await prepareTemplate(postgres.url);
  await (await startRedis()).stop();
  project.provide('postgresUrl', postgres.url);
  project.provide('asterisk', await findAsterisk());
  return () => postgres.stop();
}
