import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the machine's owner may set for demo, tests and benchmarks; README.md lists it. */
export interface Settings {
  /** Where what takes long to build is kept between runs. */
  readonly cacheDir: string;
  readonly asteriskChroot: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
}

export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const set = (name: string) => environment[name] || undefined;
  return {
    cacheDir: set('PABX_CACHE_DIR') ?? join(homedir(), '.cache', 'pabx-virtual'),
    asteriskChroot: set('PABX_ASTERISK_CHROOT'),
    databaseUrl: set('DATABASE_URL'),
    redisUrl: set('REDIS_URL'),
  };
}
