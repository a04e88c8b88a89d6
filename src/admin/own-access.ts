import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import { notFound } from '../stores/postgres/edit.ts';
import { type Actor, changeAsSystem } from '../stores/postgres/tenancy.ts';
import { type Credentials, findCredentials } from '../stores/postgres/users.ts';
import { requireGoodPassword } from './create-user.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { hashRecoveryCode, newRecoveryCodes, newTotpSecret, verifyTotp } from './second-factor.ts';
import { claimTry, type SignInDependencies, totpContext } from './sign-in.ts';

/*
 * What people do with their own password and second factor. They prove the password again: a session left open on
 * a desk must not be enough to lock its owner out, nor to guess: failures here count as those of signing in.
 */

export type OwnAccessDependencies = Pick<SignInDependencies, 'system' | 'tries' | 'box'>;

/** One try. Throws INVALID_REQUEST naming `field` when it failed, TOO_MANY_REQUESTS when too many did. */
async function tried<Result>(
  { tries }: OwnAccessDependencies,
  { username }: Credentials,
  { address }: Actor,
  [field, message]: readonly [field: string, message: string],
  attempt: () => Promise<Result | false>,
): Promise<Result> {
  const from = address ?? '';
  await claimTry(tries, username, from);
  let result: Result | false;
  try {
    result = await attempt();
  } catch (error) {
    await tries.released(username, from);
    throw error;
  }
  if (result !== false) {
    await tries.succeeded(username, from);
    return result;
  }
  await tries.failed(username, from);
  throw new ProblemError('INVALID_REQUEST', message, [{ field, message }]);
}

async function proven(
  deps: OwnAccessDependencies,
  actor: Actor,
  user_id: string,
  password: string,
  field: string,
): Promise<Credentials> {
  const user = await findCredentials(deps.system, { user_id });
  if (!user) throw notFound();
  const message = say('the password is wrong', 'a senha está incorreta');
  await tried(deps, user, actor, [field, message], () => verifyPassword(user.password_hash, password));
  return user;
}

/** Throws INVALID_REQUEST when the current password is wrong or the new one will not do. */
export async function changePassword(
  deps: OwnAccessDependencies,
  actor: Actor,
  user_id: string,
  current: string,
  next: string,
): Promise<void> {
  const user = await proven(deps, actor, user_id, current, 'current_password');
  requireGoodPassword(next, [user.username, user.name], 'new_password');
  const password_hash = await hashPassword(next);
  await changeAsSystem(deps.system, actor, (tx) =>
    tx
      .updateTable('users')
      .set({ password_hash, must_change_password: false })
      .where('id', '=', user_id)
      .execute(),
  );
}

/** Makes a secret that does not count before `confirmSecondFactor`. Throws CONFLICT while another one counts. */
export async function beginSecondFactor(
  deps: OwnAccessDependencies,
  actor: Actor,
  user_id: string,
  password: string,
): Promise<{ secret: string; uri: string }> {
  const user = await proven(deps, actor, user_id, password, 'password');
  if (user.totp_confirmed)
    throw new ProblemError(
      'CONFLICT',
      say(
        'a second factor is on already: turn it off first',
        'o segundo fator já está ligado: desligue-o primeiro',
      ),
    );
  const { secret_base32, otpauth_uri } = newTotpSecret(user.username);
  const totp_sealed = deps.box.seal(secret_base32, totpContext(user_id));
  await changeAsSystem(deps.system, actor, (tx) =>
    tx.updateTable('users').set({ totp_sealed, totp_last_step: null }).where('id', '=', user_id).execute(),
  );
  return { secret: secret_base32, uri: otpauth_uri };
}

/** Turns the second factor on with a first code of it, and gives the recovery codes, once. */
export async function confirmSecondFactor(
  deps: OwnAccessDependencies,
  actor: Actor,
  user_id: string,
  code: string,
): Promise<string[]> {
  const { system, box } = deps;
  const user = await findCredentials(system, { user_id });
  const message = say(
    'the code is wrong, or none was begun',
    'o código está incorreto, ou nada foi iniciado',
  );
  const refused = new ProblemError('INVALID_REQUEST', message, [{ field: 'code', message }]);
  if (!user || user.totp_sealed === null || user.totp_confirmed) throw refused;
  const secret = box.open(user.totp_sealed, totpContext(user_id));
  const step = await tried(
    deps,
    user,
    actor,
    ['code', message],
    async () => verifyTotp(secret, code.replace(/[ -]/g, ''), Date.now(), null) ?? false,
  );
  const codes = newRecoveryCodes();
  await changeAsSystem(system, actor, async (tx) => {
    await tx
      .updateTable('users')
      .set({ totp_confirmed_at: new Date(), totp_last_step: BigInt(step) })
      .where('id', '=', user_id)
      .execute();
    await tx.deleteFrom('recovery_codes').where('user_id', '=', user_id).execute();
    await tx
      .insertInto('recovery_codes')
      .values(codes.map((text) => ({ user_id, code_sha256: hashRecoveryCode(text) })))
      .execute();
  });
  return codes;
}

export async function endSecondFactor(
  deps: OwnAccessDependencies,
  actor: Actor,
  user_id: string,
  password: string,
): Promise<void> {
  await proven(deps, actor, user_id, password, 'password');
  await changeAsSystem(deps.system, actor, async (tx) => {
    await tx
      .updateTable('users')
      .set({ totp_sealed: null, totp_confirmed_at: null, totp_last_step: null })
      .where('id', '=', user_id)
      .execute();
    await tx.deleteFrom('recovery_codes').where('user_id', '=', user_id).execute();
  });
}
