import { UsageError } from './commands/command.ts';
import { COMMANDS, usageText } from './commands/index.ts';
import { ConfigError } from './config.ts';
import { inLanguage } from './contract/language.ts';

function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n${usageText()}`;
  if (error instanceof ConfigError) return error.message;
  const { code } = error as { code?: unknown };
  if (code === '23505') return 'that name is taken';
  if (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')) {
    return `${(error as Error).message}\n${usageText()}`;
  }
  if (!(error instanceof Error)) return String(error);
  const message = inLanguage(error.message, 'en');
  return error.cause instanceof Error ? `${message}: ${error.cause.message}` : message;
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
