import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import { lockVersion, notFound, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import type { Actor } from '../stores/postgres/tenancy.ts';
import { findUser, type UserRow } from '../stores/postgres/users.ts';
import { generatePassword, hashPassword } from './passwords.ts';

export interface UserChange {
  readonly name?: string | undefined;
  readonly email?: string | null | undefined;
  readonly status?: 'ACTIVE' | 'INACTIVE' | undefined;
}

/**
 * Who would lock themselves out has slipped; another one of the tenant can do it. And what asks for no password must
 * not work on oneself: it would let whoever finds a session left open take the account.
 */
function refuseSelf(actor: Actor, user_id: string): void {
  // Ids are asked for in capitals too, and the database knows them either way.
  if (actor.id === user_id.toLowerCase())
    throw new ProblemError(
      'CONFLICT',
      say('nobody takes their own access away', 'ninguém retira o próprio acesso'),
    );
}

export async function changeUser(
  tx: Tx,
  actor: Actor,
  user_id: string,
  version: number,
  change: UserChange,
): Promise<UserRow> {
  if (change.status === 'INACTIVE') refuseSelf(actor, user_id);
  await lockVersion(tx, 'users', user_id, version);
  await setColumns(tx, 'users', user_id, { ...change });
  const user = await findUser(tx, user_id);
  if (!user) throw notFound();
  return user;
}

export async function deleteUser(tx: Tx, actor: Actor, user_id: string, version: number): Promise<void> {
  refuseSelf(actor, user_id);
  await lockVersion(tx, 'users', user_id, version);
  await tx.deleteFrom('users').where('id', '=', user_id).execute();
}

/** Gives a user a new password, to be changed at the next sign-in. It is in the answer and nowhere else. */
export async function resetPassword(tx: Tx, actor: Actor, user_id: string): Promise<string> {
  refuseSelf(actor, user_id);
  if (!(await findUser(tx, user_id))) throw notFound();
  const password = generatePassword();
  const password_hash = await hashPassword(password);
  await setColumns(tx, 'users', user_id, { password_hash, must_change_password: true });
  return password;
}

export async function resetSecondFactor(tx: Tx, actor: Actor, user_id: string): Promise<void> {
  refuseSelf(actor, user_id);
  if (!(await findUser(tx, user_id))) throw notFound();
  await setColumns(tx, 'users', user_id, {
    totp_sealed: null,
    totp_confirmed_at: null,
    totp_last_step: null,
  });
  await tx.deleteFrom('recovery_codes').where('user_id', '=', user_id).execute();
}
