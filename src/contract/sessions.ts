import { z } from 'zod';
import { ROLES } from '../domain/tenant.ts';
import { dateTimeSchema, textSchema, usernameSchema } from './fields.ts';
import { say } from './language.ts';
import { defineRoute } from './route.ts';

/** Who is signed in, and as whom. `sections` of a subscriber's panel with what its users may do there. */
export const meSchema = z.object({
  user_id: z.uuid(),
  username: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  /** As whom: differs from the user's own tenant while impersonating. */
  acting: z.object({
    role: z.enum(ROLES),
    reseller_id: z.uuid().nullable(),
    reseller_name: z.string().nullable(),
    subscriber_id: z.uuid().nullable(),
    subscriber_name: z.string().nullable(),
  }),
  impersonation: z.object({ reason: z.string().nullable(), read_only: z.boolean() }).nullable(),
  expires_at: dateTimeSchema,
  must_change_password: z.boolean(),
  second_factor: z.boolean(),
  permissions: z.record(z.string(), z.string()).nullable(),
});

const password = z.string().min(1).max(128);
const code = z
  .string()
  .trim()
  .max(40)
  .regex(
    /^[0-9A-Za-z -]+$/,
    say('six digits, or a recovery code', 'seis dígitos, ou um código de recuperação'),
  );

export const signInRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/session',
  name: 'signIn',
  tag: 'session',
  summary:
    'Signs in and sets the session cookie; asks for `code` (SECOND_FACTOR_REQUIRED) where one is set up',
  roles: [],
  body: z.strictObject({ username: usernameSchema, password, code: code.optional() }),
  reply: z.object({ expires_at: dateTimeSchema, must_change_password: z.boolean() }),
});

export const readSessionRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/session',
  name: 'readSession',
  tag: 'session',
  summary: 'Who is signed in, as whom, until when',
  reply: meSchema,
});

export const signOutRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/session',
  name: 'signOut',
  tag: 'session',
  summary: 'Ends the session; whoever entered as somebody returns to their own',
  // Looking only is no reason to have to stay.
  scope: 'READ',
  reply: z.null(),
});

export const sessionSchema = z.object({
  session_id: z.string(),
  current: z.boolean(),
  impersonating: z.boolean(),
  address: z.string(),
  user_agent: z.string(),
  created_at: dateTimeSchema,
  expires_at: dateTimeSchema,
});

export const listSessionsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/sessions',
  name: 'listSessions',
  tag: 'session',
  summary: 'Sessions of the user who asks',
  reply: z.object({ items: z.array(sessionSchema) }),
});

export const revokeSessionRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/sessions/:session_id',
  name: 'revokeSession',
  tag: 'session',
  summary: 'Ends a session of the user who asks; its live streams close too',
  params: z.strictObject({ session_id: z.string().regex(/^[0-9a-f]{64}$/) }),
  reply: z.null(),
});

export const changePasswordRoute = defineRoute({
  method: 'PUT',
  path: '/api/v1/session/password',
  name: 'changePassword',
  tag: 'session',
  summary: 'Changes the password of the user who asks and ends all their other sessions',
  body: z.strictObject({ current_password: password, new_password: z.string().max(128) }),
  reply: z.null(),
  status: 204,
});

export const beginSecondFactorRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/session/second-factor',
  name: 'beginSecondFactor',
  tag: 'session',
  summary: 'Makes the secret of an authenticator app; it counts once a code of it was confirmed',
  body: z.strictObject({ password }),
  reply: z.object({ secret: z.string(), uri: z.string() }),
});

export const confirmSecondFactorRoute = defineRoute({
  method: 'PUT',
  path: '/api/v1/session/second-factor',
  name: 'confirmSecondFactor',
  tag: 'session',
  summary: 'Turns the second factor on; the recovery codes are shown here and never again',
  body: z.strictObject({ code }),
  reply: z.object({ recovery_codes: z.array(z.string()) }),
});

export const endSecondFactorRoute = defineRoute({
  method: 'DELETE',
  path: '/api/v1/session/second-factor',
  name: 'endSecondFactor',
  tag: 'session',
  summary: 'Turns the second factor off',
  body: z.strictObject({ password }),
  reply: z.null(),
});

export const impersonateRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/impersonations',
  name: 'impersonate',
  tag: 'session',
  summary:
    'Enters as a reseller or a subscriber for half an hour, to look only unless a reason is given to change things',
  roles: ['MASTER', 'RESELLER'],
  body: z
    .strictObject({
      reseller_id: z.uuid().optional(),
      subscriber_id: z.uuid().optional(),
      read_only: z.boolean().default(true),
      reason: textSchema(200).nullable().default(null),
    })
    .refine(
      ({ reseller_id, subscriber_id }) => (reseller_id === undefined) !== (subscriber_id === undefined),
      say('name either a reseller or a subscriber', 'indique uma revenda ou um assinante'),
    )
    .refine(({ read_only, reason }) => read_only || (reason !== null && reason.length >= 5), {
      path: ['reason'],
      error: say('say why things will be changed', 'diga por que algo será alterado'),
    }),
  reply: z.object({ expires_at: dateTimeSchema }),
});
