import { z } from 'zod';
import { STATUSES } from '../domain/authorize.ts';
import { amountSchema, dateTimeSchema, e164Schema, emailSchema, microsSchema, textSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, nothingSchema } from './route.ts';

const id = z.strictObject({ reseller_id: z.uuid() });
const master = ['MASTER'] as const;
const staff = ['MASTER', 'RESELLER'] as const;
const quota = z.int().min(0).max(1_000_000).nullable();

const fields = {
  name: textSchema(120),
  legal_name: textSchema(160).nullable(),
  /** CPF or CNPJ (letters too); with or without its mask. */
  document: z.string().max(30).nullable(),
  email: emailSchema.nullable(),
  phone: e164Schema.nullable(),
  status: z.enum(STATUSES),
  max_concurrent_calls: z.int().min(0).max(100_000),
  /** null: as many as it likes. */
  max_subscribers: quota,
  max_lines: quota,
  /** The prices that it buys by; null: it is charged nothing. */
  cost_plan_id: z.uuid().nullable(),
  /** What it may owe the platform. */
  credit_limit_micros: amountSchema,
};

export const newResellerSchema = z.strictObject({
  ...fields,
  legal_name: fields.legal_name.default(null),
  document: fields.document.default(null),
  email: fields.email.default(null),
  phone: fields.phone.default(null),
  status: fields.status.default('ACTIVE'),
  max_subscribers: quota.default(null),
  max_lines: quota.default(null),
  cost_plan_id: fields.cost_plan_id.default(null),
  credit_limit_micros: amountSchema.default('0'),
});
export type NewReseller = z.output<typeof newResellerSchema>;

export const resellerChangeSchema = z.strictObject(fields).partial();
export type ResellerChange = z.output<typeof resellerChangeSchema>;

export const resellerSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  legal_name: z.string().nullable(),
  document: z.string().nullable(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  status: z.enum(STATUSES),
  max_concurrent_calls: z.int(),
  max_subscribers: z.int().nullable(),
  max_lines: z.int().nullable(),
  cost_plan_id: z.uuid().nullable(),
  credit_limit_micros: microsSchema,
  subscribers: z.int(),
  lines: z.int(),
  /** What it has with the platform, which its calls are paid from. */
  balance_micros: microsSchema,
  version: z.int(),
  created_at: dateTimeSchema,
});
export type Reseller = z.infer<typeof resellerSchema>;

export const listResellersRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/resellers',
  name: 'listResellers',
  tag: 'resellers',
  summary: 'Resellers with what they have of what they may have; a reseller finds itself only',
  roles: staff,
  query: listQuery('name', '-created_at').extend({ status: z.enum(STATUSES).optional() }),
  reply: pageOf(resellerSchema),
  csv: true,
});

export const readResellerRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/resellers/:reseller_id',
  name: 'readReseller',
  tag: 'resellers',
  summary: 'One reseller; a reseller reads itself only',
  roles: staff,
  params: id,
  reply: resellerSchema,
});

export const createResellerRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/resellers',
  name: 'createReseller',
  tag: 'resellers',
  summary: 'Creates a reseller',
  roles: master,
  body: newResellerSchema,
  reply: resellerSchema,
});

export const changeResellerRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/resellers/:reseller_id',
  name: 'changeReseller',
  tag: 'resellers',
  summary: 'Changes the fields that are sent',
  roles: master,
  params: id,
  body: resellerChangeSchema,
  reply: resellerSchema,
  edits: true,
});

export const deleteResellerRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/resellers/:reseller_id',
  name: 'deleteReseller',
  tag: 'resellers',
  summary: 'Deletes a reseller that never had anything; any other is set INACTIVE instead',
  roles: master,
  params: id,
  reply: nothingSchema,
  edits: true,
});
