import { z } from 'zod';
import { BUNDLE_SLOTS } from '../domain/call-class.ts';
import { dateTimeSchema, microsSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const id = z.strictObject({ subscriber_id: z.uuid() });
const day = z.iso.date();
const slot = z.enum(BUNDLE_SLOTS);

const minutes = {
  slot,
  bundle_name: z.string(),
  included_seconds: z.int(),
  used_seconds: z.int(),
  left_seconds: z.int(),
};

export const bundleUsageRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/subscribers/:subscriber_id/bundle-usage',
  name: 'readBundleUsage',
  tag: 'bundle-usage',
  summary:
    'Minutes of a cycle by slot: used and left, until when they last at this pace, and which line used them',
  section: 'section.consumption',
  params: id,
  /** The first day of the cycle; without it the one that runs. */
  query: z.strictObject({ cycle_start: day.optional() }),
  reply: z.object({
    cycle_start: day,
    /** The first day of the cycle after it. */
    cycle_end: day,
    slots: z.array(
      z.object({
        ...minutes,
        /** Whole percents, rounded down: 100 means that nothing is left. */
        used_percent: z.int(),
        /** At the pace of the cycle so far; null where the minutes last, or are gone, or the cycle is over. */
        ends_at: dateTimeSchema.nullable(),
        by_line: z.array(
          z.object({ line_id: z.uuid(), extension: z.string().nullable(), seconds: z.int(), calls: z.int() }),
        ),
      }),
    ),
  }),
});

export const listBundleCyclesRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/subscribers/:subscriber_id/bundle-cycles',
  name: 'listBundleCycles',
  tag: 'bundle-cycles',
  summary: 'Minutes of a subscriber by cycle and slot, the newest cycle first',
  section: 'section.consumption',
  params: id,
  query: listQuery('-cycle_start'),
  reply: pageOf(z.object({ cycle_start: day, ...minutes, monthly_price_micros: microsSchema })),
  csv: true,
});

export const listBundleAlertsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/bundle-alerts',
  name: 'listBundleAlerts',
  tag: 'bundle-alerts',
  summary: 'Franquias that reached 50, 80 or 100 percent of their minutes, the newest first',
  section: 'section.consumption',
  query: listQuery('-id').extend({ subscriber_id: z.uuid().optional() }),
  reply: pageOf(
    z.object({
      id: z.string(),
      subscriber_id: z.uuid(),
      subscriber_name: z.string(),
      slot,
      cycle_start: day,
      percent: z.int(),
      created_at: dateTimeSchema,
    }),
  ),
});
