import { createHash } from 'node:crypto';
import { Secret, TOTP, URI } from 'otpauth';
import { describe, expect, test } from 'vitest';
import {
  hashRecoveryCode,
  newRecoveryCodes,
  newTotpSecret,
  verifyTotp,
} from '../../src/admin/second-factor.ts';

/** RFC 6238, appendix B: SHA-1, the last six of its eight digits. */
const RFC_SECRET = Secret.fromLatin1('12345678901234567890').base32;
const RFC_VECTORS: readonly [at_seconds: number, code: string][] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
];

describe('codes of an app', () => {
  test.each(RFC_VECTORS)('RFC 6238 at %i s: %s', (at_seconds, code) => {
    const step = Math.floor(at_seconds / 30);
    expect(verifyTotp(RFC_SECRET, code, at_seconds * 1_000, null)).toBe(step);
    // A clock that is one step off gives the step of the code, not of the clock.
    expect(verifyTotp(RFC_SECRET, code, (at_seconds + 30) * 1_000, null)).toBe(step);
    expect(verifyTotp(RFC_SECRET, code, (at_seconds - 30) * 1_000, null)).toBe(step);
    expect(verifyTotp(RFC_SECRET, code, (at_seconds + 60) * 1_000, null)).toBeNull();
    expect(verifyTotp(RFC_SECRET, code, (at_seconds - 60) * 1_000, null)).toBeNull();
  });

  test('a code works once, and none before it works any more', () => {
    const now_ms = 1_234_567_890_000;
    const codeAt = (ms: number) => TOTP.generate({ secret: Secret.fromBase32(RFC_SECRET), timestamp: ms });
    const step = verifyTotp(RFC_SECRET, codeAt(now_ms), now_ms, null);
    expect(step).toBe(41_152_263);
    expect(verifyTotp(RFC_SECRET, codeAt(now_ms), now_ms, step)).toBeNull();
    expect(verifyTotp(RFC_SECRET, codeAt(now_ms), now_ms + 30_000, step)).toBeNull();
    expect(verifyTotp(RFC_SECRET, codeAt(now_ms - 30_000), now_ms, step)).toBeNull();
    expect(verifyTotp(RFC_SECRET, codeAt(now_ms + 30_000), now_ms + 30_000, step)).toBe(41_152_264);
  });

  test.each(['', '28708', '2870820', '28708a', '287083', ' 287082', '２８７０８２'])(
    '%j is wrong',
    (code) => {
      expect(verifyTotp(RFC_SECRET, code, 59_000, null)).toBeNull();
    },
  );

  test('a new secret is what an app reads from its address', () => {
    const { secret_base32, otpauth_uri } = newTotpSecret('ana silva@x');
    expect(secret_base32).toMatch(/^[A-Z2-7]{32}$/);
    expect(newTotpSecret('ana').secret_base32).not.toBe(secret_base32);
    const read = URI.parse(otpauth_uri) as TOTP;
    expect(read).toMatchObject({
      issuer: 'PABX Virtual',
      label: 'ana silva@x',
      algorithm: 'SHA1',
      digits: 6,
      period: 30,
    });
    expect(read.secret.base32).toBe(secret_base32);
    expect(verifyTotp(secret_base32, read.generate({ timestamp: 1e12 }), 1e12, null)).toBe(33_333_333);
  });
});

describe('recovery codes', () => {
  test('are ten, different and typable', () => {
    const codes = newRecoveryCodes();
    expect(new Set([...codes, ...newRecoveryCodes()]).size).toBe(20);
    expect(codes).toHaveLength(10);
    for (const code of codes) expect(code).toMatch(/^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$/);
  });

  test('are the same however they are typed, and hashed', () => {
    const hash = createHash('sha256').update('ABCDEFGHIJKLMNOP').digest();
    for (const typed of ['ABCD-EFGH-IJKL-MNOP', 'abcdefghijklmnop', ' abcd efgh\tijkl-MNOP '])
      expect(hashRecoveryCode(typed)).toEqual(hash);
    expect(hashRecoveryCode('ABCD-EFGH-IJKL-MNOQ')).not.toEqual(hash);
  });
});
