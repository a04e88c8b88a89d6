import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentKind, formatDocument, parseCnpj, parseCpf } from '../../src/domain/documents.ts';

/*
 * The oracle is written apart from the code: weights as the Receita prints them, and completed documents are found
 * by trying all hundred endings.
 */
const CPF_WEIGHTS = [
  [10, 9, 8, 7, 6, 5, 4, 3, 2],
  [11, 10, 9, 8, 7, 6, 5, 4, 3, 2],
] as const;
const CNPJ_WEIGHTS = [
  [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2],
  [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2],
] as const;

function completed(base: string, weights: readonly (readonly number[])[]): string {
  return weights.reduce((text, column) => {
    const sum = column.reduce((total, weight, i) => total + weight * (text.charCodeAt(i) - 48), 0);
    return text + (sum % 11 < 2 ? 0 : 11 - (sum % 11));
  }, base);
}

const DIGITS = [...'0123456789'];
const CHARACTERS = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const of = (units: string[], length: number) =>
  fc.array(fc.constantFrom(...units), { minLength: length, maxLength: length }).map((some) => some.join(''));
const notRepeated = (text: string) => new Set(text).size > 1;

const anyCpf = of(DIGITS, 9)
  .map((base) => completed(base, CPF_WEIGHTS))
  .filter(notRepeated);
const anyCnpj = fc
  .oneof(of(DIGITS, 12), of(CHARACTERS, 12))
  .map((base) => completed(base, CNPJ_WEIGHTS))
  .filter(notRepeated);
const anyDocument = fc.oneof(anyCpf, anyCnpj);

describe('CPF', () => {
  test.each([
    ['529.982.247-25', '52998224725'],
    ['111.444.777-35', '11144477735'],
    ['123.456.789-09', '12345678909'],
    ['390.533.447-05', '39053344705'],
    ['52998224725', '52998224725'],
    ['  529 982 247 25 ', '52998224725'],
    ['529.982.247/25', '52998224725'],
    ['00000000191', '00000000191'],
  ])('%j is %s', (text, document) => {
    expect(parseCpf(text)).toBe(document);
    expect(documentKind(text)).toBe('cpf');
  });

  test.each([
    ['a wrong last digit', '529.982.247-24'],
    ['a wrong first check digit', '529.982.247-35'],
    ['swapped check digits', '52998224752'],
    ['repeats', '111.111.111-11'],
    ['zeros', '00000000000'],
    ['nines', '99999999999'],
    ['nothing', ''],
    ['only a mask', '...-'],
    ['a digit less', '5299822472'],
    ['a digit more', '529982247250'],
    ['a letter', '5299822472S'],
    ['a letter more', '52998224725a'],
    ['Arabic digits', '٥٢٩٩٨٢٢٤٧٢٥'],
    ['full-width digits', '５２９９８２２４７２５'],
    ['a tab', '529982247\t25'],
    ['a line feed at the end', '52998224725\n'],
    ['a zero byte', '52998224725\0'],
    ['a no-break space', '529\u00a0982\u00a0247 25'],
    ['a dash that is none', '529.982.247–25'],
    ['a comma', '529,982,247-25'],
    ['a sign', '+52998224725'],
  ])('%s is invalid: %j', (_, text) => {
    expect(parseCpf(text)).toBeNull();
    expect(documentKind(text)).toBe('invalid');
  });
});

describe('CNPJ', () => {
  test.each([
    ['11222333000181', '11222333000181'],
    ['11444777000161', '11444777000161'],
    ['33000167000101', '33000167000101'],
    ['12ABC34501DE35', '12ABC34501DE35'],
    ['1A2B3C4D000179', '1A2B3C4D000179'],
    ['12.ABC.345/01DE-35', '12ABC34501DE35'],
    ['12.abc.345/01de-35', '12ABC34501DE35'],
    [' 11.222.333 / 0001-81 ', '11222333000181'],
  ])('%j is %s', (text, document) => {
    expect(parseCnpj(text)).toBe(document);
    expect(documentKind(text)).toBe('cnpj');
  });

  test.each([
    ['a wrong last digit', '11222333000182'],
    ['a wrong first check digit', '11222333000191'],
    ['a wrong last digit with letters', '12ABC34501DE34'],
    ['another letter', '12ABD34501DE35'],
    ['letters as check digits', '12ABC34501DEAB'],
    ['zeros, which pass the arithmetic', '00000000000000'],
    ['repeats', '11111111111111'],
    ['a character less', '1122233300018'],
    ['a character more', '112223330001810'],
    ['a dotless i, which upper-cases to I', '1ı2B3C4D000179'],
    ['a long s, which upper-cases to S', '1ſ2B3C4D000179'],
    ['a letter with an accent', '12ÁBC34501DE35'],
    ['a character between 9 and A', '12:BC34501DE35'],
    ['Arabic digits', '١١٢٢٢٣٣٣٠٠٠١٨١'],
    ['an underscore', '11_222_333/0001-81'],
    ['a line feed', '11222333\n000181'],
    ['an emoji', '12ABC34501DE3😀'],
  ])('%s is invalid: %j', (_, text) => {
    expect(parseCnpj(text)).toBeNull();
    expect(documentKind(text)).toBe('invalid');
  });

  test.each([...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'])('takes the letter %s, in either case', (letter) => {
    const document = completed(`12${letter}4567800${letter}1`, CNPJ_WEIGHTS);
    expect(parseCnpj(document)).toBe(document);
    expect(parseCnpj(document.toLowerCase())).toBe(document);
  });
});

describe('masks', () => {
  test.each([
    ['52998224725', '529.982.247-25'],
    ['11222333000181', '11.222.333/0001-81'],
    ['12abc34501de35', '12.ABC.345/01DE-35'],
    ['12.ABC.345/01DE-35', '12.ABC.345/01DE-35'],
    // what is no document stays as it was written
    ['52998224724', '52998224724'],
    ['', ''],
  ])('%j shows as %j', (text, shown) => {
    expect(formatDocument(text)).toBe(shown);
  });
});

const parse = (text: string) => parseCpf(text) ?? parseCnpj(text);

describe('every document', () => {
  test('with its own check digits is taken, and with any other pair is not', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        const base = document.slice(0, -2);
        const endings = DIGITS.flatMap((a) => DIGITS.map((b) => a + b));
        expect(endings.filter((ending) => parse(base + ending) !== null)).toEqual([document.slice(-2)]);
      }),
    );
  });

  test('comes back from its mask', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        expect(formatDocument(document)).not.toBe(document);
        expect(parse(formatDocument(document))).toBe(document);
        expect(formatDocument(formatDocument(document))).toBe(formatDocument(document));
      }),
    );
  });

  test('is the same under any mask', () => {
    const marks = fc.array(fc.constantFrom('', ' ', '.', '-', '/'), { minLength: 15, maxLength: 15 });
    fc.assert(
      fc.property(anyDocument, marks, (document, between) => {
        const masked = [...document].reduce((text, c, i) => text + c + between[i + 1], between[0] ?? '');
        expect(parse(masked)).toBe(document);
        expect(documentKind(masked)).toBe(documentKind(document));
      }),
    );
  });
});

describe('any text', () => {
  const unit = fc.constantFrom('grapheme', 'binary', 'grapheme-ascii') as fc.Arbitrary<'grapheme'>;
  const anyText = fc.oneof(
    unit.chain((some) => fc.string({ unit: some })),
    fc.string({ unit: fc.constantFrom(...CHARACTERS, ...' ./-\n\0aı٣'), maxLength: 20 }),
  );

  test('is a document of one kind or of none, and never throws', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const [cpf, cnpj] = [parseCpf(text), parseCnpj(text)];
        expect(documentKind(text)).toBe(cpf !== null ? 'cpf' : cnpj !== null ? 'cnpj' : 'invalid');
        expect(cpf === null || cnpj === null).toBe(true);
        if (cpf !== null) expect(cpf).toMatch(/^[0-9]{11}$/);
        if (cnpj !== null) expect(cnpj).toMatch(/^[0-9A-Z]{12}[0-9]{2}$/);
        if (cpf === null && cnpj === null) expect(formatDocument(text)).toBe(text);
      }),
    );
  });
});
