import { z } from 'zod';
import { amountSchema, dateTimeSchema, microsSchema, textSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, nothingSchema } from './route.ts';

const id = z.strictObject({ minute_bundle_id: z.uuid() });
const staff = ['MASTER', 'RESELLER'] as const;

const fields = {
  name: textSchema(80),
  /** Whole minutes, as franquias are sold. */
  included_seconds: z.int().min(60).max(60_000_000).multipleOf(60),
  monthly_price_micros: amountSchema,
};

export const newMinuteBundleSchema = z.strictObject({
  /** Only for the master: whose franquia it will be. */
  reseller_id: z.uuid().optional(),
  ...fields,
});
export type NewMinuteBundle = z.output<typeof newMinuteBundleSchema>;

export const minuteBundleChangeSchema = z.strictObject(fields).partial();
export type MinuteBundleChange = z.output<typeof minuteBundleChangeSchema>;

export const minuteBundleSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  name: z.string(),
  included_seconds: z.int(),
  monthly_price_micros: microsSchema,
  version: z.int(),
  created_at: dateTimeSchema,
});
export type MinuteBundle = z.infer<typeof minuteBundleSchema>;

export const listMinuteBundlesRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/minute-bundles',
  name: 'listMinuteBundles',
  tag: 'minute-bundles',
  summary: 'Franquias; a subscriber finds those that it has',
  query: listQuery('name', '-created_at').extend({ reseller_id: z.uuid().optional() }),
  reply: pageOf(minuteBundleSchema),
});

export const readMinuteBundleRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/minute-bundles/:minute_bundle_id',
  name: 'readMinuteBundle',
  tag: 'minute-bundles',
  summary: 'One franquia',
  params: id,
  reply: minuteBundleSchema,
});

export const createMinuteBundleRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/minute-bundles',
  name: 'createMinuteBundle',
  tag: 'minute-bundles',
  summary: 'Creates a franquia',
  roles: staff,
  body: newMinuteBundleSchema,
  reply: minuteBundleSchema,
});

export const changeMinuteBundleRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/minute-bundles/:minute_bundle_id',
  name: 'changeMinuteBundle',
  tag: 'minute-bundles',
  summary: 'Changes a franquia; who has it gets the new minutes with its next cycle',
  roles: staff,
  params: id,
  body: minuteBundleChangeSchema,
  reply: minuteBundleSchema,
  edits: true,
});

export const deleteMinuteBundleRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/minute-bundles/:minute_bundle_id',
  name: 'deleteMinuteBundle',
  tag: 'minute-bundles',
  summary: 'Deletes a franquia that no subscriber has',
  roles: staff,
  params: id,
  reply: nothingSchema,
  edits: true,
});
