import { library } from './library.ts';
import { translate } from './translate.ts';
import { type LuaFunction, LuaTable, type LuaValue, operations } from './values.ts';

/** A script as Redis runs it: with its keys, its arguments, and what answers `redis.call`. */
export type Script = (keys: readonly string[], given: readonly string[], call: LuaFunction) => LuaValue;

const builtIn = {
  ...operations,
  table(list: readonly LuaValue[], named: readonly (readonly [LuaValue, LuaValue])[]) {
    const made = LuaTable.of(list);
    for (const [key, value] of named) made.set(key, value);
    return made;
  },
};

type Globals = Record<string, LuaValue>;
const made = new Map<string, (globals: Globals) => LuaFunction>();

/** Translates a script, once for each text. Throws SyntaxError at what the translator does not know. */
export function scriptOf(source: string): Script {
  let make = made.get(source);
  if (!make) {
    const built = new Function('$', 'G', `return ${translate(source)}`);
    make = (globals) => built(builtIn, globals) as LuaFunction;
    made.set(source, make);
  }
  const run = make;
  return (keys, given, call) => {
    const globals = {
      ...library,
      KEYS: LuaTable.of(keys),
      ARGV: LuaTable.of(given),
      redis: LuaTable.named({ call }),
    };
    return run(globals)()[0];
  };
}
