import type { Redis } from 'ioredis';

/*
 * The least that limits a call by scripts: one set of leases and one balance, and no record, source, cadence or second
 * wallet. What the whole is compared with.
 */

const TAKE = `
local now = redis.call('TIME')
local at = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
if redis.call('DECRBY', KEYS[2], ARGV[3]) < 0 then redis.call('INCRBY', KEYS[2], ARGV[3]) return 0 end
redis.call('ZADD', KEYS[1], at + 60000, ARGV[1])
return 1`;
const EXTEND = `
if redis.call('ZSCORE', KEYS[1], ARGV[1]) == false then return 0 end
if redis.call('DECRBY', KEYS[2], ARGV[2]) < 0 then redis.call('INCRBY', KEYS[2], ARGV[2]) return 0 end
return 1`;
const RELEASE = `
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('INCRBY', KEYS[2], ARGV[2])
return 1`;

type Script = (...args: (string | number)[]) => Promise<number>;

const PLENTY_micros = 1e15;

/** Fills the payers' balances. Gives one call: taken, extended once, released with what it did not need. */
export async function bareLeases(
  redis: Redis,
  payers: readonly string[],
): Promise<(call: string, payer: string) => Promise<void>> {
  for (const payer of payers) await redis.set(`bench:balance:${payer}`, PLENTY_micros);
  const script = (name: string, lua: string): Script => {
    redis.defineCommand(name, { lua, numberOfKeys: 2 });
    return (Reflect.get(redis, name) as Script).bind(redis);
  };
  const [take, extend, release] = [
    script('bareTake', TAKE),
    script('bareExtend', EXTEND),
    script('bareRelease', RELEASE),
  ];
  return async (call, payer) => {
    const [slots, balance] = [`bench:slots:${payer}`, `bench:balance:${payer}`];
    const done = [
      await take(slots, balance, call, 1_000, 60_000),
      await extend(slots, balance, call, 60_000),
      await release(slots, balance, call, 90_000),
    ];
    if (done.includes(0)) throw new Error('a bare script refused');
  };
}
