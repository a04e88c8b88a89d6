import { LuaError, LuaTable, type LuaValue } from './lua/values.ts';

/** As Redis replies: null is nothing there. */
export type Reply = string | number | null | readonly Reply[];

type Held = string | string[] | Map<string, string> | SortedSet;
class SortedSet {
  readonly scores = new Map<string, number>();
  /** By score, and by name among equals. */
  members(): [string, number][] {
    return [...this.scores].sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1));
  }
}

type Command = (key: string, ...given: string[]) => Reply;

/** What one Redis holds, and the commands of it that the product uses. Anything else throws. */
export class RedisData {
  readonly held = new Map<string, Held>();
  private readonly expiries = new Map<string, number>();
  readonly now_ms: () => number;
  runs = 0;
  /** Grows with everything that is asked, and so with everything that changes. */
  asked = 0;

  constructor(now_ms: () => number) {
    this.now_ms = now_ms;
  }

  get run_id(): string {
    return `run${this.runs}`;
  }

  /** Everything is gone; `restart`: the process too, so that it is another one. */
  flush(restart: boolean): void {
    this.asked += 1;
    this.held.clear();
    this.expiries.clear();
    if (restart) this.runs += 1;
  }

  call(name: string, given: readonly string[]): Reply {
    this.asked += 1;
    const command = this.commands[name.toUpperCase()];
    if (!command) throw new LuaError(`the simulated Redis does not know ${name}`);
    const [key = '', ...rest] = given;
    this.expire(key);
    return command(key, ...rest);
  }

  /** Lets go of everything whose time has come. */
  expireAll(): void {
    for (const key of this.expiries.keys()) this.expire(key);
  }

  private expire(key: string): void {
    const at_ms = this.expiries.get(key);
    if (at_ms === undefined || at_ms > this.now_ms()) return;
    this.held.delete(key);
    this.expiries.delete(key);
  }

  private drop(key: string): number {
    this.expiries.delete(key);
    return this.held.delete(key) ? 1 : 0;
  }

  private of<T extends Held>(key: string, kind: new () => T): T | undefined {
    const held = this.held.get(key);
    if (held !== undefined && !(held instanceof kind)) throw new LuaError(`WRONGTYPE ${key}`);
    return held;
  }

  /** The same, made when there is none; what is empty afterwards is not there. */
  private change<T extends Held, R>(key: string, kind: new () => T, change: (held: T) => R): R {
    const held = this.of(key, kind) ?? new kind();
    const result = change(held);
    const size = held instanceof SortedSet ? held.scores.size : held instanceof Map ? held.size : held.length;
    if (size === 0) this.drop(key);
    else this.held.set(key, held);
    return result;
  }

  private hash = (key: string) => this.of<Map<string, string>>(key, Map);
  private sorted = (key: string) => this.of(key, SortedSet);
  private list = (key: string) => this.of<string[]>(key, Array);

  private range(all: readonly [string, number][], from: string, to: string) {
    const at = (index: string) => (Number(index) < 0 ? all.length + Number(index) : Number(index));
    return all.slice(Math.max(0, at(from)), at(to) + 1);
  }

  private readonly commands: Readonly<Record<string, Command>> = {
    TIME: () => [String(Math.floor(this.now_ms() / 1000)), String(Math.round((this.now_ms() % 1000) * 1000))],
    INFO: () => `# Server\r\nrun_id:${this.run_id}\r\n`,
    EXISTS: (key) => (this.held.has(key) ? 1 : 0),
    DEL: (...keys) => keys.reduce((count, key) => count + this.drop(key), 0),
    UNLINK: (...keys) => keys.reduce((count, key) => count + this.drop(key), 0),
    SCAN: () => {
      this.expireAll();
      return ['0', [...this.held.keys()]];
    },
    PEXPIRE: (key, ms) => {
      if (!this.held.has(key)) return 0;
      this.expiries.set(key, this.now_ms() + Number(ms));
      return 1;
    },
    GET: (key) => {
      const held = this.held.get(key);
      if (held !== undefined && typeof held !== 'string') throw new LuaError(`WRONGTYPE ${key}`);
      return held ?? null;
    },
    SET: (key, value = '', px, ms) => {
      this.drop(key);
      this.held.set(key, value);
      if (px) this.expiries.set(key, this.now_ms() + Number(ms));
      return 'OK';
    },
    HGET: (key, field = '') => this.hash(key)?.get(field) ?? null,
    HMGET: (key, ...fields) => fields.map((field) => this.hash(key)?.get(field) ?? null),
    HGETALL: (key) => [...(this.hash(key) ?? [])].flat(),
    HKEYS: (key) => [...(this.hash(key)?.keys() ?? [])],
    HEXISTS: (key, field = '') => (this.hash(key)?.has(field) ? 1 : 0),
    HSET: (key, ...pairs) =>
      this.change<Map<string, string>, number>(key, Map, (hash) => {
        const before = hash.size;
        for (let i = 0; i < pairs.length; i += 2) hash.set(pairs[i] as string, pairs[i + 1] as string);
        return hash.size - before;
      }),
    HSETNX: (key, field = '', value = '') =>
      this.change<Map<string, string>, number>(key, Map, (hash) => {
        if (hash.has(field)) return 0;
        hash.set(field, value);
        return 1;
      }),
    HDEL: (key, ...fields) =>
      this.change<Map<string, string>, number>(
        key,
        Map,
        (hash) => fields.filter((field) => hash.delete(field)).length,
      ),
    HINCRBY: (key, field = '', by = '0') =>
      this.change<Map<string, string>, number>(key, Map, (hash) => {
        const value = Number(hash.get(field) ?? 0) + Number(by);
        if (!Number.isSafeInteger(value)) throw new LuaError(`hash value is not an integer: ${value}`);
        hash.set(field, String(value));
        return value;
      }),
    ZADD: (key, score, member = '') =>
      this.change(key, SortedSet, ({ scores }) => {
        const added = scores.has(member) ? 0 : 1;
        scores.set(member, Number(score));
        return added;
      }),
    ZREM: (key, ...members) =>
      this.change(key, SortedSet, ({ scores }) => members.filter((member) => scores.delete(member)).length),
    ZCARD: (key) => this.sorted(key)?.scores.size ?? 0,
    ZSCORE: (key, member = '') => {
      const score = this.sorted(key)?.scores.get(member);
      return score === undefined ? null : String(score);
    },
    ZRANGE: (key, from = '0', to = '-1', withScores) => {
      const found = this.range(this.sorted(key)?.members() ?? [], from, to);
      return withScores ? found.flatMap(([member, score]) => [member, String(score)]) : found.map(([m]) => m);
    },
    ZRANGEBYSCORE: (key, _least, most, _limit, _offset, count) =>
      (this.sorted(key)?.members() ?? [])
        .filter(([, score]) => score <= Number(most))
        .slice(0, count === undefined ? undefined : Number(count))
        .map(([member]) => member),
    ZREMRANGEBYSCORE: (key, _least, most) =>
      this.change(key, SortedSet, ({ scores }) => {
        const old = [...scores].filter(([, score]) => score <= Number(most));
        for (const [member] of old) scores.delete(member);
        return old.length;
      }),
    LINDEX: (key, index) => this.list(key)?.at(Number(index)) ?? null,
    LPUSH: (key, ...values) =>
      this.change<string[], number>(key, Array, (list) => list.unshift(...values.toReversed())),
    LTRIM: (key, from, to) =>
      this.change<string[], string>(key, Array, (list) => {
        list.splice(0, list.length, ...list.slice(Number(from), Number(to) + 1));
        return 'OK';
      }),
  };
}

/** A reply as a script sees it. */
export function toLua(reply: Reply): LuaValue {
  if (reply === null) return false;
  return Array.isArray(reply) ? LuaTable.of(reply.map(toLua)) : (reply as string | number);
}

/** What a script gives as Redis replies it: numbers lose their fraction, and a list ends at its first nil. */
export function fromLua(value: LuaValue): Reply {
  if (value === undefined || value === false) return null;
  if (value === true) return 1;
  if (typeof value === 'number') return Math.trunc(value);
  if (value instanceof LuaTable) return value.list.map(fromLua);
  return String(value);
}
