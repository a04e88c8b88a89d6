import { LuaError, type LuaFunction, LuaTable, type LuaValue, operations, text, toNumber } from './values.ts';

const { n } = operations;

const CLASSES: Readonly<Record<string, string>> = {
  d: '\\d',
  D: '\\D',
  s: '\\s',
  S: '\\S',
  w: '[A-Za-z0-9]',
  W: '[^A-Za-z0-9]',
  a: '[A-Za-z]',
  A: '[^A-Za-z]',
};
const patterns = new Map<string, RegExp>();

/** A pattern of Lua as a regular expression; throws at what has no counterpart there, or needs more than this. */
function regular(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known) return known;
  if (/%[bf0-9]/.test(pattern) || /-/.test(pattern.replace(/%.|\[[^\]]*\]/g, '')))
    throw new LuaError(`pattern is not known: ${pattern}`);
  const source = pattern.replace(/%(.)|[\\{}|]/g, (all, escaped: string | undefined) =>
    escaped === undefined ? `\\${all}` : (CLASSES[escaped] ?? escaped.replace(/[^A-Za-z0-9]/, '\\$&')),
  );
  const made = new RegExp(source, 'g');
  patterns.set(pattern, made);
  return made;
}

const captures = (match: RegExpExecArray): LuaValue[] =>
  match.length > 1 ? match.slice(1).map((part) => part ?? '') : [match[0]];

function format(pattern: string, values: readonly LuaValue[]): string {
  let next = 0;
  return pattern.replace(
    /%(?:(%)|(\.\d+)?([dsfx]))/g,
    (_, percent, precision: string | undefined, kind: string) => {
      if (percent) return '%';
      const value = values[next++];
      if (kind === 's') return text(value);
      if (kind === 'd') return String(Math.trunc(n(value)));
      if (kind === 'x') return Math.trunc(n(value)).toString(16);
      return n(value).toFixed(precision ? Number(precision.slice(1)) : 6);
    },
  );
}

const NULL = LuaTable.named({ null: true });

function fromJson(value: unknown): LuaValue {
  if (value === null) return NULL;
  if (Array.isArray(value)) return LuaTable.of(value.map(fromJson));
  if (typeof value !== 'object') return value as boolean | number | string;
  const table = new LuaTable();
  for (const [key, inner] of Object.entries(value)) table.set(key, fromJson(inner));
  return table;
}

function toJson(value: LuaValue): string {
  if (value === undefined || value === NULL) return 'null';
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new LuaError('Cannot serialise number: must not be NaN or Inf');
    return text(value);
  }
  if (!(value instanceof LuaTable)) return JSON.stringify(value);
  if (value.hash.size === 0 && value.list.length > 0) return `[${value.list.map(toJson).join(',')}]`;
  return `{${value
    .entries()
    .map(([key, inner]) => `${JSON.stringify(text(key))}:${toJson(inner)}`)
    .join(',')}}`;
}

const table = (value: LuaValue): LuaTable => {
  if (value instanceof LuaTable) return value;
  throw new LuaError('expected a table');
};

const math = LuaTable.named({
  huge: Number.POSITIVE_INFINITY,
  floor: (value) => [Math.floor(n(value))],
  ceil: (value) => [Math.ceil(n(value))],
  abs: (value) => [Math.abs(n(value))],
  min: (...values) => [Math.min(...values.map(n))],
  max: (...values) => [Math.max(...values.map(n))],
});

const string = LuaTable.named({
  format: (pattern, ...values) => [format(text(pattern), values)],
  match(subject, pattern) {
    const expression = regular(text(pattern));
    expression.lastIndex = 0;
    const match = expression.exec(text(subject));
    return match ? captures(match) : [undefined];
  },
  gmatch(subject, pattern) {
    const matches = [...text(subject).matchAll(regular(text(pattern)))].map(captures);
    let next = 0;
    return [() => matches[next++] ?? [undefined]];
  },
  sub: (subject, from, to = -1) => {
    const whole = text(subject);
    const at = (index: number) => (index < 0 ? Math.max(0, whole.length + index + 1) : index);
    return [whole.slice(Math.max(0, at(n(from)) - 1), at(n(to)))];
  },
  len: (subject) => [text(subject).length],
});

const iterate = (entries: readonly (readonly [LuaValue, LuaValue])[]): LuaFunction => {
  let next = 0;
  return () => [...(entries[next++] ?? [undefined])];
};

/** What a script of Redis finds without asking, less what `redis` itself gives. */
export const library: Readonly<Record<string, LuaValue>> = {
  math,
  string,
  table: LuaTable.named({
    concat: (list, between = '') => [table(list).list.map(text).join(text(between))],
    insert(list, ...given) {
      if (given.length !== 1) throw new LuaError('table.insert in the middle is not known');
      table(list).set(table(list).list.length + 1, given[0]);
      return [];
    },
  }),
  cjson: LuaTable.named({
    null: NULL,
    decode: (json) => [fromJson(JSON.parse(text(json)))],
    encode: (value) => [toJson(value)],
  }),
  ipairs(value) {
    const { list } = table(value);
    const end = list.indexOf(undefined);
    return [iterate((end < 0 ? list : list.slice(0, end)).map((one, index) => [index + 1, one]))];
  },
  pairs: (value) => [iterate(table(value).entries())],
  tonumber: (value) => [toNumber(value)],
  tostring: (value) => [text(value)],
  type: (value) => [value === undefined ? 'nil' : value instanceof LuaTable ? 'table' : typeof value],
  unpack: (value) => [...table(value).list],
};
