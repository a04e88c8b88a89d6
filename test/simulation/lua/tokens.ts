export interface Token {
  readonly kind: 'name' | 'keyword' | 'number' | 'text' | 'sign' | 'end';
  readonly text: string;
  readonly line: number;
}

const KEYWORDS = new Set(
  'and break do else elseif end false for function if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
);

const SPACE = /(?:\s+|--\[\[[\s\S]*?\]\]|--[^\n]*)+/y;
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y;
const NAME = /[A-Za-z_]\w*/y;
const TEXT = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"/y;
const SIGN = /\.\.\.|\.\.|==|~=|<=|>=|[-+*/%^#<>=(){}[\];:,.]/y;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unescaped(literal: string): string {
  return literal.replace(/\\(\d{1,3}|.)/g, (_, code: string) =>
    /\d/.test(code) ? String.fromCharCode(Number(code)) : (ESCAPES[code] ?? code),
  );
}

/** The words of a Lua 5.1 text. Throws SyntaxError with the line at what is none. */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let [at, line] = [0, 1];
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const add = (kind: Token['kind'], text: string) => tokens.push({ kind, text, line });
  while (at < source.length) {
    const space = match(SPACE);
    if (space) {
      line += space[0].split('\n').length - 1;
      continue;
    }
    const name = match(NAME)?.[0];
    if (name !== undefined) {
      add(KEYWORDS.has(name) ? 'keyword' : 'name', name);
      continue;
    }
    const number = match(NUMBER)?.[0];
    if (number !== undefined) {
      add('number', String(Number(number)));
      continue;
    }
    const literal = match(TEXT);
    if (literal) {
      add('text', unescaped(literal[1] ?? literal[2] ?? ''));
      continue;
    }
    const sign = match(SIGN)?.[0];
    if (sign === undefined) throw new SyntaxError(`Lua line ${line}: ${source.slice(at, at + 20)}`);
    add('sign', sign);
  }
  add('end', '');
  return tokens;
}
