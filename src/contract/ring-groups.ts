import { z } from 'zod';
import { MOST_MEMBERS, RING_STRATEGIES } from '../domain/ring-group.ts';
import { dateTimeSchema, textSchema } from './fields.ts';
import { extensionSchema } from './lines.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, nothingSchema } from './route.ts';

const id = z.strictObject({ ring_group_id: z.uuid() });

const fields = {
  /** No line of the subscriber has it. */
  extension: extensionSchema,
  name: textSchema(80),
  /** ALL: all phones at once. ORDER: one after the other, each for `ring_seconds`. */
  strategy: z.enum(RING_STRATEGIES),
  ring_seconds: z.int().min(5).max(120),
  /** Lines of the subscriber, in the order in which they ring. */
  member_line_ids: z.array(z.uuid()).max(MOST_MEMBERS),
  /** The line that rings when nobody answered, as if it had been called: it may send the call on. null: none. */
  overflow_line_id: z.uuid().nullable(),
};

export const newRingGroupSchema = z.strictObject({
  subscriber_id: z.uuid(),
  ...fields,
  strategy: fields.strategy.default('ALL'),
  ring_seconds: fields.ring_seconds.default(20),
  overflow_line_id: fields.overflow_line_id.default(null),
});
export type NewRingGroup = z.output<typeof newRingGroupSchema>;

export const ringGroupChangeSchema = z.strictObject(fields).partial();
export type RingGroupChange = z.output<typeof ringGroupChangeSchema>;

export const ringGroupSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  subscriber_id: z.uuid(),
  extension: z.string(),
  name: z.string(),
  strategy: z.enum(RING_STRATEGIES),
  ring_seconds: z.int(),
  member_line_ids: z.array(z.uuid()),
  overflow_line_id: z.uuid().nullable(),
  version: z.int(),
  created_at: dateTimeSchema,
});
export type RingGroup = z.infer<typeof ringGroupSchema>;

const section = 'section.ring_groups';

export const listRingGroupsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/ring-groups',
  name: 'listRingGroups',
  tag: 'ring-groups',
  summary: 'Groups of lines that ring together; q searches extension and name',
  section,
  query: listQuery('extension', 'name', '-created_at').extend({ subscriber_id: z.uuid().optional() }),
  reply: pageOf(ringGroupSchema),
});

export const readRingGroupRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/ring-groups/:ring_group_id',
  name: 'readRingGroup',
  tag: 'ring-groups',
  summary: 'One group',
  section,
  params: id,
  reply: ringGroupSchema,
});

export const createRingGroupRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/ring-groups',
  name: 'createRingGroup',
  tag: 'ring-groups',
  summary: 'Makes a group of lines of one subscriber',
  section,
  body: newRingGroupSchema,
  reply: ringGroupSchema,
});

export const changeRingGroupRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/ring-groups/:ring_group_id',
  name: 'changeRingGroup',
  tag: 'ring-groups',
  summary: 'Changes the fields that are sent',
  section,
  params: id,
  body: ringGroupChangeSchema,
  reply: ringGroupSchema,
  edits: true,
});

export const deleteRingGroupRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/ring-groups/:ring_group_id',
  name: 'deleteRingGroup',
  tag: 'ring-groups',
  summary: 'Deletes a group that no number rings',
  section,
  params: id,
  reply: nothingSchema,
  edits: true,
});
