import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  callerId,
  dialplanLiteral,
  displayName,
  exact,
  hostAndPort,
  setting,
  UnrenderableValueError,
} from '../../../src/asterisk/render/quote.ts';
import { renderServer } from '../../../src/asterisk/render/server.ts';
import { HOSTILE_NAMES } from './hostile-names.ts';
import { lineRow, serverRows, trunkRow } from './rows.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({
    unit: fc.constantFrom('\n', '\r', '"', ';', '$', '{', '}', '[', ']', '#', '<', '>', '\\', 'a', ' '),
  }),
);
const place = { row: 'line "x"', field: 'name' };

describe('a name', () => {
  test('is shown without what could hurt', () => {
    const shown = HOSTILE_NAMES.map(([typed]) => displayName(typed));
    expect(shown).toEqual(HOSTILE_NAMES.map(([, expected]) => expected));
  });

  test('is one harmless text of at most 60 bytes, whatever was typed', () => {
    fc.assert(
      fc.property(anyText, (typed) => {
        const name = displayName(typed);
        expect(name).not.toMatch(/["<>;\\$[\]{}()#,&|`\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|^\s|\s$/u);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(60);
        // Nothing was cut in the middle of a character.
        expect(Buffer.from(name).toString()).toBe(name);
        expect(displayName(name)).toBe(name);
      }),
    );
  });

  test('of which nothing is left leaves the number alone', () => {
    expect(callerId('";', '201')).toBe('<201>');
    expect(callerId('Ana', '201')).toBe('"Ana" <201>');
  });

  test('never changes the shape of a file', () => {
    const shape = (name: string) => {
      const { files, problems } = renderServer(serverRows({ lines: [lineRow({ name })] }));
      expect(problems).toEqual([]);
      return Object.values(files).map((text) => text.replace(/^callerid=.*$/gm, 'callerid').split('\n'));
    };
    const plain = shape('Ana');
    for (const [typed] of HOSTILE_NAMES) expect(shape(typed)).toEqual(plain);
    fc.assert(
      fc.property(anyText, (typed) => {
        expect(shape(typed)).toEqual(plain);
      }),
    );
  });
});

describe('any other value', () => {
  const fields = ['sip_username', 'sip_ha1', 'subscriber_id', 'extension'] as const;
  const hostile = HOSTILE_NAMES.map(([typed]) => typed).filter((typed) => !/^x+$/.test(typed));

  test.each(fields)('is refused in %s, and only its own row is left out', (field) => {
    const good = lineRow({ sip_username: 'goodone', extension: '300' });
    const expected = renderServer(serverRows({ lines: [good] })).files;
    for (const value of hostile) {
      const { files, problems } = renderServer(serverRows({ lines: [lineRow({ [field]: value }), good] }));
      expect(files).toEqual(expected);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(field);
      expect(problems[0]?.split('\n')).toHaveLength(1);
    }
  });

  test.each(['code', 'host'] as const)('is refused in the %s of a trunk', (field) => {
    const good = trunkRow({ code: 'good' });
    const expected = renderServer(serverRows({ trunks: [good] })).files;
    for (const value of hostile) {
      const { files, problems } = renderServer(serverRows({ trunks: [trunkRow({ [field]: value }), good] }));
      expect(files).toEqual(expected);
      expect(problems[0]).toContain(field);
    }
  });

  test('that is secret is not repeated in the problem', () => {
    const ari = { user: 'pabx', password: 'secret ; of the control plane' };
    const lines = [lineRow({ sip_ha1: 'secret' })];
    const { problems } = renderServer(serverRows({ ari, lines }));
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('secret ');
    expect(problems.join()).not.toContain('"secret"');
  });
});

test.each<[call: () => unknown]>([
  [() => setting('match', 'a\nb', 'x')],
  [() => setting('match', 'a;b', 'x')],
  [() => setting('match', '#include x', 'x')],
  [() => setting('match', '> x', 'x')],
  [() => setting('match', '', 'x')],
  [() => setting('match', 'x ', 'x')],
  [() => dialplanLiteral('a,b', place)],
  [() => dialplanLiteral('a&b', place)],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a caller types
  [() => dialplanLiteral('${X}', place)],
  [() => dialplanLiteral('', place)],
  [() => exact('trunkCode', 'ab\n', place)],
  [() => hostAndPort('-bad', 5060, 'x')],
  [() => hostAndPort('a..b', 5060, 'x')],
  [() => hostAndPort('::1]', 5060, 'x')],
  [() => hostAndPort('host', 65_536, 'x')],
  [() => hostAndPort('host', 1.5, 'x')],
])('%s throws an UnrenderableValueError', (call) => {
  expect(call).toThrow(UnrenderableValueError);
});

test.each([
  ['carrier.example', 'carrier.example:5060'],
  ['192.0.2.7', '192.0.2.7:5060'],
  ['2001:db8::5', '[2001:db8::5]:5060'],
])('the address of %s is %s', (host, address) => {
  expect(hostAndPort(host, 5060, 'x')).toBe(address);
});
