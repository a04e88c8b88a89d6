import { createHash } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

const ISSUER = 'PABX Virtual';
/** What every authenticator app knows (RFC 6238). */
const KIND = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
/** Steps that a phone's clock may be off, each way. */
const WINDOW = 1;
const RECOVERY_CODES = 10;
/** 80 bits: 16 characters of base32. */
const RECOVERY_BYTES = 10;

/** A new secret, and the address that an app reads as a QR code. */
export function newTotpSecret(username: string): { secret_base32: string; otpauth_uri: string } {
  const secret = new Secret({ size: 20 });
  const totp = new TOTP({ ...KIND, issuer: ISSUER, label: username, secret });
  return { secret_base32: secret.base32, otpauth_uri: totp.toString() };
}

/**
 * The time step that the code is of, or null when it is wrong. A step at or before `last_used_step` is refused: a code
 * that somebody watched must not work again. The caller remembers the step.
 */
export function verifyTotp(
  secret_base32: string,
  code: string,
  now_ms: number,
  last_used_step: number | null,
): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const secret = Secret.fromBase32(secret_base32);
  const delta = TOTP.validate({ ...KIND, token: code, secret, timestamp: now_ms, window: WINDOW });
  if (delta === null) return null;
  const step = TOTP.counter({ period: KIND.period, timestamp: now_ms }) + delta;
  return last_used_step !== null && step <= last_used_step ? null : step;
}

/** Ten codes like `ABCD-EFGH-IJKL-MNOP`, each to be used once when the phone is lost. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, () =>
    new Secret({ size: RECOVERY_BYTES }).base32.replace(/.{4}(?=.)/g, '$&-'),
  );
}

/** SHA-256 of a code however it is typed. They are random, so nothing slower is needed. */
export function hashRecoveryCode(code: string): Buffer {
  return createHash('sha256').update(code.replace(/[\s-]/g, '').toUpperCase()).digest();
}
