import { z } from 'zod';
import { CALL_CLASSES } from '../domain/call-class.ts';
import type { Route } from './route.ts';

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

export const newLineSchema = z.strictObject({
  subscriber_id: z.uuid(),
  extension: z.string().regex(/^[1-9]\d{1,5}$/, 'two to six digits, the first not 0'),
  name: z.string().trim().min(1).max(80),
  area_code: z.string().regex(/^[1-9][1-9]$/, 'two digits, such as 11'),
  max_concurrent_calls: z.int().min(0).max(1_000).default(1),
  allowed_classes: z.array(z.enum(CALL_CLASSES)).default([...DEFAULT_CLASSES]),
});
export type NewLine = z.infer<typeof newLineSchema>;

/** `sip_password` is shown here once and never again: only its digest is kept. */
export const createdLineSchema = z.object({
  id: z.uuid(),
  subscriber_id: z.uuid(),
  extension: z.string(),
  sip_username: z.string(),
  sip_password: z.string(),
  sip_realm: z.string(),
});
export type CreatedLine = z.infer<typeof createdLineSchema>;

export const createLineRoute = {
  method: 'POST',
  path: '/api/v1/lines',
  summary: 'Creates a line; its phone can register within seconds',
  roles: ['MASTER', 'RESELLER'],
  params: z.object({}),
  query: z.object({}),
  body: newLineSchema,
  reply: createdLineSchema,
} as const satisfies Route;
