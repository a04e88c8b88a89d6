import { z } from 'zod';
import { dateTimeSchema, textSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, nothingSchema } from './route.ts';
import { codeSchema, hostSchema, portSchema } from './servers.ts';

const id = z.strictObject({ trunk_id: z.uuid() });
const roles = ['MASTER'] as const;
const status = z.enum(['ACTIVE', 'INACTIVE']);

const fields = {
  name: textSchema(80),
  host: hostSchema,
  port: portSchema,
  max_concurrent_calls: z.int().min(0).max(100_000),
  /** Of its channels, so many that only calls in may take. */
  reserved_in: z.int().min(0).max(100_000),
  /** Trunks are tried from 1 up. */
  priority: z.int().min(1).max(1_000),
  /** What the carrier behind it asks; null: that is not known. */
  cost_plan_id: z.uuid().nullable(),
  status,
};

/** Server and code stay as they are for good: calls on the trunk know it by them. */
export const newTrunkSchema = z.strictObject({
  server_id: z.uuid(),
  code: codeSchema,
  ...fields,
  port: portSchema.default(5060),
  reserved_in: fields.reserved_in.default(0),
  priority: fields.priority.default(1),
  cost_plan_id: fields.cost_plan_id.default(null),
  status: status.default('ACTIVE'),
});
export type NewTrunk = z.output<typeof newTrunkSchema>;

export const trunkChangeSchema = z.strictObject(fields).partial();

export const trunkSchema = z.object({
  id: z.uuid(),
  server_id: z.uuid(),
  server_name: z.string(),
  code: z.string(),
  name: z.string(),
  host: z.string(),
  port: z.int(),
  max_concurrent_calls: z.int(),
  reserved_in: z.int(),
  priority: z.int(),
  cost_plan_id: z.uuid().nullable(),
  status,
  version: z.int(),
  created_at: dateTimeSchema,
});
export type Trunk = z.infer<typeof trunkSchema>;

export const listTrunksRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/trunks',
  name: 'listTrunks',
  tag: 'trunks',
  summary: 'Trunks to carriers',
  roles,
  query: listQuery('name', 'priority', '-created_at').extend({
    server_id: z.uuid().optional(),
    status: status.optional(),
  }),
  reply: pageOf(trunkSchema),
});

export const readTrunkRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/trunks/:trunk_id',
  name: 'readTrunk',
  tag: 'trunks',
  summary: 'One trunk',
  roles,
  params: id,
  reply: trunkSchema,
});

export const createTrunkRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/trunks',
  name: 'createTrunk',
  tag: 'trunks',
  summary: 'Adds a trunk to a server',
  roles,
  body: newTrunkSchema,
  reply: trunkSchema,
});

export const changeTrunkRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/trunks/:trunk_id',
  name: 'changeTrunk',
  tag: 'trunks',
  summary: 'Changes the fields that are sent',
  roles,
  params: id,
  body: trunkChangeSchema,
  reply: trunkSchema,
  edits: true,
});

export const deleteTrunkRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/trunks/:trunk_id',
  name: 'deleteTrunk',
  tag: 'trunks',
  summary: 'Deletes a trunk that never had calls; any other is set INACTIVE instead',
  roles,
  params: id,
  reply: nothingSchema,
  edits: true,
});
