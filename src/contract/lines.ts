import { z } from 'zod';
import { STATUSES } from '../domain/authorize.ts';
import { DIALLED_CLASSES } from '../domain/call-class.ts';
import { areaCodeSchema, canSchema, dateTimeSchema, textSchema } from './fields.ts';
import { say } from './language.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const id = z.strictObject({ line_id: z.uuid() });
const staff = ['MASTER', 'RESELLER'] as const;

/** What a new line may dial unless told otherwise: abroad and premium are off until someone turns them on. */
export const DEFAULT_CLASSES = [
  'FIXED_LOCAL',
  'FIXED_LDN',
  'MOBILE_LOCAL',
  'MOBILE_LDN',
  'INTERNAL',
  'EMERGENCY',
  'PUBLIC_UTILITY',
  'TOLL_FREE',
  'SHARED_COST',
] as const;

export const extensionSchema = z
  .string()
  .regex(/^[1-9]\d{1,5}$/, say('two to six digits, the first not 0', 'dois a seis dígitos, sem 0 no começo'));

const destinationSchema = z
  .string()
  .regex(
    /^[+]?[0-9]{2,20}$/,
    say('2 to 20 digits, with + in front or without', '2 a 20 dígitos, com ou sem + na frente'),
  );

const fields = {
  extension: extensionSchema,
  name: textSchema(80),
  area_code: areaCodeSchema,
  max_concurrent_calls: z.int().min(0).max(1_000),
  /** Calls that it may begin within a second; null: any number. */
  max_calls_per_second: z.int().min(1).max(100).nullable(),
  /** Talk after which a call is cut; null: the platform's own bound, which no line goes beyond. */
  max_call_seconds: z.int().min(1).max(14_400).nullable(),
  /** How long a call may ring in vain; null: a minute. */
  max_ring_seconds: z.int().min(5).max(300).nullable(),
  allowed_classes: z.array(z.enum(DIALLED_CLASSES)).max(DIALLED_CLASSES.length),
  /** Where its calls go on to, as the line would dial it: an extension of the subscriber or a number. null: nowhere. */
  forward_always: destinationSchema.nullable(),
  forward_busy: destinationSchema.nullable(),
  forward_no_answer: destinationSchema.nullable(),
  /** How long it rings before that. */
  forward_no_answer_seconds: z.int().min(5).max(120),
  /** Its phone is not registered, or cannot be reached. */
  forward_offline: destinationSchema.nullable(),
  /** Prices of its own; null: those of the subscriber's plan. */
  sales_plan_id: z.uuid().nullable(),
  /** The number that called people see, one of the same subscriber. */
  caller_id_did_id: z.uuid().nullable(),
  status: z.enum(STATUSES),
};

export const newLineSchema = z.strictObject({
  subscriber_id: z.uuid(),
  ...fields,
  max_concurrent_calls: fields.max_concurrent_calls.default(1),
  max_calls_per_second: fields.max_calls_per_second.default(null),
  max_call_seconds: fields.max_call_seconds.default(null),
  max_ring_seconds: fields.max_ring_seconds.default(null),
  forward_always: fields.forward_always.default(null),
  forward_busy: fields.forward_busy.default(null),
  forward_no_answer: fields.forward_no_answer.default(null),
  forward_no_answer_seconds: fields.forward_no_answer_seconds.default(20),
  forward_offline: fields.forward_offline.default(null),
  allowed_classes: fields.allowed_classes.default([...DEFAULT_CLASSES]),
  sales_plan_id: fields.sales_plan_id.default(null),
  caller_id_did_id: fields.caller_id_did_id.default(null),
  status: fields.status.default('ACTIVE'),
});
/** What has a default may be left out. */
export type NewLine = z.input<typeof newLineSchema>;

export const lineChangeSchema = z.strictObject(fields).partial();
export type LineChange = z.output<typeof lineChangeSchema>;

/** A field that is hidden from its reader is not there. */
export const lineSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  subscriber_id: z.uuid(),
  subscriber_name: z.string(),
  extension: z.string(),
  name: z.string(),
  sip_username: z.string().optional(),
  area_code: z.string().optional(),
  sales_plan_id: z.uuid().nullable().optional(),
  caller_id_did_id: z.uuid().nullable().optional(),
  allowed_classes: z.array(z.enum(DIALLED_CLASSES)).optional(),
  max_concurrent_calls: z.int().optional(),
  max_calls_per_second: z.int().nullable().optional(),
  max_call_seconds: z.int().nullable().optional(),
  max_ring_seconds: z.int().nullable().optional(),
  forward_always: z.string().nullable().optional(),
  forward_busy: z.string().nullable().optional(),
  forward_no_answer: z.string().nullable().optional(),
  forward_no_answer_seconds: z.int().optional(),
  forward_offline: z.string().nullable().optional(),
  status: z.enum(STATUSES).optional(),
  version: z.int(),
  created_at: dateTimeSchema,
  can: canSchema,
});
export type Line = z.infer<typeof lineSchema>;

/** `sip_password` is shown here once and never again: only its digest is kept. */
export const createdLineSchema = lineSchema.extend({
  sip_username: z.string(),
  sip_password: z.string(),
  sip_realm: z.string(),
});

export const listLinesRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/lines',
  name: 'listLines',
  tag: 'lines',
  summary: 'Lines; q searches extension, name and SIP user',
  query: listQuery('extension', 'name', '-created_at').extend({
    subscriber_id: z.uuid().optional(),
    status: z.enum(STATUSES).optional(),
  }),
  reply: pageOf(lineSchema),
  csv: true,
});

export const readLineRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/lines/:line_id',
  name: 'readLine',
  tag: 'lines',
  summary: 'One line with everything that its reader may see',
  params: id,
  reply: lineSchema,
});

export const createLineRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/lines',
  name: 'createLine',
  tag: 'lines',
  summary: 'Creates a line; its phone can register within seconds. The password is shown once',
  roles: staff,
  body: newLineSchema,
  reply: createdLineSchema,
});

export const changeLineRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/lines/:line_id',
  name: 'changeLine',
  tag: 'lines',
  summary: 'Changes the fields that are sent; a subscriber those that it may write',
  params: id,
  body: lineChangeSchema,
  reply: lineSchema,
  edits: true,
});

export const deleteLineRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/lines/:line_id',
  name: 'deleteLine',
  tag: 'lines',
  summary: 'Deletes a line that never called; any other is set INACTIVE instead',
  roles: staff,
  params: id,
  reply: z.null(),
  edits: true,
});

export const regenerateLinePasswordRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/lines/:line_id/password',
  name: 'regenerateLinePassword',
  tag: 'lines',
  summary: 'Makes a new SIP password, shown once; the phone must be given it to register again',
  params: id,
  reply: z.object({
    id: z.uuid(),
    sip_username: z.string().optional(),
    sip_password: z.string(),
    sip_realm: z.string(),
    version: z.int(),
  }),
  status: 200,
});
