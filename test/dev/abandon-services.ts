// Started by services.test.ts and killed by it: says what it started, and waits for its end.

import { freePort } from '../../dev/services/ports.ts';
import { startPostgres } from '../../dev/services/postgres.ts';
import { startRedis } from '../../dev/services/redis.ts';
import { startSipp } from '../../dev/services/sipp.ts';
import { minimalAsterisk } from './minimal-asterisk.ts';

const [dir = '.'] = process.argv.slice(2);
const args = ['-i', '127.0.0.1', '-p', String(await freePort())];
const [postgres, redis, sipp, asterisk] = await Promise.all([
  startPostgres({ durable: false }),
  startRedis(),
  startSipp({ name: 'uas', scenario: { builtin: 'uas' }, args, dir }),
  minimalAsterisk().then((instance) => instance.start()),
]);
console.log(JSON.stringify([postgres.pid(), redis.pid(), sipp.pid, asterisk.pid]));
setInterval(() => {}, 1000);
