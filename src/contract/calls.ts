import { z } from 'zod';
import { CALL_CLASSES } from '../domain/call-class.ts';
import { REFUSAL_REASONS, type RefusalReason } from '../domain/refusals.ts';
import { liveCallSchema } from './live.ts';
import type { Route } from './route.ts';
import { microsSchema } from './subscribers.ts';

const everyone = ['MASTER', 'RESELLER', 'SUBSCRIBER'] as const;
const page = z.object({ limit: z.coerce.number().int().min(1).max(500).default(50) });

export const callSchema = z.object({
  id: z.string(),
  subscriber_id: z.uuid(),
  line_id: z.uuid(),
  dialled: z.string(),
  number: z.string(),
  call_class: z.enum(CALL_CLASSES),
  created_at: z.iso.datetime(),
  ringing_at: z.iso.datetime().nullable(),
  answered_at: z.iso.datetime().nullable(),
  ended_at: z.iso.datetime(),
  talk_ms: z.int(),
  billed_seconds: z.int(),
  bundle_seconds: z.int(),
  paid_seconds: z.int(),
  total_micros: microsSchema,
  cadence: z.string().nullable(),
  end_reason: z.string(),
});

export const listCallsRoute = {
  method: 'GET',
  path: '/api/v1/calls',
  summary: 'Records of ended calls, the newest first',
  roles: everyone,
  params: z.object({}),
  query: page,
  body: z.unknown(),
  reply: z.object({ items: z.array(callSchema) }),
} as const satisfies Route;

export const refusalSchema = z.object({
  call_id: z.string(),
  subscriber_id: z.uuid().nullable(),
  dialled: z.string(),
  number: z.string().nullable(),
  call_class: z.enum(CALL_CLASSES).nullable(),
  reason: z.enum(REFUSAL_REASONS as [RefusalReason, ...RefusalReason[]]),
  detail: z.string().nullable(),
  limit_level: z.string().nullable(),
  limit_value: z.int().nullable(),
  holders: z.array(z.string()).nullable(),
  created_at: z.iso.datetime(),
});

export const listRefusalsRoute = {
  method: 'GET',
  path: '/api/v1/refusals',
  summary: 'Refused attempts with the rule that refused them, the newest first',
  roles: everyone,
  params: z.object({}),
  query: page,
  body: z.unknown(),
  reply: z.object({ items: z.array(refusalSchema) }),
} as const satisfies Route;

export const listLiveCallsRoute = {
  method: 'GET',
  path: '/api/v1/live-calls',
  summary: 'Calls that run now; /api/v1/live streams their changes',
  roles: everyone,
  params: z.object({}),
  query: z.object({}),
  body: z.unknown(),
  reply: z.object({ items: z.array(liveCallSchema) }),
} as const satisfies Route;
