import { z } from 'zod';
import { dateTimeSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, nothingSchema } from './route.ts';

export const listNoticesRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/notices',
  name: 'listNotices',
  tag: 'notices',
  summary: 'What its reader was told, in its own language, the newest first',
  section: 'section.notices',
  query: listQuery('-created_at').extend({
    subscriber_id: z.uuid().optional(),
    /** Only those that nobody marked as read. */
    unread: z.stringbool().optional(),
  }),
  reply: pageOf(
    z.object({
      id: z.uuid(),
      subscriber_id: z.uuid(),
      subscriber_name: z.string(),
      audience: z.enum(['RESELLER', 'SUBSCRIBER']),
      kind: z.enum(['CALLS_BLOCKED', 'CALLS_SUSPICIOUS']),
      line_id: z.uuid().nullable(),
      block_id: z.uuid().nullable(),
      subject: z.string(),
      body: z.string(),
      created_at: dateTimeSchema,
      read_at: dateTimeSchema.nullable(),
    }),
  ),
});

export const readNoticeRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/notices/:notice_id/read',
  name: 'markNoticeRead',
  tag: 'notices',
  summary: 'Marks a notice as read; once more changes nothing',
  roles: ['RESELLER', 'SUBSCRIBER'],
  section: 'section.notices',
  status: 204,
  params: z.strictObject({ notice_id: z.uuid() }),
  reply: nothingSchema,
});
