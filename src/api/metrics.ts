import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { DecisionTimes } from '../calls/decision-times.ts';
import type { LiveBoard } from '../calls/live-board.ts';
import type { ServerState } from '../calls/switches.ts';
import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { lastProof } from '../stores/postgres/ledger-proofs.ts';
import { addServerMetrics } from './server-metrics.ts';

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;
const BUCKETS_seconds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const DECISION_BUCKETS_seconds = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];

const digest = (text: string) => createHash('sha256').update(text).digest();

/** By the connection itself: what a proxy passes on comes from elsewhere, whatever its headers say. */
function isFromHere({ socket, headers }: FastifyRequest): boolean {
  const forwarded = headers['x-forwarded-for'] ?? headers.forwarded;
  return forwarded === undefined && LOOPBACK.test(socket.remoteAddress ?? '');
}

function mayRead(request: FastifyRequest, token: string | null): boolean {
  if (token === null) return isFromHere(request);
  const sent = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(sent), digest(token));
}

export interface MetricsDependencies {
  readonly board: LiveBoard;
  readonly decisionTimes: DecisionTimes;
  readonly system: Db;
  readonly servers: () => readonly ServerState[];
  /** Opens it; without one it answers to this machine only. */
  readonly token: string | null;
}

function addDecisions(registry: Registry, decisionTimes: DecisionTimes): void {
  const decisions = new Histogram({
    name: 'pabx_decision_seconds',
    help: 'Time in this process from the offer of a call to its decision',
    buckets: DECISION_BUCKETS_seconds,
    registers: [registry],
  });
  decisionTimes.watch((took_ms) => decisions.observe(took_ms / 1000));
}

/**
 * `/metrics` for Prometheus: requests by route and status, live calls, decisions, servers and drift, the last proof of the
 * ledger, the process itself.
 */
export function addMetrics(
  app: FastifyInstance,
  { board, decisionTimes, system, servers, token }: MetricsDependencies,
): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addDecisions(registry, decisionTimes);
  addServerMetrics(registry, servers);
  const requests = new Histogram({
    name: 'pabx_http_request_duration_seconds',
    help: 'Time to answer, by route of the contract and status',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: BUCKETS_seconds,
    registers: [registry],
  });
  new Gauge({
    name: 'pabx_live_calls',
    help: 'Calls that run now',
    registers: [registry],
    collect() {
      this.set(board.rows({}).length);
    },
  });
  new Gauge({
    name: 'pabx_ledger_differences',
    help: 'What the last proof of the ledger found to differ; no sample before the first proof',
    registers: [registry],
    async collect() {
      this.reset();
      // While the database is away there is no sample, and everything else is still told.
      const proof = await lastProof(system).catch(() => null);
      if (proof) this.set(proof.differences);
      else this.remove();
    },
  });
  app.addHook('onResponse', async (request, reply) => {
    // Routes by their pattern: ids would make a series each, and paths of scanners one each more.
    const route = request.routeOptions.url ?? 'unknown';
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', async (request, reply) => {
    if (!mayRead(request, token))
      throw new ProblemError('NOT_FOUND', say('there is nothing here', 'não há nada aqui'));
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
