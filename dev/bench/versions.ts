import { release } from 'node:os';
import { runCommand } from '../services/command.ts';
import { ensureSipp } from '../services/sipp.ts';
import type { World } from '../world/world.ts';

const firstMatch = (text: string, pattern: RegExp) => pattern.exec(text)?.[1] ?? 'unknown';

/** What was measured with: name and version of everything that has a part in it. */
export async function readVersions({ pabx, database }: World): Promise<string> {
  const asterisk = await pabx.asterisk().rx('core show version');
  const redis = await runCommand('redis-server', ['--version']);
  const { rows } = await database.pool.query<{ server_version: string }>('show server_version');
  const sipp = await runCommand(await ensureSipp(), ['-v']);
  return [
    `Asterisk ${firstMatch(asterisk, /Asterisk (\S+)/)}`,
    `Node ${process.version.slice(1)}`,
    `Redis ${firstMatch(redis.stdout, /v=(\S+)/)}`,
    `Postgres ${firstMatch(rows[0]?.server_version ?? '', /^(\S+)/)}`,
    `SIPp ${firstMatch(sipp.stdout + sipp.stderr, /SIPp v?([\w.]+)/)}`,
    `Linux ${release()}`,
  ].join(', ');
}
