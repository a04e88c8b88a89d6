import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { type Actor, changeAsSystem } from '../stores/postgres/tenancy.ts';
import { type Credentials, findCredentials } from '../stores/postgres/users.ts';
import { requireGoodPassword } from './create-user.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { hashRecoveryCode, newRecoveryCodes, newTotpSecret, verifyTotp } from './second-factor.ts';
import type { SecretBox } from './secret-box.ts';
import { totpContext } from './sign-in.ts';

/*
 * What people do with their own password and second factor. They prove the password again: a session left open on
 * a desk must not be enough to lock its owner out.
 */

async function proven(system: Db, user_id: string, password: string, field: string): Promise<Credentials> {
  const user = await findCredentials(system, { user_id });
  if (user && (await verifyPassword(user.password_hash, password))) return user;
  const message = say('the password is wrong', 'a senha está incorreta');
  throw new ProblemError('INVALID_REQUEST', message, [{ field, message }]);
}

/** Throws INVALID_REQUEST when the current password is wrong or the new one will not do. */
export async function changePassword(
  system: Db,
  actor: Actor,
  user_id: string,
  current: string,
  next: string,
): Promise<void> {
  const user = await proven(system, user_id, current, 'current_password');
  requireGoodPassword(next, [user.username, user.name], 'new_password');
  const password_hash = await hashPassword(next);
  await changeAsSystem(system, actor, (tx) =>
    tx
      .updateTable('users')
      .set({ password_hash, must_change_password: false })
      .where('id', '=', user_id)
      .execute(),
  );
}

/** Makes a secret that does not count before `confirmSecondFactor`. Throws CONFLICT while another one counts. */
export async function beginSecondFactor(
  { system, box }: { readonly system: Db; readonly box: SecretBox },
  actor: Actor,
  user_id: string,
  password: string,
): Promise<{ secret: string; uri: string }> {
  const user = await proven(system, user_id, password, 'password');
  if (user.totp_confirmed)
    throw new ProblemError(
      'CONFLICT',
      say(
        'a second factor is on already: turn it off first',
        'o segundo fator já está ligado: desligue-o primeiro',
      ),
    );
  const { secret_base32, otpauth_uri } = newTotpSecret(user.username);
  const totp_sealed = box.seal(secret_base32, totpContext(user_id));
  await changeAsSystem(system, actor, (tx) =>
    tx.updateTable('users').set({ totp_sealed, totp_last_step: null }).where('id', '=', user_id).execute(),
  );
  return { secret: secret_base32, uri: otpauth_uri };
}

/** Turns the second factor on with a first code of it, and gives the recovery codes, once. */
export async function confirmSecondFactor(
  { system, box }: { readonly system: Db; readonly box: SecretBox },
  actor: Actor,
  user_id: string,
  code: string,
): Promise<string[]> {
  const user = await findCredentials(system, { user_id });
  const message = say(
    'the code is wrong, or none was begun',
    'o código está incorreto, ou nada foi iniciado',
  );
  const refused = new ProblemError('INVALID_REQUEST', message, [{ field: 'code', message }]);
  if (!user || user.totp_sealed === null || user.totp_confirmed) throw refused;
  const secret = box.open(user.totp_sealed, totpContext(user_id));
  const step = verifyTotp(secret, code.replace(/[ -]/g, ''), Date.now(), null);
  if (step === null) throw refused;
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
  system: Db,
  actor: Actor,
  user_id: string,
  password: string,
): Promise<void> {
  await proven(system, user_id, password, 'password');
  await changeAsSystem(system, actor, async (tx) => {
    await tx
      .updateTable('users')
      .set({ totp_sealed: null, totp_confirmed_at: null, totp_last_step: null })
      .where('id', '=', user_id)
      .execute();
    await tx.deleteFrom('recovery_codes').where('user_id', '=', user_id).execute();
  });
}
