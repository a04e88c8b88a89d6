import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MOST_ROWS, readDeckFile } from '../../src/admin/read-deck.ts';
import { inLanguage } from '../../src/contract/language.ts';
import { formatCadence } from '../../src/domain/cadence.ts';
import type { DeckRow } from '../../src/domain/deck.ts';

const cadence = (initial_seconds: number, increment_seconds: number, free_threshold_seconds: number) => ({
  initial_seconds,
  increment_seconds,
  free_threshold_seconds,
});

const SAO_PAULO: DeckRow = {
  prefix: '5511',
  locality: 'São Paulo',
  kind: 'FIXED',
  price_micros_per_minute: 120_000n,
  cadence: cadence(30, 6, 3),
  active: true,
};
const LISBON: DeckRow = {
  prefix: '3519',
  locality: 'Portugal, móvel',
  kind: 'MOBILE',
  price_micros_per_minute: 1_234_567n,
  cadence: cadence(60, 60, 0),
  active: false,
};

const PLAIN = '5511;São Paulo;F;0,12;30/6/3;1\n3519;Portugal, móvel;C;1,234567;60/60;0\n';
const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le');

/** The same two rows in every form. */
const FORMS: readonly (readonly [string, string | Uint8Array])[] = [
  ['semicolons and a decimal comma', PLAIN],
  ['no line end at the end', PLAIN.trimEnd()],
  ['a BOM', `\uFEFF${PLAIN}`],
  ['CRLF', PLAIN.replaceAll('\n', '\r\n')],
  ['CR', PLAIN.replaceAll('\n', '\r')],
  ['Windows-1252', Buffer.from(PLAIN, 'latin1')],
  ['UTF-16, little end first', utf16(PLAIN)],
  ['UTF-16, big end first', utf16(PLAIN).swap16()],
  ['tabs', PLAIN.replaceAll(';', '\t')],
  ['commas and points', '5511,São Paulo,F,0.12,30/6/3,1\n3519,"Portugal, móvel",C,1.234567,60/60,0\n'],
  [
    'commas and quoted decimal commas',
    '5511,São Paulo,F,"0,12",30/6/3,1\n3519,"Portugal, móvel",C,"1,234567",60/60,0\n',
  ],
  ['everything quoted', PLAIN.replace(/[^;\n]+/g, '"$&"')],
  ['blank lines', `\n  \n${PLAIN.replace('\n', '\n;;;;;\n\n')}\n\n`],
  ['spaces around', PLAIN.replace(/[^;\n]+/g, ' $& ')],
  ['three columns of cadence', '5511;São Paulo;F;0,12;30;6;3;1\n3519;Portugal, móvel;C;1,234567;60;60;0;0\n'],
  ['names in Portuguese', `Prefixo;Localidade;F/C;Preço;Cadência;Ativo\n${PLAIN}`],
  ['names in English', `prefix;Locality;kind;PRICE;cadence;active\n${PLAIN}`],
  [
    'names in another order',
    'Ativo;Preço (R$/min);Prefixo;Cadência;Tipo;Localidade\nsim;0,12;5511;30/6/3;Fixo;São Paulo\n' +
      'não;1,234567;3519;60/60/0;Móvel;Portugal, móvel',
  ],
  [
    'names of an export',
    'prefix;locality;kind;price_brl_per_minute;initial_seconds;increment_seconds;free_threshold_seconds;active\n' +
      '5511;São Paulo;FIXED;0,120000;30;6;3;true\n3519;Portugal, móvel;MOBILE;1,234567;60;60;0;false\n',
  ],
  [
    'prefixes and prices as people write them',
    '+55 11;São Paulo;fixo;R$ 0,12;30 / 6 / 3;S\n00-351.9;Portugal, móvel;Celular;1.234567;60/60;FALSE\n',
  ],
];

const read = (file: string | Uint8Array) => readDeckFile(Buffer.from(file as Uint8Array));

/** Faults as `line column value: reason`. */
async function faultsOf(file: string | Uint8Array, language: 'en' | 'pt' = 'en') {
  const { faults } = await read(file);
  return faults.first.map(({ line, column, value, reason }) => {
    const where = [line, column && inLanguage(column, language), value].filter((part) => part !== null);
    return `${where.join(' ')}: ${inLanguage(reason, language)}`;
  });
}

describe('a good file', () => {
  test.each(FORMS)('with %s', async (_, file) => {
    expect(await read(file)).toEqual({
      read: 2,
      rows: [SAO_PAULO, LISBON],
      faults: { count: 0, first: [] },
    });
  });

  test.each([
    ['5511;;;0;1/1', { locality: '', kind: null, price_micros_per_minute: 0n, active: true }],
    ['5511;;;1000;3600/3600/3600;', { price_micros_per_minute: 1_000_000_000n, active: true }],
    ['5511;x;M;0,000001;1;1;', { kind: 'MOBILE', price_micros_per_minute: 1n, cadence: cadence(1, 1, 0) }],
    [
      '5511;"a ""b"" ; c";F;1.000,00;30/6;0',
      { locality: 'a "b" ; c', price_micros_per_minute: 1_000_000_000n },
    ],
    ['999999999999999;x;F;1;30/6;1', { prefix: '999999999999999' }],
    ['1;x;F;1;30/6;1', { prefix: '1' }],
  ])('row %s', async (line, row) => {
    const { rows, faults } = await read(line.replace(/;1;1;$/, ';1;1;0'));
    expect(faults.first).toEqual([]);
    expect(rows).toEqual([expect.objectContaining(row)]);
  });
});

const NO_PREFIX = 'is no prefix: 1 to 15 digits, such as 5511';
const NATIONAL = 'begins with 0: write the prefix as in an international number, such as 5511';
const NO_PRICE = 'is no price in reais a minute, such as 0,12';
const NO_CADENCE = 'is no cadence such as 30/6/3: first block, increment (1 to 3600 s) and free threshold';
const GOOD = '3519;Portugal;C;1;60/60;0';
const QUOTES = 'quotes do not match: write a quote inside a cell twice, and none around half a cell';

describe('a fault', () => {
  test.each([
    [';SP;F;0,12;30/6/3;1', 'prefix : a prefix is missing'],
    ['+;SP;F;0,12;30/6/3;1', 'prefix +: a prefix is missing'],
    ['011;SP;F;0,12;30/6/3;1', `prefix 011: ${NATIONAL}`],
    ['+0055;SP;F;0,12;30/6/3;1', `prefix +0055: ${NATIONAL}`],
    ['00 0 11;SP;F;0,12;30/6/3;1', `prefix 00 0 11: ${NATIONAL}`],
    ['55x;SP;F;0,12;30/6/3;1', `prefix 55x: ${NO_PREFIX}`],
    ['-55;SP;F;0,12;30/6/3;1', `prefix -55: ${NO_PREFIX}`],
    ['5,5E+11;SP;F;0,12;30/6/3;1', `prefix 5,5E+11: ${NO_PREFIX}`],
    ['(55)11;SP;F;0,12;30/6/3;1', `prefix (55)11: ${NO_PREFIX}`],
    ['٥٥;SP;F;0,12;30/6/3;1', `prefix ٥٥: ${NO_PREFIX}`],
    ['1234567890123456;SP;F;0,12;30/6/3;1', `prefix 1234567890123456: ${NO_PREFIX}`],
    ['5511;"a\tb";F;0,12;30/6/3;1', 'locality a\uFFFDb: has a line break or control characters'],
    ['5511;"a\nb";F;0,12;30/6/3;1', 'locality a\uFFFDb: has a line break or control characters'],
    [`5511;${'y'.repeat(81)};F;0,12;30/6/3;1`, `locality ${'y'.repeat(40)}: has more than 80 characters`],
    ['5511;SP;X;0,12;30/6/3;1', 'F/C X: is neither F (fixed) nor C (mobile), nor empty'],
    ['5511;SP;F;;30/6/3;1', 'price : a price is missing: 0 is free'],
    ['5511;SP;F;-0,12;30/6/3;1', 'price -0,12: must not be negative'],
    ['5511;SP;F;R$ -1;30/6/3;1', 'price R$ -1: must not be negative'],
    ['5511;SP;F;0,1234567;30/6/3;1', 'price 0,1234567: has more than 6 decimals'],
    ['5511;SP;F;0.0000000;30/6/3;1', 'price 0.0000000: has more than 6 decimals'],
    ['5511;SP;F;1000,000001;30/6/3;1', 'price 1000,000001: is more than R$ 1,000 a minute'],
    ['5511;SP;F;99999999;30/6/3;1', 'price 99999999: is more than R$ 1,000 a minute'],
    ['5511;SP;F;NaN;30/6/3;1', `price NaN: ${NO_PRICE}`],
    ['5511;SP;F;1e3;30/6/3;1', `price 1e3: ${NO_PRICE}`],
    ['5511;SP;F;grátis;30/6/3;1', `price grátis: ${NO_PRICE}`],
    ['5511;SP;F;1.2.3;30/6/3;1', `price 1.2.3: ${NO_PRICE}`],
    ['5511;SP;F;0,12;0/6/3;1', `cadence 0/6/3: ${NO_CADENCE}`],
    ['5511;SP;F;0,12;30/0/3;1', `cadence 30/0/3: ${NO_CADENCE}`],
    ['5511;SP;F;0,12;30/6/-1;1', `cadence 30/6/-1: ${NO_CADENCE}`],
    ['5511;SP;F;0,12;3601/6;1', `cadence 3601/6: ${NO_CADENCE}`],
    ['5511;SP;F;0,12;;1', `cadence : ${NO_CADENCE}`],
    ['5511;SP;F;0,12;30,5/6;1', `cadence 30,5/6: ${NO_CADENCE}`],
    ['5511;SP;F;0,12;30/06/2003;1', 'cadence 30/06/2003: is a date: a spreadsheet made it of a cadence'],
    ['5511;SP;F;0,12;30/6/3;2', 'active 2: is neither 1 nor 0'],
    ['5511;SP;F;0,12;30/6/3;?', 'active ?: is neither 1 nor 0'],
    ['3519;SP;F;0,12;30/6/3;1', 'prefix 3519: is in line 2 already'],
    ['+351-9;SP;F;0,12;30/6/3;1', 'prefix 3519: is in line 2 already'],
    ['5511;SP;F;0,12;30/6/3', 'has 5 columns, not 6'],
    ['5511;SP;F;0,12;30/6/3;1;', 'has 7 columns, not 6'],
    ['5511', 'has 1 columns, not 6'],
    ['5511;S"P;F;0,12;30/6/3;1', QUOTES],
    ['5511;"S"P;F;0,12;30/6/3;1', QUOTES],
    ['5511;"SP;F;0,12;30/6/3;1', QUOTES],
  ])('in %j', async (line, fault) => {
    const faults = await faultsOf(`prefixo;localidade;fc;preço;cadência;ativo\n${GOOD}\n\n${line}\n`);
    expect(faults).toEqual([`4${/^(has|quotes)/.test(fault) ? ': ' : ' '}${fault}`]);
  });

  test('is told for every cell, with the line of the file whatever stands before it', async () => {
    const file = `\uFEFF\r\nprefixo;localidade;fc;preço;first;increment;threshold\r\n\r\n3519;"a";C;1;1;1;0\r\n\r\n0;"x\r\ny";?;-1;0;1;0\r\n9;SP;F;x;1;1;0`;
    expect(await faultsOf(file, 'pt')).toEqual([
      '6 prefixo 0: começa com 0: escreva o prefixo como em um número internacional, por exemplo 5511',
      '6 localidade x\uFFFDy: tem quebra de linha ou caracteres de controle',
      '6 F/C ?: não é F (fixo) nem C (móvel), nem vazio',
      '6 preço -1: não pode ser negativo',
      '6 cadência 0/1/0: não é uma cadência como 30/6/3: primeiro bloco, incremento (1 a 3600 s) e carência',
      '8 preço x: não é um preço em reais por minuto, por exemplo 0,12',
    ]);
  });

  test.each([
    ['nothing', '', 'the file is empty'],
    ['blanks only', ' \r\n\n\t', 'the file is empty'],
    ['a BOM only', '\uFEFF', 'the file is empty'],
    ['names only', 'prefixo;localidade;fc;preço;cadência;ativo\n', 'the file has no rows'],
    ['separators only', ';;;;;\n;;;;;', 'the file has no rows'],
    ['bytes', Buffer.from([1, 0, 255, 0, 7]), 'the file is no text: send it as CSV'],
    ['half of UTF-16', Buffer.from([0xff, 0xfe, 0, 0xd8]), 'the file is no text: send it as CSV'],
    [
      'a spreadsheet',
      Buffer.from('PK\x03\x04 xl/workbook.xml'),
      'the file is a spreadsheet or an archive: save it as CSV',
    ],
  ])('of the whole file: %s', async (_, file, reason) => {
    expect(await read(file)).toMatchObject({ read: 0, rows: [] });
    expect(await faultsOf(file)).toEqual([`: ${reason}`]);
  });

  test.each([
    ['prefixo;localidade;fc;preço;cadência;cor', [/^1 cor: is no known column/]],
    ['prefixo;localidade;fc;preço;cadência;preço', [/^1 preço: this column is there twice/]],
    ['prefixo;localidade;fc;cadência', [/^1: a column is missing/]],
    ['prefixo;localidade;preço;first;increment', [/^1: a column is missing/]],
    ['prefixo;localidade;preço;cadência;first', [/^1: a column is missing/]],
    ['abc;SP;F;0,12;30/6/3;1', Array(6).fill(/^1 .*: is no known column/)],
  ])('of the first line, and then of nothing else: %s', async (header, faults) => {
    const told = await faultsOf(`${header}\n${GOOD}\nx;y`);
    expect(told).toEqual(faults.map((fault) => expect.stringMatching(fault)));
  });

  test.each([
    [
      'tabs in the names, semicolons in the rows',
      'prefixo\tlocalidade\tfc\tpreço\tcadência\tativo\n5511;SP;F;1;1/1;1',
      [/^2: has 1 columns, not 6/],
    ],
    ['bars', '5511|SP|F|0,12|30/6/3|1', [/^1: has 2 columns, not 5 to 8/]],
    [
      'a bare decimal comma',
      '5511,SP,F,0,12,30/6/3,1',
      [/^1 price 0: x|^1 cadence 12\/30\/6\/3\/1|^1 cadence/],
    ],
  ])('of the separator: %s', async (_, file, faults) => {
    const told = await faultsOf(file);
    expect(told).toEqual(faults.map((fault) => expect.stringMatching(fault)));
  });

  test('is counted to the last, and listed a thousand times', async () => {
    const { read: rows, rows: good, faults } = await read(`${GOOD}\n${'0;SP;Q;1;1/1;1\n'.repeat(1_500)}`);
    expect([rows, good.length, faults.count, faults.first.length]).toEqual([1_501, 1, 3_000, 1_000]);
    expect(faults.first.at(-1)).toMatchObject({ line: 501, value: 'Q' });
  });

  test('shows of a value what can be stored', async () => {
    const { faults } = await read(`5511;SP;${'😀'.repeat(60)}\u0007;1;1/1;1`);
    expect(faults.first).toMatchObject([{ value: '😀'.repeat(40) }]);
  });
});

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) => `${5_500_000 + i};Localidade ${i};F;0,${i % 10};30/6/3;1`);

describe('a large file', () => {
  test('of 100,000 rows leaves everybody else their turns', async () => {
    let turns = 0;
    let reading = true;
    const others = (async () => {
      for (; reading; turns += 1) await setImmediate();
    })();
    const deck = await read(lines(100_000).join('\r\n'));
    reading = false;
    await others;
    expect([deck.rows.length, deck.faults.count]).toEqual([100_000, 0]);
    expect(deck.rows.at(-1)).toMatchObject({ prefix: '5599999', locality: 'Localidade 99999' });
    expect(turns).toBeGreaterThan(100_000 / 2_000);
  });

  test('may have 200,000 rows and not one more', async () => {
    const all = lines(MOST_ROWS + 1);
    expect((await read(all.slice(1).join('\n'))).rows.length).toBe(200_000);
    expect(await faultsOf(all.join('\n'))).toEqual([': the file has more than 200,000 rows']);
  });
});

describe('whatever was written', () => {
  const seconds = fc.integer({ min: 1, max: 3_600 });
  const row: fc.Arbitrary<DeckRow> = fc.record({
    prefix: fc.bigInt(1n, 999_999_999_999_999n).map(String),
    locality: fc
      .string({ unit: fc.constantFrom(...'aZé ç"\';,.|-=1€'), maxLength: 30 })
      .map((text) => text.trim()),
    kind: fc.constantFrom('FIXED', 'MOBILE', null),
    price_micros_per_minute: fc.bigInt(0n, 1_000_000_000n),
    cadence: fc.record({
      initial_seconds: seconds,
      increment_seconds: seconds,
      free_threshold_seconds: fc.nat(1_800),
    }),
    active: fc.boolean(),
  });
  const form = fc.record({
    separator: fc.constantFrom(';', ',', '\t'),
    point: fc.constantFrom('.', ','),
    end: fc.constantFrom('\n', '\r\n', '\r'),
    encoding: fc.constantFrom('utf8', 'bom', 'windows-1252', 'utf16le'),
    three: fc.boolean(),
    header: fc.boolean(),
    quoted: fc.boolean(),
  });
  type Form = typeof form extends fc.Arbitrary<infer T> ? T : never;

  function write(rows: readonly DeckRow[], { separator, point, end, encoding, three, header, quoted }: Form) {
    const cell = (text: string) =>
      quoted || text.includes(separator) || text.includes('"') ? `"${text.replaceAll('"', '""')}"` : text;
    const names = [
      'prefix',
      'locality',
      'kind',
      'price',
      ...(three ? ['first', 'increment', 'threshold'] : ['cadence']),
      'active',
    ];
    const records = rows.map((row) => {
      const digits = row.price_micros_per_minute.toString().padStart(7, '0');
      const text = formatCadence(row.cadence);
      return [
        row.prefix,
        row.locality,
        { FIXED: 'F', MOBILE: 'C', none: '' }[row.kind ?? 'none'],
        `${digits.slice(0, -6)}${point}${digits.slice(-6)}`,
        ...(three ? text.split('/') : [text]),
        row.active ? '1' : '0',
      ];
    });
    const text = [...(header ? [names] : []), ...records]
      .map((record) => record.map(cell).join(separator) + end)
      .join('');
    if (encoding === 'windows-1252') return Buffer.from(text.replaceAll('€', '\x80'), 'latin1');
    if (encoding === 'utf16le') return Buffer.from(`\uFEFF${text}`, 'utf16le');
    return Buffer.from(encoding === 'bom' ? `\uFEFF${text}` : text);
  }

  test('in any form is read back', async () => {
    const rows = fc.uniqueArray(row, { selector: ({ prefix }) => prefix, minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(rows, form, async (written, form) => {
        const deck = await read(write(written, form));
        expect(deck.faults.first).toEqual([]);
        expect(deck.rows).toEqual(written);
      }),
      { numRuns: 300 },
    );
  });

  test('garbage is refused and never breaks the reader', async () => {
    const piece = fc.constantFrom(
      '5511',
      ';',
      ',',
      '"',
      '\n',
      '\r',
      'é',
      '0,12',
      '30/6/3',
      '\t',
      ' ',
      '1',
      '-',
      'prefixo',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 60 }),
        fc.uint8Array({ maxLength: 30 }),
        async (text, bytes) => {
          for (const file of [text.join(''), bytes]) {
            const { rows, faults, read: count } = await read(file);
            expect(rows.length).toBeLessThanOrEqual(count);
            expect(faults.count > 0 || rows.length === count).toBe(true);
            expect(JSON.stringify(faults)).not.toMatch(/\\u0000|\\ud[89a-f]/);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
