import type { FastifyInstance } from 'fastify';
import { createLine } from '../admin/create-line.ts';
import { topUp } from '../admin/top-up.ts';
import type { LiveBoard, LiveScope } from '../calls/live-board.ts';
import { listCallsRoute, listLiveCallsRoute, listRefusalsRoute } from '../contract/calls.ts';
import { createLineRoute } from '../contract/lines.ts';
import { listSubscribersRoute, topUpRoute } from '../contract/subscribers.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { listCalls, listRefusals, listSubscribers } from '../stores/postgres/reports.ts';
import type { Tenant } from '../stores/postgres/tokens.ts';
import type { Wallet } from '../stores/postgres/wallets.ts';
import type { Authenticate } from './authenticate.ts';
import { bind } from './bind.ts';

/** The live rows that a tenant may see. */
export function scopeOf(tenant: Tenant): LiveScope {
  switch (tenant.role) {
    case 'MASTER':
      return {};
    case 'RESELLER':
      return { reseller_id: tenant.reseller_id };
    case 'SUBSCRIBER':
      return { subscriber_id: tenant.subscriber_id };
  }
}

export interface RouteDependencies {
  readonly db: Db;
  readonly board: LiveBoard;
  readonly authenticate: Authenticate;
  /** Lets running calls know of money that came in. */
  readonly walletChanged: (wallet: Wallet) => void;
}

export function addRoutes(app: FastifyInstance, deps: RouteDependencies): void {
  const { db, board, authenticate, walletChanged } = deps;

  bind(app, authenticate, listSubscribersRoute, async ({ tenant }) => {
    const live = board.rows(scopeOf(tenant));
    const items = (await listSubscribers(db, tenant)).map((subscriber) => ({
      ...subscriber,
      balance_micros: subscriber.balance_micros.toString(),
      credit_limit_micros: subscriber.credit_limit_micros.toString(),
      live_calls: live.filter((row) => row.subscriber_id === subscriber.id).length,
    }));
    return { items };
  });

  bind(app, authenticate, topUpRoute, async ({ tenant, params, body }) => {
    const wallet = await topUp(db, tenant, params.id, BigInt(body.amount_micros), body.reference);
    walletChanged(wallet);
    return { balance_micros: wallet.balance_micros.toString() };
  });

  bind(app, authenticate, createLineRoute, ({ tenant, body }) => createLine(db, tenant, body));

  bind(app, authenticate, listLiveCallsRoute, async ({ tenant }) => ({ items: board.rows(scopeOf(tenant)) }));

  bind(app, authenticate, listCallsRoute, async ({ tenant, query }) => ({
    items: (await listCalls(db, tenant, query.limit)).map((call) => ({
      ...call,
      created_at: call.created_at.toISOString(),
      ringing_at: call.ringing_at?.toISOString() ?? null,
      answered_at: call.answered_at?.toISOString() ?? null,
      ended_at: call.ended_at.toISOString(),
      total_micros: call.total_micros.toString(),
    })),
  }));

  bind(app, authenticate, listRefusalsRoute, async ({ tenant, query }) => ({
    items: (await listRefusals(db, tenant, query.limit)).map((refusal) => ({
      ...refusal,
      created_at: refusal.created_at.toISOString(),
    })),
  }));
}
