import { z } from 'zod';
import { DIRECTIONS } from '../domain/authorize-inbound.ts';
import { CALL_CLASSES } from '../domain/call-class.ts';

/** Who pays for the second that runs now. */
export const PAYING = ['NOBODY_YET', 'BUNDLE', 'MONEY', 'FREE'] as const;

const liveCostSchema = z.object({ price_micros_per_minute: z.string(), cadence: z.string() });

/** One row of a live view. A field that is hidden from its viewer is not there. Times are ISO 8601, money is micro-reais as a decimal string. */
export const liveCallSchema = z.object({
  call_id: z.string(),
  reseller_id: z.uuid(),
  subscriber_id: z.uuid(),
  subscriber_name: z.string(),
  line_id: z.uuid(),
  extension: z.string(),
  /** IN: it came in over a trunk, for the line. */
  direction: z.enum(DIRECTIONS),
  /** The number that the caller of such a call showed. */
  caller_number: z.string().nullable().optional(),
  dialled: z.string().optional(),
  number: z.string().optional(),
  call_class: z.enum(CALL_CLASSES),
  phase: z.enum(['DIALLING', 'RINGING', 'ANSWERED']),
  created_at: z.iso.datetime(),
  ringing_at: z.iso.datetime().nullable(),
  answered_at: z.iso.datetime().nullable(),
  paying: z.enum(PAYING),
  /** Reserved so far, per source. */
  bundle_seconds: z.int(),
  paid_seconds: z.int(),
  /** When nothing more is paid for as things stand now; null before the answer and for free calls. */
  cut_at: z.iso.datetime().nullable(),
  /** What the seconds that money pays cost; null: nobody pays. */
  price_micros_per_minute: z.string().nullable().optional(),
  cadence: z.string().nullable(),
  /** For the reseller: what it pays for the same talk, and whether each minute loses. */
  wholesale: liveCostSchema.nullable().optional(),
  loss: z.boolean().optional(),
  /** For the platform: what the carrier asks. */
  carrier: liveCostSchema.nullable().optional(),
});
export type LiveCallRow = z.infer<typeof liveCallSchema>;

/**
 * Messages of `/api/v1/live`, in order: one `snapshot`, then `upsert` and `remove`. `sequence` grows by one per
 * message of the board; a viewer that reads only its own rows sees gaps, never a step back. `board` names the
 * life of the board: after a restart it differs and numbers begin anew.
 */
export const liveMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('snapshot'),
    board: z.string(),
    sequence: z.int(),
    calls: z.array(liveCallSchema),
  }),
  z.object({ type: z.literal('upsert'), sequence: z.int(), call: liveCallSchema }),
  z.object({
    type: z.literal('remove'),
    sequence: z.int(),
    call_id: z.string(),
    reason: z.enum(['HANGUP', 'EXHAUSTED', 'TOO_LONG', 'LOST', 'SWITCH_JOURNAL']),
    bundle_seconds: z.int(),
    paid_seconds: z.int(),
    total_micros: z.string().optional(),
    wholesale_micros: z.string().optional(),
    carrier_micros: z.string().optional(),
  }),
]);
export type LiveMessage = z.infer<typeof liveMessageSchema>;
