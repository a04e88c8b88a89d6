import type { FastifyInstance } from 'fastify';

/** One dependency's health in words, or null when it is well. */
export type HealthCheck = () => Promise<string | null>;

/** `/health/live`: the process answers. `/health/ready`: every dependency in words, 503 when one is away. */
export function addHealth(app: FastifyInstance, checks: Readonly<Record<string, HealthCheck>>): void {
  app.get('/health/live', async () => ({ status: 'ok' }));
  app.get('/health/ready', async (_request, reply) => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, (await check()) ?? 'ok'] as const),
    );
    const ok = results.every(([, state]) => state === 'ok');
    return reply
      .code(ok ? 200 : 503)
      .send({ status: ok ? 'ok' : 'degraded', ...Object.fromEntries(results) });
  });
}
