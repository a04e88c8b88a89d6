import { z } from 'zod';
import { ROLES } from '../domain/tenant.ts';
import { dateTimeSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const rowSchema = z.record(z.string(), z.unknown()).nullable();

const actorSchema = z.object({
  kind: z.enum(['USER', 'API_KEY', 'COMMAND', 'SYSTEM']),
  id: z.string().nullable(),
  name: z.string().nullable(),
  role: z.enum(ROLES).nullable(),
  as_reseller_id: z.uuid().nullable(),
  as_subscriber_id: z.uuid().nullable(),
  impersonating: z.boolean(),
  reason: z.string().nullable(),
  address: z.string().nullable(),
});

/** Secrets are `***` in `before` and `after`; of a change they hold the changed fields only. */
export const auditEntrySchema = z.object({
  id: z.string(),
  at: dateTimeSchema,
  action: z.string(),
  object_type: z.string(),
  object_id: z.string().nullable(),
  reseller_id: z.uuid().nullable(),
  subscriber_id: z.uuid().nullable(),
  actor: actorSchema,
  before: rowSchema,
  after: rowSchema,
});

export const listAuditRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/audit',
  name: 'listAudit',
  tag: 'audit',
  summary: 'Who changed what, as whom and from where, the newest first',
  section: 'section.audit',
  query: listQuery('-id').extend({
    object_type: z.string().min(1).max(60).optional(),
    object_id: z.string().min(1).max(60).optional(),
    from: dateTimeSchema.optional(),
    to: dateTimeSchema.optional(),
  }),
  reply: pageOf(auditEntrySchema),
  csv: true,
});
