import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { impersonate } from '../../admin/impersonate.ts';
import {
  beginSecondFactor,
  changePassword,
  confirmSecondFactor,
  endSecondFactor,
} from '../../admin/own-access.ts';
import { type SignInDependencies, signIn } from '../../admin/sign-in.ts';
import { say } from '../../contract/language.ts';
import { ProblemError } from '../../contract/problem.ts';
import {
  beginSecondFactorRoute,
  changePasswordRoute,
  confirmSecondFactorRoute,
  endSecondFactorRoute,
  impersonateRoute,
  listSessionsRoute,
  readSessionRoute,
  revokeSessionRoute,
  signInRoute,
  signOutRoute,
} from '../../contract/sessions.ts';
import { PANEL_FIELDS } from '../../domain/permissions.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import { ownerColumns } from '../../stores/postgres/tenancy.ts';
import { findCredentials, tenantNames } from '../../stores/postgres/users.ts';
import type { Session } from '../../stores/redis/sessions.ts';
import { isOwnOrigin, SESSION_COOKIE } from '../authenticate.ts';
import type { Binder } from '../bind.ts';
import type { Viewer } from '../viewer.ts';

/** Keeps the way back of who entered as somebody else. */
const RETURN_COOKIE = '__Host-pabx-return';

function setCookie(response: FastifyReply, name: string, value: string | null): void {
  response.header(
    'set-cookie',
    stringifySetCookie({
      name,
      value: value ?? '',
      path: '/',
      httpOnly: true,
      secure: true,
      sameSite: 'lax',
      ...(value === null ? { maxAge: 0 } : {}),
    }),
  );
}

function cookieOf(request: FastifyRequest, name: string): string | null {
  return parseCookie(request.headers.cookie ?? '')[name] ?? null;
}

/** Keys belong to programs; these routes are for people. */
function sessionOf({ session }: Viewer): Session {
  if (session) return session;
  throw new ProblemError('FORBIDDEN', say('sign in as a user for this', 'entre como usuário para isso'));
}

/** One's own password is one's own: nobody changes it from inside another tenant. */
function ownSession(viewer: Viewer): Session {
  const session = sessionOf(viewer);
  if (session.impersonation === null) return session;
  throw new ProblemError('FORBIDDEN', say('leave this tenant first', 'saia deste acesso primeiro'));
}

const iso = (ms: number) => new Date(ms).toISOString();

export interface SessionRouteDependencies extends SignInDependencies {
  readonly origins: readonly string[];
}

function addSigningIn({ bind, bindOpen }: Binder, deps: SessionRouteDependencies): void {
  const { system, sessions, origins } = deps;

  bindOpen(signInRoute, async ({ body, address, request, response }) => {
    // A page of others must not sign a browser in as somebody of theirs.
    if (request.headers.origin !== undefined && !isOwnOrigin(request.headers, origins))
      throw new ProblemError(
        'FORBIDDEN',
        say('another site sent this request', 'outro site enviou esta requisição'),
      );
    const user_agent = String(request.headers['user-agent'] ?? '').slice(0, 300);
    const before = [SESSION_COOKIE, RETURN_COOKIE].map((name) => cookieOf(request, name));
    const { username, password, code } = body;
    const begun = await signIn(deps, { username, password, code, address, user_agent });
    // The tokens of before must not live on beside the new one.
    for (const token of before) {
      const old = token === null ? null : await sessions.find(token);
      if (old) await sessions.revoke(old.session_id);
    }
    setCookie(response, SESSION_COOKIE, begun.token);
    if (before[1] !== null) setCookie(response, RETURN_COOKIE, null);
    return { expires_at: iso(begun.session.expires_at_ms), must_change_password: begun.must_change_password };
  });

  bind(readSessionRoute, async ({ viewer, permissions }) => {
    const session = sessionOf(viewer);
    const user = await findCredentials(system, { user_id: session.user_id });
    if (!user) throw notFound();
    const { role, reseller_id, subscriber_id } = ownerColumns(session.tenant);
    return {
      user_id: session.user_id,
      username: session.username,
      name: user.name,
      role: session.user_tenant.role,
      acting: { role, reseller_id, subscriber_id, ...(await tenantNames(system, session.tenant)) },
      impersonation: session.impersonation,
      expires_at: iso(session.expires_at_ms),
      must_change_password: user.must_change_password,
      second_factor: user.totp_confirmed,
      permissions:
        permissions && Object.fromEntries(PANEL_FIELDS.map((field) => [field, permissions[field].level])),
    };
  });

  bind(signOutRoute, async ({ viewer, request, response }) => {
    const { session_id, impersonation } = sessionOf(viewer);
    await sessions.revoke(session_id);
    const back = impersonation === null ? null : cookieOf(request, RETURN_COOKIE);
    const own = back === null ? null : await sessions.find(back);
    setCookie(response, SESSION_COOKIE, own && own.user_id === viewer.session?.user_id ? back : null);
    setCookie(response, RETURN_COOKIE, null);
    return null;
  });

  bind(impersonateRoute, async ({ tx, viewer, body, request, response }) => {
    const begun = await impersonate({ tx, system, sessions }, viewer.session, viewer.actor, body);
    setCookie(response, RETURN_COOKIE, cookieOf(request, SESSION_COOKIE));
    setCookie(response, SESSION_COOKIE, begun.token);
    return { expires_at: iso(begun.session.expires_at_ms) };
  });
}

function addOwnAccess({ bind }: Binder, deps: SessionRouteDependencies): void {
  const { sessions } = deps;

  bind(listSessionsRoute, async ({ viewer }) => {
    const { user_id, session_id } = sessionOf(viewer);
    const items = (await sessions.list(user_id)).map((session) => ({
      session_id: session.session_id,
      current: session.session_id === session_id,
      impersonating: session.impersonation !== null,
      address: session.address,
      user_agent: session.user_agent,
      created_at: iso(session.created_at_ms),
      expires_at: iso(session.expires_at_ms),
    }));
    return { items };
  });

  bind(revokeSessionRoute, async ({ viewer, params }) => {
    const { user_id } = ownSession(viewer);
    const own = await sessions.list(user_id);
    if (!own.some(({ session_id }) => session_id === params.session_id)) throw notFound();
    await sessions.revoke(params.session_id);
    return null;
  });

  bind(changePasswordRoute, async ({ viewer, body }) => {
    const { user_id, session_id } = ownSession(viewer);
    await changePassword(deps, viewer.actor, user_id, body.current_password, body.new_password);
    await sessions.revokeUser(user_id, session_id);
    return null;
  });

  bind(beginSecondFactorRoute, ({ viewer, body }) =>
    beginSecondFactor(deps, viewer.actor, ownSession(viewer).user_id, body.password),
  );

  bind(confirmSecondFactorRoute, async ({ viewer, body }) => ({
    recovery_codes: await confirmSecondFactor(deps, viewer.actor, ownSession(viewer).user_id, body.code),
  }));

  bind(endSecondFactorRoute, async ({ viewer, body }) => {
    await endSecondFactor(deps, viewer.actor, ownSession(viewer).user_id, body.password);
    return null;
  });
}

export function addSessionRoutes(binder: Binder, deps: SessionRouteDependencies): void {
  addSigningIn(binder, deps);
  addOwnAccess(binder, deps);
}
