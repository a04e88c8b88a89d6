import { z } from 'zod';
import { canSchema, dateTimeSchema, e164Schema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const id = z.strictObject({ did_id: z.uuid() });
const staff = ['MASTER', 'RESELLER'] as const;
const calls = z.int().min(0).max(10_000).nullable();
const status = z.enum(['ACTIVE', 'INACTIVE']);

const fields = {
  /** null: nobody's yet, in the reseller's stock. */
  subscriber_id: z.uuid().nullable(),
  /** What rings, of the same subscriber: a line, or a ring group instead. */
  target_line_id: z.uuid().nullable(),
  /** Calls at a time that came in by it or show it as their caller ID; null: as many as there may be. */
  max_concurrent_calls: calls,
  max_concurrent_in: calls,
  max_concurrent_out: calls,
  target_group_id: z.uuid().nullable(),
  status,
};

export const newNumberSchema = z.strictObject({
  /** Only for the master: whose number it will be. */
  reseller_id: z.uuid().optional(),
  number: e164Schema,
  subscriber_id: fields.subscriber_id.default(null),
  target_line_id: fields.target_line_id.default(null),
  max_concurrent_calls: calls.default(null),
  max_concurrent_in: calls.default(null),
  max_concurrent_out: calls.default(null),
  target_group_id: fields.target_group_id.default(null),
  status: status.default('ACTIVE'),
});
export type NewNumber = z.output<typeof newNumberSchema>;

export const numberChangeSchema = z.strictObject(fields).partial();
export type NumberChange = z.output<typeof numberChangeSchema>;

/** A field that is hidden from its reader is not there. */
export const numberSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  subscriber_id: z.uuid().nullable(),
  number: z.string(),
  target_line_id: z.uuid().nullable().optional(),
  max_concurrent_calls: z.int().nullable().optional(),
  max_concurrent_in: z.int().nullable().optional(),
  max_concurrent_out: z.int().nullable().optional(),
  target_group_id: z.uuid().nullable().optional(),
  status,
  version: z.int(),
  created_at: dateTimeSchema,
  can: canSchema,
});
export type PhoneNumber = z.infer<typeof numberSchema>;

export const listNumbersRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/numbers',
  name: 'listNumbers',
  tag: 'numbers',
  summary: 'Numbers that can be called from outside',
  query: listQuery('number', '-created_at').extend({
    subscriber_id: z.uuid().optional(),
    status: status.optional(),
  }),
  reply: pageOf(numberSchema),
  csv: true,
});

export const readNumberRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/numbers/:did_id',
  name: 'readNumber',
  tag: 'numbers',
  summary: 'One number',
  params: id,
  reply: numberSchema,
});

export const createNumberRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/numbers',
  name: 'createNumber',
  tag: 'numbers',
  summary: 'Adds a number, for a subscriber or for the stock',
  roles: staff,
  body: newNumberSchema,
  reply: numberSchema,
});

export const changeNumberRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/numbers/:did_id',
  name: 'changeNumber',
  tag: 'numbers',
  summary:
    'Changes the fields that are sent; a new target takes the place of the old one, moving it to another subscriber clears it',
  params: id,
  body: numberChangeSchema,
  reply: numberSchema,
  edits: true,
});

export const deleteNumberRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/numbers/:did_id',
  name: 'deleteNumber',
  tag: 'numbers',
  summary: 'Deletes a number that no line shows as its caller ID',
  roles: staff,
  params: id,
  reply: z.null(),
  edits: true,
});
