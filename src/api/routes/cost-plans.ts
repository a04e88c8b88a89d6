import { changeCostPlan, createCostPlan, deleteCostPlan } from '../../admin/save-cost-plan.ts';
import { takePricesBack } from '../../admin/save-prices.ts';
import {
  type CostPlan,
  changeCostPlanRoute,
  createCostPlanRoute,
  deleteCostPlanRoute,
  deleteCostPlanVersionRoute,
  listCostPlansRoute,
  listCostPlanVersionsRoute,
  readCostPlanRoute,
} from '../../contract/cost-plans.ts';
import { findCostPlan, listCostPlans } from '../../stores/postgres/cost-plans.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import { listVersions } from '../../stores/postgres/plan-versions.ts';
import type { Binder } from '../bind.ts';
import { presentPlan, presentVersion } from '../present-prices.ts';

async function one(tx: Tx, cost_plan_id: string): Promise<CostPlan> {
  const row = await findCostPlan(tx, cost_plan_id);
  if (!row) throw notFound();
  return presentPlan(row);
}

/** Cost plans: the master's to keep; a reseller looks at the one that it buys by. */
export function addCostPlanRoutes({ bind }: Binder): void {
  bind(listCostPlansRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listCostPlans(tx, query, query);
    return { items: items.map(presentPlan), next_cursor };
  });

  bind(readCostPlanRoute, ({ tx, params }) => one(tx, params.cost_plan_id));

  bind(createCostPlanRoute, async ({ tx, viewer, body }) =>
    one(tx, await createCostPlan(tx, viewer.actor.name, body)),
  );

  bind(changeCostPlanRoute, async ({ tx, viewer, params, body, if_match }) => {
    await changeCostPlan(tx, params.cost_plan_id, if_match, viewer.actor.name, body);
    return one(tx, params.cost_plan_id);
  });

  bind(deleteCostPlanRoute, async ({ tx, params, if_match }) => {
    await deleteCostPlan(tx, params.cost_plan_id, if_match);
    return null;
  });

  bind(listCostPlanVersionsRoute, async ({ tx, params, query }) => {
    await one(tx, params.cost_plan_id);
    const { items, next_cursor } = await listVersions(tx, params, query);
    return { items: items.map(presentVersion), next_cursor };
  });

  bind(deleteCostPlanVersionRoute, async ({ tx, params: { cost_plan_id, version_id } }) => {
    await takePricesBack(tx, { cost_plan_id }, version_id);
    return null;
  });
}
