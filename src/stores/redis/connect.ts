import { Redis } from 'ioredis';

/**
 * A connection that says at once when Redis is away instead of queueing: a call that waits for a decision
 * must get one. It reconnects for ever.
 */
export function connectRedis(url: string, onError: (error: Error) => void): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 2_000,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(attempt * 50, 1_000) * (0.5 + Math.random() / 2),
  });
  redis.on('error', onError);
  return redis;
}

/** Identity of the running server process: it changes when Redis restarts, whatever its files brought back. */
export async function redisRunId(redis: Redis): Promise<string> {
  const info = await redis.info('server');
  const runId = /^run_id:(\w+)/m.exec(info)?.[1];
  if (!runId) throw new Error('Redis did not tell its run_id');
  return runId;
}
