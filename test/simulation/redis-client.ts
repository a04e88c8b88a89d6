import type { Redis } from 'ioredis';
import type { Link } from './link.ts';
import { scriptOf } from './lua/script.ts';
import { type LuaValue, text } from './lua/values.ts';
import { fromLua, type RedisData, type Reply, toLua } from './redis-data.ts';
import type { Tape } from './tape.ts';

const asText = (value: unknown) => text(value as LuaValue);

type Heard = 'close' | 'ready';

/** Texts of scripts can be changed on purpose, to see whether anybody notices. */
export type Meddle = (name: string, lua: string) => string;

interface Around {
  readonly meddle: Meddle;
  readonly tape: Tape;
}

/** A connection as the product knows it from ioredis, less what it does not use. */
export class RedisClient {
  private readonly data: RedisData;
  private readonly link: Link;
  private readonly around: Around;
  private readonly heard: Record<Heard, (() => void)[]> = { close: [], ready: [] };

  constructor(data: RedisData, link: Link, around: Around) {
    this.data = data;
    this.link = link;
    this.around = around;
  }

  on(event: Heard, listener: () => void): void {
    this.heard[event].push(listener);
  }

  tell(event: Heard): void {
    for (const listener of this.heard[event]) listener();
  }

  defineCommand(name: string, { lua: text }: { readonly lua: string }): void {
    const { meddle, tape } = this.around;
    const lua = meddle(name, text);
    const script = scriptOf(lua);
    const call = (command: unknown, ...given: unknown[]) => [
      toLua(this.data.call(String(command), given.map(asText))),
    ];
    const run = (count: number, ...all: (string | number)[]) =>
      this.link.ask(() => {
        const [keys, given] = [all.slice(0, count).map(String), all.slice(count).map(String)];
        const reply = fromLua(script(keys, given, call));
        tape({ store: 'SCRIPT', lua, keys, given, now_ms: this.data.now_ms(), reply });
        return reply;
      });
    Object.assign(this, { [name]: run });
  }

  private ask = <T extends Reply>(name: string, ...all: (string | number)[]) =>
    this.link.ask(() => {
      const given = all.map(String);
      const reply = this.data.call(name, given);
      this.around.tape({ store: 'COMMAND', name, given, reply });
      return reply as T;
    });

  readonly get = (key: string) => this.ask<string | null>('GET', key);
  readonly set = (key: string, value: string) => this.ask('SET', key, value);
  readonly unlink = (...keys: string[]) => this.ask('UNLINK', ...keys);
  readonly zrange = (...given: string[]) => this.ask('ZRANGE', ...given);
  readonly zrangebyscore = (...given: (string | number)[]) => this.ask('ZRANGEBYSCORE', ...given);
  readonly time = () => this.ask('TIME', '');
  readonly info = () => this.ask('INFO');

  async hgetall(key: string): Promise<Record<string, string>> {
    const flat = await this.ask<string[]>('HGETALL', key);
    const hash: Record<string, string> = {};
    for (let i = 0; i < flat.length; i += 2) hash[flat[i] as string] = flat[i + 1] as string;
    return hash;
  }

  async scan(_cursor: string, _match: string, pattern: string): Promise<[string, string[]]> {
    const [cursor, keys] = await this.ask<readonly [string, string[]]>('SCAN', '0');
    return [cursor, keys.filter((key) => key.startsWith(pattern.slice(0, -1)))];
  }

  asRedis(): Redis {
    return this as unknown as Redis;
  }
}
