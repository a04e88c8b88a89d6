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

const id = z.strictObject({ sales_plan_id: z.uuid() });
const staff = ['MASTER', 'RESELLER'] as const;

const fields = {
  name: textSchema(80),
  status: planStatusSchema,
  /** Whether the prices are what the subscriber pays, or taxes come on top: told to whoever makes the invoice. */
  prices_include_taxes: z.boolean(),
};

export const newSalesPlanSchema = z.strictObject({
  /** Only for the master: whose plan it will be. */
  reseller_id: z.uuid().optional(),
  ...fields,
  status: planStatusSchema.default('ACTIVE'),
  prices_include_taxes: z.boolean().default(true),
  rates: ratesSchema,
});
export type NewSalesPlan = z.output<typeof newSalesPlanSchema>;

export const salesPlanChangeSchema = z
  .strictObject({ ...fields, ...priceChange })
  .partial()
  .refine(...pricesAreSent);
export type SalesPlanChange = z.output<typeof salesPlanChangeSchema>;

export const salesPlanSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  name: z.string(),
  status: planStatusSchema,
  prices_include_taxes: z.boolean(),
  ...shownPrices,
  version: z.int(),
  created_at: dateTimeSchema,
});
export type SalesPlan = z.infer<typeof salesPlanSchema>;

export const listSalesPlansRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/sales-plans',
  name: 'listSalesPlans',
  tag: 'sales-plans',
  summary: 'Sales plans with the rates that hold now; a subscriber finds those that it uses',
  query: listQuery('name', '-created_at').extend({
    reseller_id: z.uuid().optional(),
    status: planStatusSchema.optional(),
  }),
  reply: pageOf(salesPlanSchema),
});

export const readSalesPlanRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/sales-plans/:sales_plan_id',
  name: 'readSalesPlan',
  tag: 'sales-plans',
  summary: 'One sales plan with the rates that hold now',
  params: id,
  reply: salesPlanSchema,
});

export const createSalesPlanRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/sales-plans',
  name: 'createSalesPlan',
  tag: 'sales-plans',
  summary: 'Creates a sales plan whose rates hold from now on',
  roles: staff,
  body: newSalesPlanSchema,
  reply: salesPlanSchema,
});

export const changeSalesPlanRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/sales-plans/:sales_plan_id',
  name: 'changeSalesPlan',
  tag: 'sales-plans',
  summary:
    'Changes the fields that are sent; rates are replaced as a whole and hold from the next call, or from valid_from',
  roles: staff,
  params: id,
  body: salesPlanChangeSchema,
  reply: salesPlanSchema,
  edits: true,
});

export const deleteSalesPlanRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/sales-plans/:sales_plan_id',
  name: 'deleteSalesPlan',
  tag: 'sales-plans',
  summary: 'Deletes a sales plan that nobody ever used; any other is set INACTIVE instead',
  roles: staff,
  params: id,
  reply: nothingSchema,
  edits: true,
});

export const listSalesPlanVersionsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/sales-plans/:sales_plan_id/versions',
  name: 'listSalesPlanVersions',
  tag: 'sales-plans',
  summary: 'Prices of a sales plan by when they begin to hold, with those of the past and those planned',
  roles: staff,
  params: id,
  query: rateVersionQuery,
  reply: pageOf(rateVersionSchema),
});

export const deleteSalesPlanVersionRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/sales-plans/:sales_plan_id/versions/:version_id',
  name: 'deleteSalesPlanVersion',
  tag: 'sales-plans',
  summary: 'Takes back planned prices that do not hold yet',
  roles: staff,
  params: id.extend({ version_id: z.uuid() }),
  reply: nothingSchema,
});
