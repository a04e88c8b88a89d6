import { z } from 'zod';
import { BILLING_MODES, STATUSES } from '../domain/authorize.ts';
import { BRAKE_MODES, BRAKE_PERCENT } from '../domain/brake.ts';
import { BUNDLE_SLOTS } from '../domain/call-class.ts';
import { INTL_DIALINGS } from '../domain/dialled-number.ts';
import {
  amountSchema,
  areaCodeSchema,
  canSchema,
  dateTimeSchema,
  e164Schema,
  emailSchema,
  microsSchema,
  optionalTextSchema,
  textSchema,
  usernameSchema,
} from './fields.ts';
import { say } from './language.ts';
import { listQuery, pageOf } from './paging.ts';
import { permissionSetSchema } from './permission-profiles.ts';
import { defineRoute } from './route.ts';

const id = z.strictObject({ subscriber_id: z.uuid() });
const staff = ['MASTER', 'RESELLER'] as const;
const calls = z.int().min(0).max(10_000);

const contactSchema = z
  .strictObject({
    name: textSchema(80),
    email: emailSchema.nullable().default(null),
    phone: e164Schema.nullable().default(null),
    receives_notices: z.boolean().default(false),
  })
  .refine(
    ({ email, phone }) => email !== null || phone !== null,
    say('a contact needs an e-mail or a phone', 'um contato precisa de e-mail ou telefone'),
  );

const slotSchema = z.strictObject({ slot: z.enum(BUNDLE_SLOTS), bundle_id: z.uuid() });

/** Tabs Dados, Endereço and Financeiro as one flat record. */
const fields = {
  name: textSchema(120),
  person_type: z.enum(['INDIVIDUAL', 'COMPANY']),
  /** CPF of a person, CNPJ of a company (letters too); with or without its mask. */
  document: z.string().max(30),
  legal_name: optionalTextSchema(160),
  state_registration: optionalTextSchema(20),
  municipal_registration: optionalTextSchema(20),
  rg: optionalTextSchema(20),
  postal_code: z
    .string()
    .regex(/^\d{5}-?\d{3}$/, say('a CEP such as 01001-000', 'um CEP como 01001-000'))
    .transform((text) => text.replace('-', ''))
    .nullable()
    .default(null),
  street: optionalTextSchema(160),
  street_number: optionalTextSchema(20),
  complement: optionalTextSchema(80),
  district: optionalTextSchema(80),
  city: optionalTextSchema(80),
  state: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .nullable()
    .default(null),
  ibge_code: z
    .string()
    .regex(/^\d{7}$/)
    .nullable()
    .default(null),
  area_code: areaCodeSchema.nullable().default(null),
  billing_mode: z.enum(BILLING_MODES),
  sales_plan_id: z.uuid(),
  status: z.enum(STATUSES).default('ACTIVE'),
  credit_limit_micros: amountSchema.default('0'),
  balance_alert_micros: amountSchema.nullable().default(null),
  daily_spend_cap_micros: amountSchema.nullable().default(null),
  due_day: z.int().min(1).max(31).default(10),
  block_after_days: z.int().min(0).max(365).default(10),
  cycle_day: z.int().min(1).max(31).default(1),
  max_concurrent_calls: calls,
  max_concurrent_in: calls.nullable().default(null),
  max_concurrent_out: calls.nullable().default(null),
  /** Of all its calls, so many that only calls in may be. */
  reserved_in: calls.default(0),
  /** Calls that all its lines together may begin within a second. */
  max_calls_per_second: z.int().min(1).max(1_000).nullable().default(null),
  /** Calls between its lines count among its calls. */
  internal_calls_take_slots: z.boolean().default(true),
  /** Its phone beeps so long before a call is cut; 0: never. */
  warn_seconds: z.int().min(0).max(60).default(10),
  /** Its phone beeps when the minutes of a franquia have ended and money pays on. */
  switch_tone: z.boolean().default(false),
  /** What the fraud brake may do, and at which percent of its usual thresholds; null: as the platform has it. */
  brake_mode: z.enum(BRAKE_MODES).nullable().default(null),
  brake_percent: z.int().min(BRAKE_PERCENT.least).max(BRAKE_PERCENT.most).nullable().default(null),
  max_lines: z.int().min(0).max(100_000).nullable().default(null),
  allow_loss_calls: z.boolean().default(false),
  ldn_fixed_uses_local: z.boolean().default(false),
  ldn_mobile_uses_local: z.boolean().default(false),
  /** How its phones dial abroad: 00 and country, 00 carrier and country, or both. */
  intl_dialing: z.enum(INTL_DIALINGS).default('NO_CSP'),
  /** Mobile numbers that are dialled as before 2016 get their ninth digit. */
  auto_ninth_digit: z.boolean().default(true),
  contacts: z.array(contactSchema).max(20).default([]),
  bundles: z
    .array(slotSchema)
    .max(BUNDLE_SLOTS.length)
    .refine(
      (slots) => new Set(slots.map(({ slot }) => slot)).size === slots.length,
      say('each slot holds one franquia', 'cada posição tem uma franquia só'),
    )
    .default([]),
  permission_profile_id: z.uuid().nullable().default(null),
  permissions: permissionSetSchema.default({}),
};

/** A field that may be left out of a change, and then stays as it is: without the default of a new record. */
type Bare<T> = T extends z.ZodDefault<infer Inner> ? Inner : T;
function changeOf<Shape extends Record<string, z.ZodType>>(shape: Shape) {
  const optional = Object.entries(shape).map(([name, schema]) => [
    name,
    (schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema).optional(),
  ]);
  return z.strictObject(
    Object.fromEntries(optional) as { [K in keyof Shape]: z.ZodOptional<Bare<Shape[K]>> },
  );
}

export const newSubscriberSchema = z.strictObject({
  /** Only for the master: whose subscriber it will be. */
  reseller_id: z.uuid().optional(),
  /** Only for the master: on which server; otherwise on the one with the fewest subscribers. */
  server_id: z.uuid().optional(),
  ...fields,
  /** Makes the first user of its panel along with it. Without a password one is made and shown once. */
  access: z.strictObject({ username: usernameSchema, password: z.string().max(128).optional() }).optional(),
});
export type NewSubscriber = z.output<typeof newSubscriberSchema>;

export const subscriberChangeSchema = changeOf(fields);
export type SubscriberChange = z.output<typeof subscriberChangeSchema>;

/** A field that is hidden from its reader is not there. Of a list, contacts and permissions are not there either. */
export const subscriberSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  name: z.string(),
  person_type: z.enum(['INDIVIDUAL', 'COMPANY']).nullable(),
  document: z.string().nullable().optional(),
  legal_name: z.string().nullable(),
  state_registration: z.string().nullable().optional(),
  municipal_registration: z.string().nullable().optional(),
  rg: z.string().nullable().optional(),
  postal_code: z.string().nullable().optional(),
  street: z.string().nullable().optional(),
  street_number: z.string().nullable().optional(),
  complement: z.string().nullable().optional(),
  district: z.string().nullable().optional(),
  city: z.string().nullable().optional(),
  state: z.string().nullable().optional(),
  ibge_code: z.string().nullable().optional(),
  area_code: z.string().nullable().optional(),
  billing_mode: z.enum(BILLING_MODES).optional(),
  sales_plan_id: z.uuid().optional(),
  status: z.enum(STATUSES),
  /** Why it was blocked by itself; null while it is not. */
  blocked_reason: z.enum(['OVERDUE']).nullable(),
  balance_micros: microsSchema.optional(),
  credit_limit_micros: microsSchema.optional(),
  balance_alert_micros: microsSchema.nullable().optional(),
  daily_spend_cap_micros: microsSchema.nullable().optional(),
  due_day: z.int().optional(),
  block_after_days: z.int().optional(),
  cycle_day: z.int().optional(),
  max_concurrent_calls: z.int().optional(),
  max_concurrent_in: z.int().nullable().optional(),
  max_concurrent_out: z.int().nullable().optional(),
  reserved_in: z.int().optional(),
  max_calls_per_second: z.int().nullable().optional(),
  internal_calls_take_slots: z.boolean(),
  warn_seconds: z.int().optional(),
  switch_tone: z.boolean().optional(),
  brake_mode: z.enum(BRAKE_MODES).nullable().optional(),
  brake_percent: z.int().nullable().optional(),
  max_lines: z.int().nullable().optional(),
  allow_loss_calls: z.boolean().optional(),
  ldn_fixed_uses_local: z.boolean().optional(),
  ldn_mobile_uses_local: z.boolean().optional(),
  intl_dialing: z.enum(INTL_DIALINGS),
  auto_ninth_digit: z.boolean(),
  bundles: z
    .array(
      z.object({
        slot: z.enum(BUNDLE_SLOTS),
        bundle_id: z.uuid(),
        included_seconds: z.int(),
        left_seconds: z.int(),
      }),
    )
    .optional(),
  contacts: z
    .array(
      z.object({
        name: z.string(),
        email: z.string().nullable(),
        phone: z.string().nullable(),
        receives_notices: z.boolean(),
      }),
    )
    .optional(),
  permission_profile_id: z.uuid().nullable().optional(),
  permissions: permissionSetSchema.optional(),
  live_calls: z.int(),
  lines: z.int(),
  version: z.int(),
  created_at: dateTimeSchema,
  can: canSchema,
});
export type Subscriber = z.infer<typeof subscriberSchema>;

export const listSubscribersRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/subscribers',
  name: 'listSubscribers',
  tag: 'subscribers',
  summary: 'Subscribers with balance, minutes and live calls; a subscriber finds itself only',
  query: listQuery('name', '-created_at').extend({
    status: z.enum(STATUSES).optional(),
    billing_mode: z.enum(BILLING_MODES).optional(),
  }),
  reply: pageOf(subscriberSchema),
  csv: true,
});

export const readSubscriberRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/subscribers/:subscriber_id',
  name: 'readSubscriber',
  tag: 'subscribers',
  summary: 'One subscriber with everything that its reader may see',
  params: id,
  reply: subscriberSchema,
});

export const createSubscriberRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/subscribers',
  name: 'createSubscriber',
  tag: 'subscribers',
  summary:
    'Creates a subscriber, with its first user when access is given; a generated password is shown once',
  roles: staff,
  body: newSubscriberSchema,
  reply: subscriberSchema.extend({
    access: z.object({ user_id: z.uuid(), username: z.string(), password: z.string().nullable() }).nullable(),
  }),
});

export const changeSubscriberRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/subscribers/:subscriber_id',
  name: 'changeSubscriber',
  tag: 'subscribers',
  summary: 'Changes the fields that are sent; contacts and bundles are replaced as wholes',
  params: id,
  body: subscriberChangeSchema,
  reply: subscriberSchema,
  edits: true,
});

export const deleteSubscriberRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/subscribers/:subscriber_id',
  name: 'deleteSubscriber',
  tag: 'subscribers',
  summary: 'Deletes a subscriber that never had money, lines or calls; any other is set INACTIVE instead',
  roles: staff,
  params: id,
  reply: z.null(),
  edits: true,
});
