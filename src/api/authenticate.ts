import { ProblemError } from '../contract/problem.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { findTenant, type Tenant } from '../stores/postgres/tokens.ts';

/** Gives the tenant that an `Authorization` header speaks for, or throws UNAUTHENTICATED. */
export type Authenticate = (authorization: string | undefined) => Promise<Tenant>;

export function bearerToken(authorization: string | undefined): string {
  const token = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization ?? '')?.[1];
  if (!token) throw new ProblemError('UNAUTHENTICATED', 'send a token: Authorization: Bearer …');
  return token;
}

export function createAuthenticate(db: Db): Authenticate {
  return async (authorization) => {
    const tenant = await findTenant(db, bearerToken(authorization));
    if (!tenant) throw new ProblemError('UNAUTHENTICATED', 'the token is unknown or expired');
    return tenant;
  };
}
