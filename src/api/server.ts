import helmet from '@fastify/helmet';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { BlockLinks } from '../admin/block-links.ts';
import type { PostalCodes } from '../admin/find-postal-code.ts';
import type { Publisher } from '../admin/publish-revisions.ts';
import type { SignInDependencies } from '../admin/sign-in.ts';
import type { DecisionTimes } from '../calls/decision-times.ts';
import type { Directory } from '../calls/directory.ts';
import type { HangUp } from '../calls/hang-up.ts';
import type { LiveBoard } from '../calls/live-board.ts';
import type { ServerState } from '../calls/switches.ts';
import { ROUTES } from '../contract/routes.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { Revocations } from '../stores/redis/sessions.ts';
import { createAuthenticate } from './authenticate.ts';
import { type Binder, createBinder } from './bind.ts';
import { addDocs } from './docs.ts';
import { createEndSessions } from './end-sessions.ts';
import { addHealth, type HealthCheck } from './health.ts';
import { addLiveStream } from './live.ts';
import { addMetrics } from './metrics.ts';
import { answerError, answerWithProblems } from './problems.ts';
import { addProvisioning } from './provisioning.ts';
import { addApiKeyRoutes } from './routes/api-keys.ts';
import { addAuditRoutes } from './routes/audit.ts';
import { addBlockRoutes } from './routes/blocks.ts';
import { addBundleUsageRoutes } from './routes/bundle-usage.ts';
import { addCallRoutes } from './routes/calls.ts';
import { addCorrectionRoutes, type MoneyDependencies } from './routes/corrections.ts';
import { addCostPlanRoutes } from './routes/cost-plans.ts';
import { addDeckRoutes } from './routes/decks.ts';
import { addHangUpRoute } from './routes/hang-up.ts';
import { addJobRoutes } from './routes/jobs.ts';
import { addLineRoutes } from './routes/lines.ts';
import { addMinuteBundleRoutes } from './routes/minute-bundles.ts';
import { addNoticeRoutes } from './routes/notices.ts';
import { addNumberRoutes } from './routes/numbers.ts';
import { addPermissionProfileRoutes } from './routes/permission-profiles.ts';
import { addPostalCodeRoutes } from './routes/postal-codes.ts';
import { addReRatingRoutes } from './routes/re-ratings.ts';
import { addReceiptRoutes } from './routes/receipts.ts';
import { addResellerRoutes } from './routes/resellers.ts';
import { addRingGroupRoutes } from './routes/ring-groups.ts';
import { addSalesPlanRoutes } from './routes/sales-plans.ts';
import { addServerRoutes } from './routes/servers.ts';
import { addSessionRoutes } from './routes/sessions.ts';
import { addStatementRoutes } from './routes/statements.ts';
import { addSubscriberRoutes } from './routes/subscribers.ts';
import { addTopUpRoutes } from './routes/top-ups.ts';
import { addTrunkRoutes } from './routes/trunks.ts';
import { addUserRoutes } from './routes/users.ts';
import { addUnblockPage } from './unblock-page.ts';

export interface ApiDependencies extends SignInDependencies, MoneyDependencies {
  /** A pool whose connections are nobody until a transaction takes a tenant's role. */
  readonly tenants: Db;
  readonly revocations: Revocations;
  readonly board: LiveBoard;
  readonly decisionTimes: DecisionTimes;
  readonly hangUp: HangUp;
  /** Links that lift blocks. */
  readonly links: BlockLinks;
  /** What decides calls, for asking what one would cost. */
  readonly directory: Directory;
  readonly publisher: Publisher;
  readonly postalCodes: PostalCodes;
  readonly logger: FastifyBaseLogger;
  /** Somebody asked for a job. */
  readonly ringJobs: () => void;
  readonly health: Readonly<Record<string, HealthCheck>>;
  readonly servers: () => readonly ServerState[];
  readonly settings: {
    /** Origins of the panel; empty: whatever host was asked. */
    readonly origins: readonly string[];
    /** Whether X-Forwarded-For is to be believed. */
    readonly trust_proxy: boolean;
    /** Opens /metrics; without one it answers to this machine only. */
    readonly metrics_token: string | null;
    /** How often viewers of live calls are looked after. */
    readonly live_ping_ms: number;
  };
}

function addRoutes(binder: Binder, deps: ApiDependencies): void {
  const { system, sessions, board, logger, settings, revocations } = deps;
  const onFailure = (error: Error) => logger.error({ err: error }, 'sessions could not be ended');
  addSessionRoutes(binder, { ...deps, origins: settings.origins });
  addUserRoutes(binder, { system, sessions, onFailure });
  addApiKeyRoutes(binder, { onRevoked: (id) => void revocations.publish([id]).catch(onFailure) });
  const endSessions = createEndSessions(sessions, onFailure);
  addResellerRoutes(binder, endSessions);
  addSubscriberRoutes(binder, { board, endSessions, walletChanged: deps.walletChanged });
  addPermissionProfileRoutes(binder);
  addSalesPlanRoutes(binder);
  addCostPlanRoutes(binder);
  addMinuteBundleRoutes(binder);
  addLineRoutes(binder);
  addNumberRoutes(binder);
  addRingGroupRoutes(binder);
  addServerRoutes(binder);
  addTrunkRoutes(binder);
  addTopUpRoutes(binder, deps);
  addCorrectionRoutes(binder, deps);
  addStatementRoutes(binder);
  addBundleUsageRoutes(binder);
  addBlockRoutes(binder, deps);
  addNoticeRoutes(binder);
  addCallRoutes(binder, board);
  addHangUpRoute(binder, deps);
  addReceiptRoutes(binder, deps.directory);
  addAuditRoutes(binder);
  addJobRoutes(binder);
  addDeckRoutes(binder, deps.ringJobs);
  addReRatingRoutes(binder, deps.ringJobs);
  addPostalCodeRoutes(binder, deps.postalCodes);
  const missing = ROUTES.filter((route) => !binder.bound.includes(route)).map(({ name }) => name);
  if (missing.length > 0 || binder.bound.length !== ROUTES.length)
    throw new Error(`the contract and the API differ: ${missing.join(', ') || 'more is bound than listed'}`);
}

/** The HTTP face of the service, not yet listening. */
export function createApi(deps: ApiDependencies): FastifyInstance {
  const { system, tenants, sessions, board, publisher, logger, revocations, settings } = deps;
  const app = Fastify({
    loggerInstance: logger,
    // A line per request would drown what the log says about calls; failures are logged by answerWithProblems.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 256 * 1024,
    // An address that is none never reaches a route.
    frameworkErrors: answerError,
    trustProxy: settings.trust_proxy,
  });
  answerWithProblems(app);
  app.register(helmet, { contentSecurityPolicy: false });
  const authenticate = createAuthenticate({ db: system, sessions, origins: settings.origins });
  const { decisionTimes, servers } = deps;
  addMetrics(app, { board, decisionTimes, system, servers, token: settings.metrics_token });
  addHealth(app, deps.health);
  addDocs(app, ROUTES);
  addProvisioning(app, system, publisher);
  addUnblockPage(app, deps);
  addRoutes(createBinder({ app, tenants, authenticate }), deps);
  addLiveStream(app, {
    board,
    authenticate,
    tenants,
    revocations,
    origins: settings.origins,
    ping_ms: settings.live_ping_ms,
  });
  return app;
}
