import { z } from 'zod';
import { DIRECTIONS } from '../domain/authorize-inbound.ts';
import { BLOCK_REASONS, BLOCKABLE_CLASSES } from '../domain/blocks.ts';
import { CLASS_GROUP_NAMES, SIGNALS, WATCHED_LEVELS } from '../domain/brake.ts';
import { CALL_CLASSES } from '../domain/call-class.ts';
import { dateTimeSchema, optionalTextSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const id = z.strictObject({ block_id: z.uuid() });
const staff = ['MASTER', 'RESELLER'] as const;
const OUTBOUND = BLOCKABLE_CLASSES.filter((one) => one !== 'INBOUND');
/** SUSPICION is what the brake gives. */
const GIVEN_REASONS = BLOCK_REASONS.filter((one) => one !== 'SUSPICION');

export const blockSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  /** null: all subscribers of the reseller. */
  subscriber_id: z.uuid().nullable(),
  subscriber_name: z.string().nullable(),
  /** null: all lines of the subscriber. */
  line_id: z.uuid().nullable(),
  extension: z.string().nullable(),
  direction: z.enum(DIRECTIONS),
  call_classes: z.array(z.enum(CALL_CLASSES)),
  reason: z.enum(BLOCK_REASONS),
  origin: z.enum(['BRAKE', 'RESELLER', 'MASTER']),
  note: z.string().nullable(),
  /** What tripped the brake; amounts in micro-reais. */
  detail: z
    .object({
      group: z.enum(CLASS_GROUP_NAMES),
      level: z.enum(WATCHED_LEVELS),
      score: z.int(),
      signs: z.array(z.object({ signal: z.enum(SIGNALS), value: z.string(), points: z.int() })),
    })
    .nullable(),
  /** Names of people; null for a subscriber. */
  created_by: z.string().nullable(),
  created_at: dateTimeSchema,
  ends_at: dateTimeSchema,
  lifted_at: dateTimeSchema.nullable(),
  lifted_by: z.string().nullable(),
  /** It holds now, and its reader may lift it. */
  can_lift: z.boolean(),
});

export const listBlocksRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/blocks',
  name: 'listBlocks',
  tag: 'blocks',
  summary: 'Blocks of calls, by the fraud brake or by people, the newest first',
  section: 'section.blocks',
  query: listQuery('-created_at').extend({
    subscriber_id: z.uuid().optional(),
    line_id: z.uuid().optional(),
    /** Only those that hold now. */
    in_force: z.stringbool().optional(),
  }),
  reply: pageOf(blockSchema),
});

export const newBlockSchema = z.strictObject({
  /** Whose calls: all of a reseller's (only for the master), of a subscriber, or of a line; the narrowest that is named. */
  reseller_id: z.uuid().optional(),
  subscriber_id: z.uuid().optional(),
  line_id: z.uuid().optional(),
  direction: z.enum(DIRECTIONS).default('OUT'),
  /** Of calls out; without them all classes but emergency and internal ones, which nothing blocks. */
  call_classes: z.array(z.enum(OUTBOUND)).min(1).max(OUTBOUND.length).optional(),
  reason: z.enum(GIVEN_REASONS),
  note: optionalTextSchema(200),
  ends_at: dateTimeSchema,
});
export type NewBlock = z.output<typeof newBlockSchema>;

export const createBlockRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/blocks',
  name: 'createBlock',
  tag: 'blocks',
  summary: 'Blocks calls from now until a moment; calls that run already get no further slice',
  roles: staff,
  body: newBlockSchema,
  reply: blockSchema,
});

export const liftBlockRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/blocks/:block_id/lift',
  name: 'liftBlock',
  tag: 'blocks',
  summary: 'Ends a block now; one that was placed above the caller stays',
  section: 'section.blocks',
  status: 200,
  params: id,
  reply: blockSchema,
});

export const createBlockLinkRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/blocks/:block_id/link',
  name: 'createBlockLink',
  tag: 'blocks',
  summary:
    'A link that lifts a block of the brake once its reader confirms; it works once, and for 24 hours at most',
  roles: staff,
  params: id,
  reply: z.object({ path: z.string(), expires_at: dateTimeSchema }),
});
