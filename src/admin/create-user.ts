import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { ownerColumns } from '../stores/postgres/tenancy.ts';
import { checkPassword, generatePassword, hashPassword } from './passwords.ts';

export interface NewUser {
  readonly username: string;
  readonly name: string;
  readonly email: string | null;
  /** Without one a password is made, which is shown once and must be changed at the first sign-in. */
  readonly password?: string | undefined;
}

/** Throws INVALID_REQUEST with every reason why a password will not do. */
export function requireGoodPassword(password: string, personal: readonly string[], field: string): void {
  const reasons = checkPassword(password, personal);
  if (reasons.length === 0) return;
  throw new ProblemError(
    'INVALID_REQUEST',
    say('the password will not do', 'a senha não serve'),
    reasons.map((message) => ({ field, message })),
  );
}

export interface CreatedUser {
  readonly user_id: string;
  readonly username: string;
  /** Only a generated one is told. */
  readonly password: string | null;
}

/** What the database calls a duplicate, in words of the form. */
function nameTaken(error: unknown, field: string): never {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  if (code !== '23505' || constraint !== 'users_username_key') throw error;
  const message = say('the user name is taken', 'o nome de usuário já está em uso');
  throw new ProblemError('CONFLICT', message, [{ field, message }]);
}

/**
 * Creates a user of a tenant. User names are one name space: signing in asks for nothing but name and password.
 * `within` stands before the names of fields, for a form that has the user as a part. Throws INVALID_REQUEST, CONFLICT.
 */
export async function createUser(tx: Tx, owner: Tenant, user: NewUser, within = ''): Promise<CreatedUser> {
  const { username, name, email } = user;
  if (user.password !== undefined) requireGoodPassword(user.password, [username, name], `${within}password`);
  const password = user.password ?? generatePassword();
  const { id } = await tx
    .insertInto('users')
    .values({
      ...ownerColumns(owner),
      username,
      name,
      email,
      password_hash: await hashPassword(password),
      must_change_password: user.password === undefined,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
    .catch((error: unknown) => nameTaken(error, `${within}username`));
  return { user_id: id, username, password: user.password === undefined ? password : null };
}
