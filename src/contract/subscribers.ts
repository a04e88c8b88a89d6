import { z } from 'zod';
import { BILLING_MODES, STATUSES } from '../domain/authorize.ts';
import { BUNDLE_SLOTS } from '../domain/call-class.ts';
import type { Route } from './route.ts';

/** Micro-reais as a decimal string: JSON numbers would lose the last digits of large amounts. */
export const microsSchema = z.string().regex(/^-?\d{1,18}$/, 'micro-reais as an integer in a string');

export const subscriberSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  name: z.string(),
  billing_mode: z.enum(BILLING_MODES),
  status: z.enum(STATUSES),
  balance_micros: microsSchema,
  credit_limit_micros: microsSchema,
  live_calls: z.int(),
  bundles: z.array(
    z.object({ slot: z.enum(BUNDLE_SLOTS), included_seconds: z.int(), left_seconds: z.int() }),
  ),
});
export type Subscriber = z.infer<typeof subscriberSchema>;

export const listSubscribersRoute = {
  method: 'GET',
  path: '/api/v1/subscribers',
  summary: 'Subscribers with balance, minutes and live calls',
  roles: ['MASTER', 'RESELLER', 'SUBSCRIBER'],
  params: z.object({}),
  query: z.object({}),
  body: z.unknown(),
  reply: z.object({ items: z.array(subscriberSchema) }),
} as const satisfies Route;

export const topUpRoute = {
  method: 'POST',
  path: '/api/v1/subscribers/:id/top-ups',
  summary: 'Adds money to a subscriber; the same reference again is refused and changes nothing',
  roles: ['MASTER', 'RESELLER'],
  params: z.object({ id: z.uuid() }),
  query: z.object({}),
  body: z.strictObject({
    amount_micros: z.string().regex(/^[1-9]\d{0,14}$/, 'micro-reais above zero, as an integer in a string'),
    reference: z.string().trim().min(1).max(80),
  }),
  reply: z.object({ balance_micros: microsSchema }),
} as const satisfies Route;
