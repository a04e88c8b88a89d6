import { deleteUnused } from '../../admin/delete-unused.ts';
import { listLosses } from '../../admin/list-losses.ts';
import { takePricesBack } from '../../admin/save-prices.ts';
import { changeSalesPlan, createSalesPlan } from '../../admin/save-sales-plan.ts';
import { say } from '../../contract/language.ts';
import { listLossesRoute } from '../../contract/losses.ts';
import {
  changeSalesPlanRoute,
  createSalesPlanRoute,
  deleteSalesPlanRoute,
  deleteSalesPlanVersionRoute,
  listSalesPlansRoute,
  listSalesPlanVersionsRoute,
  readSalesPlanRoute,
  type SalesPlan,
} from '../../contract/sales-plans.ts';
import { levelOf, type Permissions } from '../../domain/permissions.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import { listVersions } from '../../stores/postgres/plan-versions.ts';
import { findSalesPlan, listSalesPlans, type PlanSight } from '../../stores/postgres/sales-plans.ts';
import type { Binder } from '../bind.ts';
import { presentPlan, presentVersion } from '../present-prices.ts';

/** Where the panel hides which plan a subscriber or its lines have, the plan itself is not there either. */
function sightOf(permissions: Permissions | null): PlanSight | null {
  if (permissions === null) return null;
  return {
    subscribers: levelOf(permissions, 'subscriber.sales_plan') !== 'HIDDEN',
    lines: levelOf(permissions, 'line.sales_plan') !== 'HIDDEN',
  };
}

async function one(tx: Tx, sales_plan_id: string, permissions: Permissions | null): Promise<SalesPlan> {
  const row = await findSalesPlan(tx, sales_plan_id, sightOf(permissions));
  if (!row) throw notFound();
  return presentPlan(row);
}

const IN_USE = say(
  'subscribers, lines or calls have it: set it INACTIVE instead',
  'assinantes, linhas ou chamadas o usam: torne-o INACTIVE',
);

/** Sales plans: a reseller's own, and for subscribers to look at. */
export function addSalesPlanRoutes({ bind }: Binder): void {
  bind(listSalesPlansRoute, async ({ tx, query, permissions }) => {
    const { items, next_cursor } = await listSalesPlans(tx, query, query, sightOf(permissions));
    return { items: items.map(presentPlan), next_cursor };
  });

  bind(readSalesPlanRoute, ({ tx, params, permissions }) => one(tx, params.sales_plan_id, permissions));

  bind(createSalesPlanRoute, async ({ tx, viewer, body, permissions }) =>
    one(tx, await createSalesPlan(tx, viewer.tenant, viewer.actor.name, body), permissions),
  );

  bind(changeSalesPlanRoute, async ({ tx, params, viewer, body, permissions, if_match }) => {
    await changeSalesPlan(tx, params.sales_plan_id, if_match, viewer.actor.name, body);
    return one(tx, params.sales_plan_id, permissions);
  });

  bind(deleteSalesPlanRoute, async ({ tx, params, if_match }) => {
    await deleteUnused(tx, 'sales_plans', params.sales_plan_id, if_match, IN_USE);
    return null;
  });

  bind(listSalesPlanVersionsRoute, async ({ tx, params, query, permissions }) => {
    await one(tx, params.sales_plan_id, permissions);
    const { items, next_cursor } = await listVersions(tx, params, query);
    return { items: items.map(presentVersion), next_cursor };
  });

  bind(listLossesRoute, ({ tx, params, query }) => listLosses(tx, params.sales_plan_id, query));

  bind(deleteSalesPlanVersionRoute, async ({ tx, params: { sales_plan_id, version_id } }) => {
    await takePricesBack(tx, { sales_plan_id }, version_id);
    return null;
  });
}
