import { z } from 'zod';
import { ROLES } from '../domain/tenant.ts';
import { canSchema, dateTimeSchema, emailSchema, textSchema, usernameSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const id = z.strictObject({ user_id: z.uuid() });
const section = 'section.users' as const;

export const userSchema = z.object({
  id: z.uuid(),
  role: z.enum(ROLES),
  reseller_id: z.uuid().nullable(),
  subscriber_id: z.uuid().nullable(),
  username: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  status: z.enum(['ACTIVE', 'INACTIVE']),
  must_change_password: z.boolean(),
  second_factor: z.boolean(),
  version: z.int(),
  created_at: dateTimeSchema,
  can: canSchema,
});
export type User = z.infer<typeof userSchema>;

const fields = { name: textSchema(120), email: emailSchema.nullable().default(null) };
const shownOnce = z.object({ password: z.string().nullable() });

export const listUsersRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/users',
  name: 'listUsers',
  tag: 'users',
  summary: 'Users of the tenant and of those below it',
  section,
  query: listQuery('username', 'name', '-created_at').extend({
    role: z.enum(ROLES).optional(),
    subscriber_id: z.uuid().optional(),
  }),
  reply: pageOf(userSchema),
  csv: true,
});

export const readUserRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/users/:user_id',
  name: 'readUser',
  tag: 'users',
  summary: 'One user',
  section,
  params: id,
  reply: userSchema,
});

export const checkUsernameRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/usernames/:username',
  name: 'checkUsername',
  tag: 'users',
  summary: 'Whether a user name is free; they are one name space for the whole platform',
  section,
  params: z.strictObject({ username: usernameSchema }),
  reply: z.object({ username: z.string(), free: z.boolean() }),
});

export const createUserRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/users',
  name: 'createUser',
  tag: 'users',
  summary:
    'Creates a user of one’s own tenant, or of a reseller or subscriber below it; a generated password is shown once',
  section,
  body: z.strictObject({
    reseller_id: z.uuid().optional(),
    subscriber_id: z.uuid().optional(),
    username: usernameSchema,
    ...fields,
    password: z.string().max(128).optional(),
  }),
  reply: userSchema.extend(shownOnce.shape),
});

export const changeUserRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/users/:user_id',
  name: 'changeUser',
  tag: 'users',
  summary: 'Changes a user; INACTIVE ends all its sessions',
  section,
  params: id,
  body: z.strictObject({
    name: textSchema(120).optional(),
    email: emailSchema.nullable().optional(),
    status: z.enum(['ACTIVE', 'INACTIVE']).optional(),
  }),
  reply: userSchema,
  edits: true,
});

export const resetPasswordRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/users/:user_id/password',
  name: 'resetPassword',
  tag: 'users',
  summary: 'Gives a user a new password, shown once, and ends all its sessions',
  section,
  params: id,
  reply: shownOnce,
});

export const resetSecondFactorRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/users/:user_id/second-factor',
  name: 'resetSecondFactor',
  tag: 'users',
  summary: 'Takes the second factor of a user away that lost it',
  section,
  params: id,
  reply: z.null(),
});

export const deleteUserRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/users/:user_id',
  name: 'deleteUser',
  tag: 'users',
  summary: 'Deletes a user and ends all its sessions',
  section,
  params: id,
  reply: z.null(),
  edits: true,
});
