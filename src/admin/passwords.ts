import { randomBytes, randomInt } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { dictionary } from '@zxcvbn-ts/language-common';
import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';

const MIN_CHARACTERS = 10;
const MAX_CHARACTERS = 128;
/** Shorter ones are in too many words. */
const MIN_PERSONAL_CHARACTERS = 4;

// Argon2id as OWASP asks at least. Its number, because type stripping cannot read a const enum.
const ARGON2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

const base64 = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
/** Costs as much as a real one and is the hash of no password. */
const NOBODYS_HASH = `$argon2id$v=19$m=${ARGON2.memoryCost},t=${ARGON2.timeCost},p=${ARGON2.parallelism}$${base64(16)}$${base64(32)}`;

/** Each takes 19 MiB and a thread of the pool that everything else reads files and resolves names with. */
const MAX_AT_ONCE = 2;
const MAX_WAITING = 50;
let running = 0;
const waiting: (() => void)[] = [];

/** Throws TOO_MANY_REQUESTS when too many wait already. */
async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  if (running < MAX_AT_ONCE) running += 1;
  else {
    if (waiting.length >= MAX_WAITING)
      throw new ProblemError(
        'TOO_MANY_REQUESTS',
        say('too many people sign in right now: try again', 'acessos demais neste momento: tente de novo'),
        undefined,
        1,
      );
    await new Promise<void>((go) => waiting.push(go));
  }
  try {
    return await work();
  } finally {
    // The place goes straight to the next one, so that nobody who comes now takes it.
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

/** Keyboards differ in how they compose the same letter. */
const composed = (password: string) => password.normalize('NFKC');

/** Hashes with Argon2id. Throws TOO_MANY_REQUESTS when too many wait already. */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(composed(password), ARGON2));
}

/**
 * Whether the password is the one that was hashed. Null, for a user that does not exist, takes as long and is false.
 * Throws TOO_MANY_REQUESTS when too many wait already.
 */
export async function verifyPassword(hashed: string | null, password: string): Promise<boolean> {
  const right = await inTurn(() => verify(hashed ?? NOBODYS_HASH, composed(password)));
  return right && hashed !== null;
}

const leaked = new Set(
  dictionary['passwords-common'].filter((password) => password.length >= MIN_CHARACTERS),
);

/**
 * Why a password will not do, each reason in both languages (`say`). `personal`: what others know of the user, first
 * of all the user name. No classes of characters are asked for: they make passwords worse (NIST SP 800-63B).
 */
export function checkPassword(password: string, personal: readonly string[]): string[] {
  const folded = composed(password).toLowerCase();
  const length = [...composed(password)].length;
  const own = personal
    .map((text) => composed(text).trim().toLowerCase())
    .filter((text) => [...text].length >= MIN_PERSONAL_CHARACTERS);
  const reasons: string[] = [];
  if (length < MIN_CHARACTERS)
    reasons.push(say(`use ${MIN_CHARACTERS} characters or more`, `use ${MIN_CHARACTERS} caracteres ou mais`));
  if (length > MAX_CHARACTERS)
    reasons.push(
      say(`use at most ${MAX_CHARACTERS} characters`, `use no máximo ${MAX_CHARACTERS} caracteres`),
    );
  if (leaked.has(folded))
    reasons.push(
      say('this password is in lists of leaked ones', 'esta senha está em listas de senhas vazadas'),
    );
  if (own.some((text) => folded.includes(text)))
    reasons.push(say('leave your name out of the password', 'não use o seu nome na senha'));
  return reasons;
}

/** No 0, O, o, 1, l or I: people read it out and type it in. */
const UNAMBIGUOUS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** 20 characters, about 116 bits. */
export function generatePassword(): string {
  return Array.from({ length: 20 }, () => UNAMBIGUOUS[randomInt(UNAMBIGUOUS.length)]).join('');
}
