import type { CostPlanChange, NewCostPlan } from '../contract/cost-plans.ts';
import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import { lockVersion, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { isCostPlanInRecords } from '../stores/postgres/plan-versions.ts';
import { deleteUnused } from './delete-unused.ts';
import { nameDuplicate } from './name-duplicate.ts';
import { addFirstPrices, changePrices } from './save-prices.ts';

/** Creates a cost plan whose rates hold from now on. Gives its id. Throws CONFLICT. */
export async function createCostPlan(tx: Tx, author: string, body: NewCostPlan): Promise<string> {
  const { rates, name, status } = body;
  const { id } = await tx
    .insertInto('cost_plans')
    .values({ name, status })
    .returning('id')
    .executeTakeFirstOrThrow()
    .catch(nameDuplicate);
  await addFirstPrices(tx, { cost_plan_id: id }, author, rates);
  return id;
}

/**
 * Changes the fields that are there; rates are replaced as a whole. Throws NOT_FOUND, PRECONDITION_FAILED, CONFLICT,
 * INVALID_REQUEST.
 */
export async function changeCostPlan(
  tx: Tx,
  cost_plan_id: string,
  version: number,
  author: string,
  change: CostPlanChange,
): Promise<void> {
  const { rates, pricing, valid_from, ...fields } = change;
  await lockVersion(tx, 'cost_plans', cost_plan_id, version);
  await setColumns(tx, 'cost_plans', cost_plan_id, fields).catch(nameDuplicate);
  await changePrices(tx, { cost_plan_id }, version, author, { rates, pricing, valid_from });
}

const IN_USE = say(
  'trunks or resellers have it, or calls were rated by it: set it INACTIVE instead',
  'troncos ou revendas o usam, ou chamadas foram tarifadas por ele: torne-o INACTIVE',
);

/** Deletes a cost plan that nothing needs. Throws NOT_FOUND, PRECONDITION_FAILED, CONFLICT. */
export async function deleteCostPlan(tx: Tx, cost_plan_id: string, version: number): Promise<void> {
  await lockVersion(tx, 'cost_plans', cost_plan_id, version);
  if (await isCostPlanInRecords(tx, cost_plan_id)) throw new ProblemError('CONFLICT', IN_USE);
  await deleteUnused(tx, 'cost_plans', cost_plan_id, version, IN_USE);
}
