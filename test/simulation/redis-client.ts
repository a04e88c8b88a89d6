import type { Redis } from 'ioredis';
import type { Link } from './link.ts';
import { scriptOf } from './lua/script.ts';
import { text } from './lua/values.ts';
import { fromLua, type RedisData, type Reply, toLua } from './redis-data.ts';

type Heard = 'close' | 'ready';

/** Texts of scripts can be changed on purpose, to see whether anybody notices. */
export type Meddle = (name: string, lua: string) => string;

/** A connection as the product knows it from ioredis, less what it does not use. */
export class RedisClient {
  private readonly data: RedisData;
  private readonly link: Link;
  private readonly meddle: Meddle;
  private readonly heard: Record<Heard, (() => void)[]> = { close: [], ready: [] };

  constructor(data: RedisData, link: Link, meddle: Meddle) {
    this.data = data;
    this.link = link;
    this.meddle = meddle;
  }

  on(event: Heard, listener: () => void): void {
    this.heard[event].push(listener);
  }

  tell(event: Heard): void {
    for (const listener of this.heard[event]) listener();
  }

  defineCommand(name: string, { lua }: { readonly lua: string }): void {
    const script = scriptOf(this.meddle(name, lua));
    const call = (command: unknown, ...given: unknown[]) => [
      toLua(this.data.call(String(command), given.map((value) => text(value as string)))),
    ];
    const run = (count: number, ...given: (string | number)[]) =>
      this.link.ask(() => {
        const all = given.map(String);
        return fromLua(script(all.slice(0, count), all.slice(count), call));
      });
    Object.assign(this, { [name]: run });
  }

  private ask = <T extends Reply>(command: string, ...given: (string | number)[]) =>
    this.link.ask(() => this.data.call(command, given.map(String)) as T);

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
