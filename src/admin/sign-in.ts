import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import { writeAudit } from '../stores/postgres/audit.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { type Actor, ownerColumns } from '../stores/postgres/tenancy.ts';
import {
  type Credentials,
  findCredentials,
  takeRecoveryCode,
  takeTotpStep,
} from '../stores/postgres/users.ts';
import type { Session, SessionStore } from '../stores/redis/sessions.ts';
import type { SignInTries } from '../stores/redis/sign-in-tries.ts';
import { verifyPassword } from './passwords.ts';
import { hashRecoveryCode, verifyTotp } from './second-factor.ts';
import type { SecretBox } from './secret-box.ts';

export interface SignInDependencies {
  /** Sees every tenant: nobody is signed in yet. */
  readonly system: Db;
  readonly sessions: SessionStore;
  readonly tries: SignInTries;
  readonly box: SecretBox;
}

export interface SignInRequest {
  readonly username: string;
  readonly password: string;
  readonly code: string | undefined;
  readonly address: string;
  readonly user_agent: string;
}

/** Where a user's sealed secret belongs to: one of another row does not open. */
export const totpContext = (user_id: string) => `totp ${user_id}`;

/** Checks a code of the app, or a recovery code, and uses it up. */
export async function takeSecondFactor(
  { system, box }: Pick<SignInDependencies, 'system' | 'box'>,
  user: Credentials,
  code: string,
): Promise<boolean> {
  if (user.totp_sealed === null) return false;
  const secret = box.open(user.totp_sealed, totpContext(user.user_id));
  const last = user.totp_last_step === null ? null : Number(user.totp_last_step);
  const digits = code.replace(/[ -]/g, '');
  if (!/^\d{6}$/.test(digits)) return takeRecoveryCode(system, user.user_id, hashRecoveryCode(code));
  const step = verifyTotp(secret, digits, Date.now(), last);
  return step !== null && takeTotpStep(system, user.user_id, step);
}

function actorOf(user: Credentials, address: string): Actor {
  const { reseller_id, subscriber_id, role } = ownerColumns(user.tenant);
  return {
    kind: 'USER',
    id: user.user_id,
    name: user.username,
    role,
    as_reseller_id: reseller_id,
    as_subscriber_id: subscriber_id,
    impersonating: false,
    reason: null,
    address,
  };
}

/** Writes a sign-in, or a failed try on a user that exists, into the audit log. */
async function note(system: Db, user: Credentials, action: string, address: string): Promise<void> {
  const { reseller_id, subscriber_id } = ownerColumns(user.tenant);
  await writeAudit(system, {
    action,
    object_type: 'sessions',
    object_id: user.user_id,
    reseller_id,
    subscriber_id,
    actor: actorOf(user, address),
    after: null,
  });
}

const wrong = () =>
  new ProblemError('UNAUTHENTICATED', say('user name or password is wrong', 'usuário ou senha incorretos'));

export interface SignedIn {
  readonly token: string;
  readonly session: Session;
  readonly must_change_password: boolean;
}

/** Claims a try on an account, whose outcome is to be told. Throws TOO_MANY_REQUESTS, and how long to wait. */
export async function claimTry(tries: SignInTries, username: string, address: string): Promise<void> {
  const { wait_seconds } = await tries.mayTry(username, address);
  if (wait_seconds === 0) return;
  throw new ProblemError(
    'TOO_MANY_REQUESTS',
    say(
      `too many failed tries: wait ${wait_seconds} s`,
      `tentativas demais sem sucesso: aguarde ${wait_seconds} s`,
    ),
    undefined,
    wait_seconds,
  );
}

/**
 * Checks name, password and second factor and begins a session. The same answer and the same time whether the name
 * or the password is wrong. Throws UNAUTHENTICATED, SECOND_FACTOR_REQUIRED, TOO_MANY_REQUESTS.
 */
export async function signIn(deps: SignInDependencies, request: SignInRequest): Promise<SignedIn> {
  const { tries } = deps;
  const { username, address } = request;
  await claimTry(tries, username, address);
  try {
    return await checked(deps, request);
  } catch (error) {
    // What decided nothing, a missing code or a database that is away, is no failed try.
    if ((error as { code?: unknown }).code !== 'UNAUTHENTICATED') await tries.released(username, address);
    throw error;
  }
}

/** The try was claimed; its outcome is told here. */
async function checked(deps: SignInDependencies, request: SignInRequest): Promise<SignedIn> {
  const { system, sessions, tries } = deps;
  const { username, address, user_agent } = request;
  const user = await findCredentials(system, { username });
  const right = await verifyPassword(user?.password_hash ?? null, request.password);
  if (!user || !right || !user.active) {
    await tries.failed(username, address);
    if (user) await note(system, user, 'SIGN_IN_FAILED', address);
    throw wrong();
  }
  if (user.totp_confirmed) {
    if (request.code === undefined)
      throw new ProblemError(
        'SECOND_FACTOR_REQUIRED',
        say('send the code of your app', 'envie o código do aplicativo'),
      );
    if (!(await takeSecondFactor(deps, user, request.code))) {
      await tries.failed(username, address);
      await note(system, user, 'SECOND_FACTOR_FAILED', address);
      throw wrong();
    }
  }
  await tries.succeeded(username, address);
  const begun = await sessions.create({
    user_id: user.user_id,
    username: user.username,
    user_tenant: user.tenant,
    tenant: user.tenant,
    impersonation: null,
    address,
    user_agent,
  });
  await note(system, user, 'SIGN_IN', address);
  return { ...begun, must_change_password: user.must_change_password };
}
