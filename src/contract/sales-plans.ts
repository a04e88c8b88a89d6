import { z } from 'zod';
import { CALL_CLASS_FACTS, CALL_CLASSES, type CallClass } from '../domain/call-class.ts';
import { MAX_PRICE_MICROS_PER_MINUTE } from '../domain/money.ts';
import { dateTimeSchema, microsSchema, textSchema } from './fields.ts';
import { say } from './language.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, nothingSchema } from './route.ts';

const id = z.strictObject({ sales_plan_id: z.uuid() });
const staff = ['MASTER', 'RESELLER'] as const;
const status = z.enum(['ACTIVE', 'INACTIVE']);

const PRICED_CLASSES = CALL_CLASSES.filter((name) => !CALL_CLASS_FACTS[name].free);

const priceSchema = z
  .string()
  .refine(
    (text) => /^(0|[1-9]\d{0,9})$/.test(text) && BigInt(text) <= MAX_PRICE_MICROS_PER_MINUTE,
    say(
      'micro-reais from 0 to R$ 1,000, as an integer in a string',
      'micro-reais de 0 a R$ 1.000, como inteiro em texto',
    ),
  );

/** A class without a rate cannot be called on the plan. */
const rateSchema = z.strictObject({
  call_class: z.enum(PRICED_CLASSES as [CallClass, ...CallClass[]]),
  price_micros_per_minute: priceSchema,
  initial_seconds: z.int().min(1).max(3600),
  increment_seconds: z.int().min(1).max(3600),
  free_threshold_seconds: z.int().min(0).max(3600),
});
export type SalesPlanRate = z.output<typeof rateSchema>;

const ratesSchema = z
  .array(rateSchema)
  .max(PRICED_CLASSES.length)
  .refine(
    (rates) => new Set(rates.map(({ call_class }) => call_class)).size === rates.length,
    say('each class has one rate', 'cada classe tem uma tarifa só'),
  );

const fields = { name: textSchema(80), status, rates: ratesSchema };

export const newSalesPlanSchema = z.strictObject({
  /** Only for the master: whose plan it will be. */
  reseller_id: z.uuid().optional(),
  ...fields,
  status: status.default('ACTIVE'),
});
export type NewSalesPlan = z.output<typeof newSalesPlanSchema>;

export const salesPlanChangeSchema = z.strictObject(fields).partial();
export type SalesPlanChange = z.output<typeof salesPlanChangeSchema>;

export const salesPlanSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  name: z.string(),
  status,
  rates: z.array(
    z.object({
      call_class: z.enum(CALL_CLASSES),
      price_micros_per_minute: microsSchema,
      initial_seconds: z.int(),
      increment_seconds: z.int(),
      free_threshold_seconds: z.int(),
    }),
  ),
  version: z.int(),
  created_at: dateTimeSchema,
});
export type SalesPlan = z.infer<typeof salesPlanSchema>;

export const listSalesPlansRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/sales-plans',
  name: 'listSalesPlans',
  tag: 'sales-plans',
  summary: 'Sales plans with their rates; a subscriber finds those that it uses',
  query: listQuery('name', '-created_at').extend({
    reseller_id: z.uuid().optional(),
    status: status.optional(),
  }),
  reply: pageOf(salesPlanSchema),
});

export const readSalesPlanRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/sales-plans/:sales_plan_id',
  name: 'readSalesPlan',
  tag: 'sales-plans',
  summary: 'One sales plan with its rates',
  params: id,
  reply: salesPlanSchema,
});

export const createSalesPlanRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/sales-plans',
  name: 'createSalesPlan',
  tag: 'sales-plans',
  summary: 'Creates a sales plan with its rates',
  roles: staff,
  body: newSalesPlanSchema,
  reply: salesPlanSchema,
});

export const changeSalesPlanRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/sales-plans/:sales_plan_id',
  name: 'changeSalesPlan',
  tag: 'sales-plans',
  summary: 'Changes the fields that are sent; rates are replaced as a whole and hold from the next call',
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
