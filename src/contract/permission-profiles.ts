import { z } from 'zod';
import { ACCESS_LEVELS, PANEL_FIELDS, type PermissionSet } from '../domain/permissions.ts';
import { dateTimeSchema, textSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const bound = z.int().min(0).max(1_000_000).optional();
const accessSchema = z.strictObject({
  level: z.enum(ACCESS_LEVELS),
  within: z.strictObject({ min: bound, max: bound, total_max: bound }).optional(),
});

/** Per field of the subscriber's panel: hidden, read, write, or write within limits. What is left out is as usual. */
export const permissionSetSchema = z.partialRecord(
  z.enum(PANEL_FIELDS),
  accessSchema,
) as z.ZodType<PermissionSet>;

const staff = ['MASTER', 'RESELLER'] as const;
const id = z.strictObject({ permission_profile_id: z.uuid() });

export const permissionProfileSchema = z.object({
  id: z.uuid(),
  reseller_id: z.uuid(),
  name: z.string(),
  permissions: permissionSetSchema,
  version: z.int(),
  created_at: dateTimeSchema,
});

const fields = { name: textSchema(80), permissions: permissionSetSchema };

export const listPermissionProfilesRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/permission-profiles',
  name: 'listPermissionProfiles',
  tag: 'permission-profiles',
  summary: 'Reusable sets of permissions for subscribers',
  roles: staff,
  query: listQuery('name', '-created_at'),
  reply: pageOf(permissionProfileSchema),
});

export const readPermissionProfileRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/permission-profiles/:permission_profile_id',
  name: 'readPermissionProfile',
  tag: 'permission-profiles',
  summary: 'One permission profile',
  roles: staff,
  params: id,
  reply: permissionProfileSchema,
});

export const createPermissionProfileRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/permission-profiles',
  name: 'createPermissionProfile',
  tag: 'permission-profiles',
  summary: 'Creates a permission profile',
  roles: staff,
  body: z.strictObject({ reseller_id: z.uuid().optional(), ...fields }),
  reply: permissionProfileSchema,
});

export const changePermissionProfileRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/permission-profiles/:permission_profile_id',
  name: 'changePermissionProfile',
  tag: 'permission-profiles',
  summary: 'Changes a permission profile for all subscribers that have it',
  roles: staff,
  params: id,
  body: z.strictObject(fields).partial(),
  reply: permissionProfileSchema,
  edits: true,
});

export const deletePermissionProfileRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/permission-profiles/:permission_profile_id',
  name: 'deletePermissionProfile',
  tag: 'permission-profiles',
  summary: 'Deletes a permission profile that no subscriber has',
  roles: staff,
  params: id,
  reply: z.null(),
  edits: true,
});
