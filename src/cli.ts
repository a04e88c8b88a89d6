import { describeFailure, UsageError } from './commands/command.ts';
import { COMMANDS, usageText } from './commands/index.ts';
import { ConfigError } from './config.ts';

function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n${usageText()}`;
  if (error instanceof ConfigError) return error.message;
  const { code } = error as { code?: unknown };
  if (code === '23505') return 'that name is taken';
  // A table, a column or a role that a migration makes.
  if (code === '42P01' || code === '42703' || code === '42704')
    return 'the database is not up to date: run migrate first';
  if (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')) {
    return `${(error as Error).message}\n${usageText()}`;
  }
  return describeFailure(error);
}

try {
  const [name, ...args] = process.argv.slice(2);
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(name === undefined ? 'no command' : `no such command: ${name}`);
  const { lines, code = 0 } = await command.run(args);
  for (const line of lines) console.log(line);
  process.exitCode = code;
} catch (error) {
  console.error(explain(error));
  process.exit(2);
}
