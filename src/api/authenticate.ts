import type { IncomingHttpHeaders } from 'node:http';
import { parseCookie } from 'cookie';
import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import { findApiKey, touchApiKey } from '../stores/postgres/api-keys.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { SessionStore } from '../stores/redis/sessions.ts';
import { type Viewer, viewerOfKey, viewerOfSession } from './viewer.ts';

/** The prefix binds it to this host, to HTTPS and to the whole path; browsers enforce that. */
export const SESSION_COOKIE = '__Host-pabx';

export interface Asking {
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
  /** Whether answering changes anything: then a browser must have been on our own page. */
  readonly changes: boolean;
}

/** Gives who asks, or throws UNAUTHENTICATED; FORBIDDEN when another site made the browser ask. */
export type Authenticate = (asking: Asking) => Promise<Viewer>;

export function bearerToken(authorization: string | undefined): string {
  const token = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization ?? '')?.[1];
  if (!token)
    throw new ProblemError(
      'UNAUTHENTICATED',
      say('send a key: Authorization: Bearer …', 'envie uma chave: Authorization: Bearer …'),
    );
  return token;
}

/**
 * Whether a page of ours asks. Browsers send Origin with everything that changes and with every WebSocket; without
 * it a cookie proves nothing about the page (RFC 6454).
 */
export function isOwnOrigin(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return false;
  if (allowed.length > 0) return allowed.includes(origin);
  return origin === `https://${host}` || origin === `http://${host}`;
}

export interface AuthenticateDependencies {
  readonly db: Db;
  readonly sessions: SessionStore;
  /** Origins of the panel; empty: whatever host was asked. */
  readonly origins: readonly string[];
}

export function createAuthenticate({ db, sessions, origins }: AuthenticateDependencies): Authenticate {
  async function byKey(authorization: string, address: string): Promise<Viewer> {
    const key = await findApiKey(db, bearerToken(authorization));
    if (!key)
      throw new ProblemError(
        'UNAUTHENTICATED',
        say('the key is unknown, expired or revoked', 'a chave é desconhecida, expirou ou foi revogada'),
      );
    await touchApiKey(db, key);
    return viewerOfKey(key, address);
  }

  async function bySession(cookie: string, asking: Asking): Promise<Viewer> {
    const token = parseCookie(cookie)[SESSION_COOKIE];
    const session = token ? await sessions.find(token) : null;
    if (!session) throw new ProblemError('UNAUTHENTICATED', say('sign in first', 'entre primeiro'));
    if (asking.changes && !isOwnOrigin(asking.headers, origins))
      throw new ProblemError(
        'FORBIDDEN',
        say('another site sent this request', 'outro site enviou esta requisição'),
      );
    return viewerOfSession(session, asking.address);
  }

  return (asking) => {
    const { authorization, cookie } = asking.headers;
    if (authorization !== undefined || cookie === undefined)
      return byKey(authorization ?? '', asking.address);
    return bySession(cookie, asking);
  };
}
