import { z } from 'zod';
import { BILLING_MODES } from '../domain/authorize.ts';
import { BUNDLE_SLOTS, CALL_CLASSES } from '../domain/call-class.ts';
import { LIMIT_DIRECTIONS, LIMIT_LEVELS, REFUSAL_REASONS, type RefusalReason } from '../domain/refusals.ts';
import { dateTimeSchema, microsSchema } from './fields.ts';
import { defineRoute } from './route.ts';

const rateSchema = z.object({
  /** Of the prices that held; null for records of before there were any. */
  version_id: z.string().nullable(),
  /** The longest active prefix of the deck; null: by class. */
  prefix: z.string().nullable().optional(),
  locality: z.string().nullable().optional(),
  price_micros_per_minute: microsSchema,
  cadence: z.string(),
});

const costSchema = rateSchema.extend({ billed_seconds: z.int(), total_micros: microsSchema });

const sliceSchema = z.object({
  cycle_start: z.string(),
  source: z.enum(['BUNDLE', 'MONEY']),
  slot: z.enum(BUNDLE_SLOTS).nullable(),
  seconds: z.int(),
  total_micros: microsSchema.optional(),
});

/**
 * How a bill comes about: digits dialled → number → class → permission → limits → plan, prefix, cadence → slices by
 * source → total. `steps` says it in words. A field that is hidden from its reader is not there; what things cost the
 * reseller is for the reseller, what they cost the platform for the platform.
 */
const receiptSchema = z.object({
  dialled: z.string().optional(),
  number: z.string().nullable().optional(),
  call_class: z.enum(CALL_CLASSES).nullable(),
  csp: z.string().nullable(),
  area_code: z.string().nullable(),
  billing_mode: z.enum(BILLING_MODES).nullable(),
  limits: z.array(
    z.object({ level: z.enum(LIMIT_LEVELS), direction: z.enum(LIMIT_DIRECTIONS), limit: z.int() }),
  ),
  sales_plan_id: z.uuid(),
  sales_plan_name: z.string().nullable(),
  rate: rateSchema.nullable().optional(),
  talk_seconds: z.int(),
  billed_seconds: z.int(),
  bundle_seconds: z.int(),
  paid_seconds: z.int(),
  slices: z.array(sliceSchema),
  total_micros: microsSchema.optional(),
  loss: z.boolean().optional(),
  wholesale: costSchema.nullable().optional(),
  margin_micros: microsSchema.nullable().optional(),
  carrier: costSchema.nullable().optional(),
  platform_margin_micros: microsSchema.nullable().optional(),
  steps: z.array(z.string()),
});
export type ReceiptReply = z.infer<typeof receiptSchema>;

const callReceiptSchema = receiptSchema.extend({
  call_id: z.string(),
  answered_at: dateTimeSchema.nullable(),
  ended_at: dateTimeSchema,
  /** The bill worked out anew by the function that billed the call is the one on record. */
  agrees: z.boolean(),
});

export const readReceiptRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/calls/:call_id/receipt',
  name: 'readReceipt',
  tag: 'calls',
  summary: 'How the bill of a call came about, step by step',
  section: 'section.calls',
  params: z.strictObject({ call_id: z.string().min(1).max(100) }),
  reply: callReceiptSchema,
});

export const newSimulationSchema = z.strictObject({
  line_id: z.uuid(),
  dialled: z.string().min(1).max(64),
  talk_seconds: z.int().min(0).max(86_400),
});

export const simulationSchema = receiptSchema.extend({
  permitted: z.boolean(),
  refusal: z
    .object({
      reason: z.enum(REFUSAL_REASONS as [RefusalReason, ...RefusalReason[]]),
      detail: z.string().nullable(),
    })
    .nullable(),
  /** What the subscriber has now covers all of it; what running calls have reserved is not counted. */
  covered: z.boolean().optional(),
});

export const simulateRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/simulations',
  name: 'simulate',
  tag: 'calls',
  summary: 'What a call would cost, by the function that bills calls; nothing is changed',
  scope: 'READ',
  status: 200,
  body: newSimulationSchema,
  reply: simulationSchema,
});
