/** What a Lua value is here: nil is undefined, numbers are doubles as in Redis' Lua 5.1. */
export type LuaValue = undefined | boolean | number | string | LuaTable | LuaFunction;
export type LuaFunction = (...given: LuaValue[]) => LuaValue[];

export class LuaError extends Error {
  override name = 'LuaError';
}

export class LuaTable {
  readonly list: LuaValue[] = [];
  readonly hash = new Map<LuaValue, LuaValue>();

  static of(list: readonly LuaValue[]): LuaTable {
    const table = new LuaTable();
    for (const [index, value] of list.entries()) table.set(index + 1, value);
    return table;
  }

  static named(fields: Readonly<Record<string, LuaValue>>): LuaTable {
    const table = new LuaTable();
    for (const [name, value] of Object.entries(fields)) table.set(name, value);
    return table;
  }

  get(key: LuaValue): LuaValue {
    if (typeof key === 'number' && key >= 1 && key <= this.list.length) return this.list[key - 1];
    return this.hash.get(key);
  }

  set(key: LuaValue, value: LuaValue): void {
    if (key === undefined) throw new LuaError('table index is nil');
    const { list, hash } = this;
    if (typeof key === 'number' && key >= 1 && key <= list.length && Number.isInteger(key)) {
      if (value === undefined && key === list.length) list.pop();
      else list[key - 1] = value;
      return;
    }
    if (value === undefined) hash.delete(key);
    else if (key === list.length + 1) {
      list.push(value);
      hash.delete(key);
      while (hash.has(list.length + 1)) {
        const next = list.length + 1;
        list.push(hash.get(next));
        hash.delete(next);
      }
    } else hash.set(key, value);
  }

  entries(): [LuaValue, LuaValue][] {
    const listed = this.list.map((value, index): [LuaValue, LuaValue] => [index + 1, value]);
    return [...listed.filter(([, value]) => value !== undefined), ...this.hash];
  }
}

export function text(value: LuaValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') {
    if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value === 0 ? 0 : value);
    if (Number.isNaN(value)) return 'nan';
    if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
    return String(Number(value.toPrecision(14)));
  }
  if (value === undefined) return 'nil';
  return typeof value === 'boolean' ? String(value) : 'table or function';
}

export function toNumber(value: LuaValue): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !/^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/.test(value))
    return undefined;
  return Number(value);
}

const named = (value: LuaValue) => (value === undefined ? 'nil' : typeof value);

/** What translated scripts call; each as short as they call it often. */
export const operations = {
  t: (value: LuaValue) => value !== undefined && value !== false,
  n(value: LuaValue): number {
    if (typeof value === 'number') return value;
    const number = toNumber(value);
    if (number === undefined) throw new LuaError(`attempt to perform arithmetic on a ${named(value)} value`);
    return number;
  },
  mod(one: LuaValue, other: LuaValue): number {
    const [a, b] = [operations.n(one), operations.n(other)];
    return a - Math.floor(a / b) * b;
  },
  lt(one: LuaValue, other: LuaValue): boolean {
    if (typeof one === 'number' && typeof other === 'number') return one < other;
    if (typeof one === 'string' && typeof other === 'string') return one < other;
    throw new LuaError(`attempt to compare ${named(one)} with ${named(other)}`);
  },
  le: (one: LuaValue, other: LuaValue): boolean => !operations.lt(other, one),
  cat(one: LuaValue, other: LuaValue): string {
    for (const part of [one, other])
      if (typeof part !== 'string' && typeof part !== 'number')
        throw new LuaError(`attempt to concatenate a ${named(part)} value`);
    return text(one) + text(other);
  },
  len(value: LuaValue): number {
    if (typeof value === 'string') return value.length;
    if (value instanceof LuaTable) return value.list.length;
    throw new LuaError(`attempt to get length of a ${named(value)} value`);
  },
  get(value: LuaValue, key: LuaValue): LuaValue {
    if (value instanceof LuaTable) return value.get(key);
    throw new LuaError(`attempt to index a ${named(value)} value (${text(key)})`);
  },
  set(value: LuaValue, key: LuaValue, to: LuaValue): void {
    if (!(value instanceof LuaTable)) throw new LuaError(`attempt to index a ${named(value)} value`);
    value.set(key, to);
  },
  f(value: LuaValue): LuaFunction {
    if (typeof value === 'function') return value;
    throw new LuaError(`attempt to call a ${named(value)} value`);
  },
};
