/** Which register a document belongs to: CPF of a person, CNPJ of a company. */
export type DocumentKind = 'cpf' | 'cnpj' | 'invalid';

// Letters are let in by name: upper-casing first would turn ı and ſ into I and S.
const CPF = /^[0-9]{11}$/;
const CNPJ = /^[0-9A-Za-z]{12}[0-9]{2}$/;
const REPEATED = /^(.)\1*$/;

const CNPJ_WEIGHTS = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2] as const;

/** Without the marks of a mask. Any other character stays, and makes the document invalid. */
function unmasked(text: string): string {
  return text.replace(/[ ./-]/g, '');
}

/** Check digit over what stands before it, with falling weights that end at 2. */
function cpfCheckDigit(digits: string): number {
  const sum = [...digits].reduce((total, digit, i) => total + Number(digit) * (digits.length + 1 - i), 0);
  return ((sum * 10) % 11) % 10;
}

/** Check digit over what stands before it; a character counts as its ASCII code less 48 (IN RFB 2.229/2024). */
function cnpjCheckDigit(characters: string): number {
  const weights = CNPJ_WEIGHTS.slice(CNPJ_WEIGHTS.length - characters.length);
  const rest = weights.reduce((sum, weight, i) => sum + weight * (characters.charCodeAt(i) - 48), 0) % 11;
  return rest < 2 ? 0 : 11 - rest;
}

/** True when the last two characters are the check digits of the others, computed one after the other. */
function checks(document: string, checkDigit: (before: string) => number): boolean {
  return (
    !REPEATED.test(document) &&
    checkDigit(document.slice(0, -2)) === Number(document.at(-2)) &&
    checkDigit(document.slice(0, -1)) === Number(document.at(-1))
  );
}

/**
 * The 11 digits of a CPF, masked or not, or null when it is none. Repeated digits pass the arithmetic and are
 * refused all the same (domain.md 3.1).
 */
export function parseCpf(text: string): string | null {
  const digits = unmasked(text);
  return CPF.test(digits) && checks(digits, cpfCheckDigit) ? digits : null;
}

/**
 * The 14 characters of a CNPJ in upper case, or null when it is none: twelve digits or letters A-Z and two check
 * digits (IN RFB 2.229/2024; domain.md 3.2). Numbers of before 2026 are the case without letters.
 */
export function parseCnpj(text: string): string | null {
  const characters = unmasked(text);
  if (!CNPJ.test(characters)) return null;
  const document = characters.toUpperCase();
  return checks(document, cnpjCheckDigit) ? document : null;
}

/** What a text is; the lengths differ, so it is never both. */
export function documentKind(text: string): DocumentKind {
  if (parseCpf(text) !== null) return 'cpf';
  return parseCnpj(text) === null ? 'invalid' : 'cnpj';
}

/** A document with its usual mask, `000.000.000-00` or `XX.XXX.XXX/XXXX-00`; what is none stays as it is. */
export function formatDocument(document: string): string {
  const cpf = parseCpf(document);
  if (cpf !== null) return cpf.replace(/^(...)(...)(...)(..)$/, '$1.$2.$3-$4');
  const cnpj = parseCnpj(document);
  return cnpj === null ? document : cnpj.replace(/^(..)(...)(...)(....)(..)$/, '$1.$2.$3/$4-$5');
}
