import { z } from 'zod';
import { ROLES } from '../domain/tenant.ts';
import { dateTimeSchema, textSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, SCOPES } from './route.ts';

const id = z.strictObject({ api_key_id: z.uuid() });
const section = 'section.api_keys';

export const newApiKeySchema = z.strictObject({
  /** For whom: neither is for oneself. A subscriber alone tells its reseller. */
  reseller_id: z.uuid().optional(),
  subscriber_id: z.uuid().optional(),
  name: textSchema(80),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .max(SCOPES.length)
    .transform((scopes) => [...new Set(scopes)]),
  /** At most two years ahead; null: until it is revoked. */
  expires_at: dateTimeSchema.nullable(),
});
export type NewApiKeyRequest = z.output<typeof newApiKeySchema>;

export const apiKeySchema = z.object({
  id: z.uuid(),
  role: z.enum(ROLES),
  reseller_id: z.uuid().nullable(),
  subscriber_id: z.uuid().nullable(),
  name: z.string(),
  /** The first letters of the key, to tell keys apart by. */
  shown_prefix: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  expires_at: dateTimeSchema.nullable(),
  last_used_at: dateTimeSchema.nullable(),
  revoked_at: dateTimeSchema.nullable(),
  created_at: dateTimeSchema,
});
export type ApiKey = z.infer<typeof apiKeySchema>;

export const listApiKeysRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/api-keys',
  name: 'listApiKeys',
  tag: 'api-keys',
  summary: 'API keys of oneself and of those below; revoked ones stay in the list',
  section,
  query: listQuery('-created_at', 'name').extend({
    role: z.enum(ROLES).optional(),
    reseller_id: z.uuid().optional(),
    subscriber_id: z.uuid().optional(),
    /** `false` finds keys that were revoked or have expired. */
    usable: z.enum(['true', 'false']).optional(),
  }),
  reply: pageOf(apiKeySchema),
});

export const createApiKeyRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/api-keys',
  name: 'createApiKey',
  tag: 'api-keys',
  summary: 'Makes an API key, shown once; it may do no more than whoever makes it',
  section,
  body: newApiKeySchema,
  reply: apiKeySchema.extend({ key: z.string() }),
});

export const revokeApiKeyRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/api-keys/:api_key_id',
  name: 'revokeApiKey',
  tag: 'api-keys',
  summary: 'Revokes an API key: what it holds open is closed',
  section,
  params: id,
  reply: z.null(),
});
