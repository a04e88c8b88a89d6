import { z } from 'zod';
import { DIRECTIONS } from '../domain/authorize-inbound.ts';
import { CALL_CLASSES } from '../domain/call-class.ts';

/** Who pays for the second that runs now. */
export const PAYING = ['NOBODY_YET', 'BUNDLE', 'MONEY', 'FREE'] as const;

const liveCostSchema = z.object({ price_micros_per_minute: z.string(), cadence: z.string() });

/**
 * One row of a live view. A field that is hidden from its viewer is not there. Times are ISO 8601, money is micro-reais
 * as a decimal string. `soFar` of the domain makes of a row what the call has cost at any second, without asking again.
 */
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
  /** The call that its line sent on by this one: of its own record. */
  forwarded_from: z.string().nullable(),
  /** The group that rings, or rang: from outside, `extension` is the group's until a line answers. */
  ring_group_name: z.string().nullable(),
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
  /** What pays from which second of talk on, as far as it is reserved; two of a kind where a cycle turned between them. */
  sources: z.array(z.object({ from_seconds: z.int(), source: z.enum(['BUNDLE', 'MONEY']) })),
  /**
   * When nothing more is paid for, all calls that draw on the same minutes and money going on together and nobody else
   * beginning or ending one; never before what is reserved ends. null before the answer and for free calls.
   */
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

/** A row as it is now, or that it is gone; gone may be told of a row that was never shown. */
export const liveChangeSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('upsert'), sequence: z.int(), call: liveCallSchema }),
  z.object({
    type: z.literal('remove'),
    sequence: z.int(),
    call_id: z.string(),
    reason: z.enum(['HANGUP', 'EXHAUSTED', 'TOO_LONG', 'BLOCKED', 'LOST', 'SWITCH_JOURNAL']),
    bundle_seconds: z.int(),
    paid_seconds: z.int(),
    total_micros: z.string().optional(),
    wholesale_micros: z.string().optional(),
    carrier_micros: z.string().optional(),
  }),
]);
export type LiveChange = z.infer<typeof liveChangeSchema>;

/**
 * Messages of `/api/v1/live`. First a `snapshot`, or `resumed` for who named `board` and the `sequence` it had seen
 * (`?board=…&after=…`) and can still be told what it missed; then `changes`, at most ten times a second, each row in its
 * latest state alone. A large snapshot comes in parts: the rows of before count until `complete`. Later ones replace
 * everything: they come when a viewer was too slow for the changes between, or may see other fields than before.
 *
 * `sequence` says up to where the viewer has been told; it only grows. `board` names the life of the board and what its
 * viewer may see. `now` is the service's clock, by which all times of rows are to be read.
 */
export const liveMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('snapshot'),
    board: z.string(),
    sequence: z.int(),
    now: z.iso.datetime(),
    /** From 0. */
    part: z.int(),
    complete: z.boolean(),
    calls: z.array(liveCallSchema),
  }),
  z.object({
    type: z.literal('resumed'),
    board: z.string(),
    sequence: z.int(),
    now: z.iso.datetime(),
  }),
  z.object({ type: z.literal('changes'), sequence: z.int(), changes: z.array(liveChangeSchema) }),
]);
export type LiveMessage = z.infer<typeof liveMessageSchema>;

/** What a viewer knows: made of messages, told to resume by. */
export interface LiveState {
  readonly board: string;
  readonly sequence: number;
  readonly calls: ReadonlyMap<string, LiveCallRow>;
  /** Rows of a snapshot whose other parts are still to come. */
  readonly coming: readonly LiveCallRow[];
}

export const NO_LIVE_STATE: LiveState = { board: '', sequence: 0, calls: new Map(), coming: [] };

/** What a viewer knows after one more message. */
export function hearLive(state: LiveState, message: LiveMessage): LiveState {
  switch (message.type) {
    case 'resumed':
      return { ...state, coming: [] };
    case 'snapshot': {
      const { board, sequence } = message;
      const rows = [...(message.part === 0 ? [] : state.coming), ...message.calls];
      if (!message.complete) return { ...state, coming: rows };
      return { board, sequence, calls: new Map(rows.map((row) => [row.call_id, row])), coming: [] };
    }
    case 'changes': {
      const calls = new Map(state.calls);
      for (const change of message.changes) {
        if (change.type === 'upsert') calls.set(change.call.call_id, change.call);
        else calls.delete(change.call_id);
      }
      return { ...state, sequence: message.sequence, calls };
    }
  }
}
