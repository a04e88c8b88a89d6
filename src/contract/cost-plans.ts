import { z } from 'zod';
import { dateTimeSchema, textSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import {
  planStatusSchema,
  priceChange,
  pricesAreSent,
  ratesSchema,
  rateVersionQuery,
  rateVersionSchema,
  shownPrices,
} from './prices.ts';
import { defineRoute, nothingSchema } from './route.ts';

const id = z.strictObject({ cost_plan_id: z.uuid() });
const master = ['MASTER'] as const;
const staff = ['MASTER', 'RESELLER'] as const;

const fields = { name: textSchema(80), status: planStatusSchema };

export const newCostPlanSchema = z.strictObject({
  ...fields,
  status: planStatusSchema.default('ACTIVE'),
  rates: ratesSchema,
});
export type NewCostPlan = z.output<typeof newCostPlanSchema>;

export const costPlanChangeSchema = z
  .strictObject({ ...fields, ...priceChange })
  .partial()
  .refine(...pricesAreSent);
export type CostPlanChange = z.output<typeof costPlanChangeSchema>;

export const costPlanSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  status: planStatusSchema,
  ...shownPrices,
  version: z.int(),
  created_at: dateTimeSchema,
});
export type CostPlan = z.infer<typeof costPlanSchema>;

export const listCostPlansRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/cost-plans',
  name: 'listCostPlans',
  tag: 'cost-plans',
  summary: 'Cost plans with the rates that hold now; a reseller finds the one that it buys by',
  roles: staff,
  query: listQuery('name', '-created_at').extend({ status: planStatusSchema.optional() }),
  reply: pageOf(costPlanSchema),
});

export const readCostPlanRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/cost-plans/:cost_plan_id',
  name: 'readCostPlan',
  tag: 'cost-plans',
  summary: 'One cost plan with the rates that hold now',
  roles: staff,
  params: id,
  reply: costPlanSchema,
});

export const createCostPlanRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/cost-plans',
  name: 'createCostPlan',
  tag: 'cost-plans',
  summary: 'Creates a cost plan, for trunks or for what resellers pay, whose rates hold from now on',
  roles: master,
  body: newCostPlanSchema,
  reply: costPlanSchema,
});

export const changeCostPlanRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/cost-plans/:cost_plan_id',
  name: 'changeCostPlan',
  tag: 'cost-plans',
  summary:
    'Changes the fields that are sent; rates are replaced as a whole and hold from the next call, or from valid_from',
  roles: master,
  params: id,
  body: costPlanChangeSchema,
  reply: costPlanSchema,
  edits: true,
});

export const deleteCostPlanRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/cost-plans/:cost_plan_id',
  name: 'deleteCostPlan',
  tag: 'cost-plans',
  summary: 'Deletes a cost plan that no trunk, reseller or call has; any other is set INACTIVE instead',
  roles: master,
  params: id,
  reply: nothingSchema,
  edits: true,
});

export const listCostPlanVersionsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/cost-plans/:cost_plan_id/versions',
  name: 'listCostPlanVersions',
  tag: 'cost-plans',
  summary: 'Prices of a cost plan by when they begin to hold, with those of the past and those planned',
  roles: staff,
  params: id,
  query: rateVersionQuery,
  reply: pageOf(rateVersionSchema),
});

export const deleteCostPlanVersionRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/cost-plans/:cost_plan_id/versions/:version_id',
  name: 'deleteCostPlanVersion',
  tag: 'cost-plans',
  summary: 'Takes back planned prices that do not hold yet',
  roles: master,
  params: id.extend({ version_id: z.uuid() }),
  reply: nothingSchema,
});
