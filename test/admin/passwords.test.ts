import { describe, expect, test } from 'vitest';
import { checkPassword, generatePassword, hashPassword, verifyPassword } from '../../src/admin/passwords.ts';
import { createSecretBox } from '../../src/admin/secret-box.ts';
import { inLanguage } from '../../src/contract/language.ts';
import { ProblemError } from '../../src/contract/problem.ts';

const english = (password: string, personal: readonly string[] = []) =>
  checkPassword(password, personal).map((reason) => inLanguage(reason, 'en'));

describe('hashing', () => {
  test('takes the right password and no other', async () => {
    const hash = await hashPassword('correct horse battery');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verifyPassword(hash, 'correct horse battery')).toBe(true);
    expect(await verifyPassword(hash, 'correct horse batterY')).toBe(false);
    expect(await hashPassword('correct horse battery')).not.toBe(hash);
  });

  test('one letter is one letter, however the keyboard composes it', async () => {
    expect(
      await verifyPassword(
        await hashPassword('coração é meu'.normalize('NFD')),
        'coração é meu'.normalize('NFC'),
      ),
    ).toBe(true);
  });

  test('a user that does not exist costs as much and is refused', async () => {
    const hash = await hashPassword('correct horse battery');
    const took_ms: { known: number[]; unknown: number[] } = { known: [], unknown: [] };
    // In turns, so that whatever else the machine does falls on both.
    for (let i = 0; i < 30; i++) {
      const begun_ms = performance.now();
      expect(await verifyPassword(i % 2 ? hash : null, 'guess guess guess')).toBe(false);
      took_ms[i % 2 ? 'known' : 'unknown'].push(performance.now() - begun_ms);
    }
    const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[7] ?? 0;
    const ratio = median(took_ms.unknown) / median(took_ms.known);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });

  test('two at once and fifty in the queue; the rest is turned away, and later served', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 60 }, () => verifyPassword(null, 'x')));
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    expect(refused).toHaveLength(8);
    for (const reason of refused) {
      expect(reason).toBeInstanceOf(ProblemError);
      expect(reason).toMatchObject({ code: 'TOO_MANY_REQUESTS', retry_after_seconds: 1 });
    }
    expect(await verifyPassword(null, 'x')).toBe(false);
  });

  test('work that fails gives its place back', async () => {
    for (let i = 0; i < 5; i++) await expect(verifyPassword('no hash', 'x')).rejects.toThrow();
    expect(await verifyPassword(null, 'x')).toBe(false);
  });
});

describe('choosing', () => {
  test.each([
    ['short one', 'use 10 characters or more'],
    ['x'.repeat(129), 'use at most 128 characters'],
    ['password123', 'this password is in lists of leaked ones'],
    ['1Qaz2Wsx3Edc', 'this password is in lists of leaked ones'],
    ['my-ANA.SILVA-2026', 'leave your name out of the password'],
    ['padaria do zé 2026', 'leave your name out of the password'],
  ])('%s: %s', (password, reason) => {
    expect(english(password, ['ana.silva', 'Padaria do Zé', 'zé', ''])).toEqual([reason]);
  });

  test.each(['x'.repeat(10), 'x'.repeat(128), 'só letras minúsculas', '😀'.repeat(10)])(
    '%s will do',
    (password) => {
      // A name of three letters is in too many words.
      expect(english(password, ['ana', 'let', ''])).toEqual([]);
    },
  );

  test('tells every reason, in both languages', () => {
    const reasons = checkPassword('anasilva', ['anasilva']);
    expect(reasons).toHaveLength(2);
    for (const reason of reasons) expect(inLanguage(reason, 'pt')).not.toBe(inLanguage(reason, 'en'));
  });

  test('generated ones differ, are easy to read out and would be taken', () => {
    const made = Array.from({ length: 500 }, generatePassword);
    expect(new Set(made).size).toBe(500);
    for (const password of made) {
      expect(password).toMatch(/^[a-zA-Z2-9]{20}$/);
      expect(password).not.toMatch(/[lIOo]/);
      expect(english(password)).toEqual([]);
    }
    // Every character is used: none is left out by an error at an edge.
    expect(new Set(made.join('')).size).toBe(56);
  });
});

describe('secret box', () => {
  const box = createSecretBox('installation secret');
  const sealed = box.seal('JBSWY3DPEHPK3PXP', 'totp user-1');

  test('opens what it sealed, also after a restart', () => {
    expect(sealed).toMatch(/^v1\.[\w-]+$/);
    expect(createSecretBox('installation secret').open(sealed, 'totp user-1')).toBe('JBSWY3DPEHPK3PXP');
    expect(box.open(box.seal('', 'x'), 'x')).toBe('');
    expect(box.seal('JBSWY3DPEHPK3PXP', 'totp user-1')).not.toBe(sealed);
  });

  test('does not open for another context or with another secret', () => {
    expect(() => box.open(sealed, 'totp user-2')).toThrow('a sealed text does not open');
    expect(() => createSecretBox('another').open(sealed, 'totp user-1')).toThrow(
      'a sealed text does not open',
    );
  });

  test('does not open when any character of it is changed', () => {
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice(0, i) + (sealed[i] === 'A' ? 'B' : 'A') + sealed.slice(i + 1);
      expect(() => box.open(changed, 'totp user-1'), `character ${i}`).toThrow('a sealed text does not open');
    }
  });

  test.each(['', 'v1.', 'v1.AAAA', `${sealed}=`, `${sealed}AA`, sealed.slice(0, -4), sealed.slice(3)])(
    'does not open %j',
    (text) => {
      expect(() => box.open(text, 'totp user-1')).toThrow('a sealed text does not open');
    },
  );
});
