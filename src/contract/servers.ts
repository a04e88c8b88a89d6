import { z } from 'zod';
import { dateTimeSchema } from './fields.ts';
import { say } from './language.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, nothingSchema } from './route.ts';

const id = z.strictObject({ server_id: z.uuid() });
const roles = ['MASTER'] as const;

/** What of a server or trunk reaches Asterisk's configuration as a name of its own. */
export const codeSchema = z
  .string()
  .regex(
    /^[a-z0-9]{1,16}$/,
    say('1 to 16 lower-case letters and digits', '1 a 16 letras minúsculas e dígitos'),
  );

const HOST_NAME = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*';
const IPV6 = '(?=[^\\]]*:[^\\]]*:)[0-9A-Fa-f:.]{2,45}';

/** A host name, or an IPv4 or IPv6 address without brackets. */
export const hostSchema = z
  .string()
  .max(253)
  .regex(
    new RegExp(`^(?:${HOST_NAME}|${IPV6})$`),
    say('a host name or an address', 'um nome de host ou um endereço'),
  );

export const portSchema = z.int().min(1).max(65_535);

/** An origin and nothing else: a password in it would be shown to whoever reads the server. */
const ariUrlSchema = z
  .string()
  .max(300)
  .regex(
    new RegExp(`^https?://(?:${HOST_NAME}|\\[${IPV6}\\])(?::\\d{1,5})?/?$`),
    say(
      'a URL such as http://10.0.0.5:8088, without credentials, path or query',
      'uma URL como http://10.0.0.5:8088, sem credenciais, caminho ou consulta',
    ),
  )
  .refine(
    (text) => Number(/:(\d+)\/?$/.exec(text)?.[1] ?? 80) <= 65_535,
    say('the port is at most 65535', 'a porta é no máximo 65535'),
  )
  .transform((text) => text.replace(/\/$/, ''));

const fields = { ari_url: ariUrlSchema, ami_host: hostSchema, ami_port: portSchema };

/** `name` stays as it is for good: it is a part of every call's id. */
export const newServerSchema = z.strictObject({ name: codeSchema, ...fields });

export const serverChangeSchema = z.strictObject(fields).partial();

export const serverSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  ari_url: z.string(),
  ami_host: z.string(),
  ami_port: z.int(),
  /** The configuration that it should run; null before the first one is made. */
  newest_revision: z.string().nullable(),
  newest_revision_at: dateTimeSchema.nullable(),
  /** The configuration that it runs by its own word. */
  acknowledged_revision: z.string().nullable(),
  acknowledged_at: dateTimeSchema.nullable(),
  /** Why it refused the last one; null when it did not. */
  acknowledged_error: z.string().nullable(),
  subscribers: z.int(),
  trunks: z.int(),
  version: z.int(),
  created_at: dateTimeSchema,
});
export type Server = z.infer<typeof serverSchema>;

/** The token by which a server pulls its configuration; shown here and never again. */
const tokenSchema = z.object({ token: z.string() });

export const listServersRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/servers',
  name: 'listServers',
  tag: 'servers',
  summary: 'Asterisk servers, and whether each runs its newest configuration',
  roles,
  query: listQuery('name', '-created_at'),
  reply: pageOf(serverSchema),
});

export const readServerRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/servers/:server_id',
  name: 'readServer',
  tag: 'servers',
  summary: 'One Asterisk server',
  roles,
  params: id,
  reply: serverSchema,
});

export const createServerRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/servers',
  name: 'createServer',
  tag: 'servers',
  summary: 'Registers an Asterisk server; its provisioning token is shown once',
  roles,
  body: newServerSchema,
  reply: serverSchema.extend(tokenSchema.shape),
});

export const changeServerRoute = defineRoute({
  method: 'PATCH',
  path: '/api/v1/servers/:server_id',
  name: 'changeServer',
  tag: 'servers',
  summary: 'Changes where a server is reached',
  roles,
  params: id,
  body: serverChangeSchema,
  reply: serverSchema,
  edits: true,
});

export const deleteServerRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/servers/:server_id',
  name: 'deleteServer',
  tag: 'servers',
  summary: 'Deletes a server that never had subscribers, trunks or calls',
  roles,
  params: id,
  reply: nothingSchema,
  edits: true,
});

export const renewServerTokenRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/servers/:server_id/token',
  name: 'renewServerToken',
  tag: 'servers',
  summary: 'Gives a server a new provisioning token, shown once; the old one is invalid at once',
  roles,
  params: id,
  reply: tokenSchema,
});
