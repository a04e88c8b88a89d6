import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Publisher } from '../admin/publish-revisions.ts';
import type { LiveBoard } from '../calls/live-board.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { Wallet } from '../stores/postgres/wallets.ts';
import { createAuthenticate } from './authenticate.ts';
import { addLiveStream } from './live.ts';
import { answerWithProblems } from './problems.ts';
import { addProvisioning } from './provisioning.ts';
import { addRoutes } from './routes.ts';

/** One dependency's health in words, or null when it is well. */
export type HealthCheck = () => Promise<string | null>;

export interface ApiDependencies {
  readonly db: Db;
  readonly board: LiveBoard;
  readonly publisher: Publisher;
  readonly logger: FastifyBaseLogger;
  readonly walletChanged: (wallet: Wallet) => void;
  readonly health: Readonly<Record<string, HealthCheck>>;
}

function addHealth(app: FastifyInstance, checks: ApiDependencies['health']): void {
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

/** The HTTP face of the service, not yet listening. */
export function createApi(deps: ApiDependencies): FastifyInstance {
  const { db, board, publisher, logger } = deps;
  const app = Fastify({
    loggerInstance: logger,
    // A line per request would drown what the log says about calls; failures are logged by answerWithProblems.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 256 * 1024,
  });
  const authenticate = createAuthenticate(db);
  answerWithProblems(app);
  addHealth(app, deps.health);
  addProvisioning(app, db, publisher);
  addRoutes(app, { db, board, authenticate, walletChanged: deps.walletChanged });
  addLiveStream(app, board, authenticate);
  return app;
}
