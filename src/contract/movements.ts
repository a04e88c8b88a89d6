import { z } from 'zod';
import { dateTimeSchema, microsSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const MOVEMENT_KINDS = ['CALL', 'TOP_UP', 'BUNDLE_RENEWAL', 'CORRECTION', 'TRANSFER', 'MONTHLY_FEE'] as const;

/** `from` is in the period, `to` is not: periods that meet share no movement. */
const query = listQuery('-id').extend({
  kind: z.enum(MOVEMENT_KINDS).optional(),
  from: dateTimeSchema.optional(),
  to: dateTimeSchema.optional(),
});

export const movementSchema = z.object({
  id: z.string(),
  kind: z.enum(MOVEMENT_KINDS),
  /** What the balance got, below zero what it gave. Not there for calls whose cost is hidden from the reader. */
  amount_micros: microsSchema.optional(),
  /** The same of minutes, in seconds. */
  seconds: z.int(),
  /** As the person gave it; of what happens by itself, the call or the first day of the cycle. */
  reference: z.string(),
  call_id: z.string().nullable(),
  author: z.string(),
  reason: z.string().nullable(),
  cycle_start: z.iso.date().nullable(),
  created_at: dateTimeSchema,
});

export const listMovementsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/subscribers/:subscriber_id/movements',
  name: 'listMovements',
  tag: 'movements',
  summary: 'Everything that moved the money and minutes of a subscriber, the newest first',
  section: 'section.statements',
  params: z.strictObject({ subscriber_id: z.uuid() }),
  query,
  reply: pageOf(movementSchema),
  csv: true,
});

export const listResellerMovementsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/resellers/:reseller_id/movements',
  name: 'listResellerMovements',
  tag: 'movements',
  summary: 'Everything that moved the balance of a reseller with the platform, the newest first',
  roles: ['MASTER', 'RESELLER'],
  params: z.strictObject({ reseller_id: z.uuid() }),
  query,
  reply: pageOf(movementSchema),
  csv: true,
});
