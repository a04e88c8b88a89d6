import { z } from 'zod';
import { DIRECTIONS } from '../domain/authorize-inbound.ts';
import { CALL_CLASSES } from '../domain/call-class.ts';
import { LIMIT_DIRECTIONS, REFUSAL_REASONS, type RefusalReason } from '../domain/refusals.ts';
import { dateTimeSchema, microsSchema } from './fields.ts';
import { liveCallSchema } from './live.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, nothingSchema } from './route.ts';

const reason = z.enum(REFUSAL_REASONS as [RefusalReason, ...RefusalReason[]]);

/** `from` is in the period, `to` is not: periods that meet share no call. */
const query = listQuery('-created_at').extend({
  subscriber_id: z.uuid().optional(),
  line_id: z.uuid().optional(),
  call_class: z.enum(CALL_CLASSES).optional(),
  direction: z.enum(DIRECTIONS).optional(),
  from: dateTimeSchema.optional(),
  to: dateTimeSchema.optional(),
});

/** A field that is hidden from its reader is not there. */
export const callSchema = z.object({
  id: z.string(),
  subscriber_id: z.uuid(),
  line_id: z.uuid(),
  extension: z.string(),
  /** IN: it came in over a trunk, for the line. */
  direction: z.enum(DIRECTIONS),
  /** The number that the caller of such a call showed. */
  caller_number: z.string().nullable().optional(),
  /** The call that its line sent on by this one: of its own record. */
  forwarded_from: z.string().nullable(),
  /** The group that rang. */
  ring_group_id: z.uuid().nullable(),
  dialled: z.string().optional(),
  number: z.string().optional(),
  call_class: z.enum(CALL_CLASSES),
  created_at: dateTimeSchema,
  ringing_at: dateTimeSchema.nullable(),
  answered_at: dateTimeSchema.nullable(),
  ended_at: dateTimeSchema,
  talk_ms: z.int(),
  billed_seconds: z.int(),
  bundle_seconds: z.int(),
  paid_seconds: z.int(),
  total_micros: microsSchema.optional(),
  cadence: z.string().nullable(),
  end_reason: z.string(),
  /** For the reseller: what it paid for the call, what is left to it, and whether each minute lost. */
  wholesale_micros: microsSchema.optional(),
  margin_micros: microsSchema.optional(),
  loss: z.boolean().optional(),
  /** For the platform: what the carrier asks. */
  carrier_micros: microsSchema.optional(),
});

export const listCallsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/calls',
  name: 'listCalls',
  tag: 'calls',
  summary: 'Records of ended calls, the newest first',
  section: 'section.calls',
  query,
  reply: pageOf(callSchema),
  csv: true,
});

export const refusalSchema = z.object({
  call_id: z.string(),
  subscriber_id: z.uuid().nullable(),
  line_id: z.uuid().nullable(),
  extension: z.string().nullable(),
  direction: z.enum(DIRECTIONS),
  caller_number: z.string().nullable().optional(),
  /** The call that its line sent on by this one: of its own record. */
  forwarded_from: z.string().nullable(),
  dialled: z.string().optional(),
  number: z.string().nullable().optional(),
  call_class: z.enum(CALL_CLASSES).nullable(),
  reason,
  detail: z.string().nullable(),
  limit_level: z.string().nullable(),
  /** Of all calls, of those out or of those in. */
  limit_direction: z.enum(LIMIT_DIRECTIONS).nullable(),
  limit_value: z.int().nullable(),
  /** Calls that held the limit; null where they may be calls of others. */
  holders: z.array(z.string()).nullable(),
  created_at: dateTimeSchema,
});

export const listRefusalsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/refusals',
  name: 'listRefusals',
  tag: 'refusals',
  summary: 'Refused attempts with the rule that refused them, the newest first',
  section: 'section.refusals',
  query: query.extend({ reason: reason.optional() }),
  reply: pageOf(refusalSchema),
  csv: true,
});

export const listLiveCallsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/live-calls',
  name: 'listLiveCalls',
  tag: 'live-calls',
  summary: 'Calls that run now; /api/v1/live streams their changes',
  section: 'section.live_calls',
  reply: z.object({ items: z.array(liveCallSchema) }),
});

export const hangUpRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/live-calls/:call_id',
  name: 'hangUp',
  tag: 'live-calls',
  summary: 'Ends a running call; emergency calls cannot be ended',
  section: 'section.live_calls',
  params: z.strictObject({ call_id: z.string().min(1).max(100) }),
  reply: nothingSchema,
});
