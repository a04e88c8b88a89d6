import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config.ts';
import { inLanguage } from '../contract/language.ts';
import { connectPostgres, type Db } from '../stores/postgres/connect.ts';

/** What a command prints and with which code the process ends. */
export interface Outcome {
  readonly lines: readonly string[];
  readonly code?: number;
}

export interface Command {
  /** What stands after the name of the command. */
  readonly usage: string;
  readonly summary: string;
  run(args: readonly string[]): Promise<Outcome>;
}

/** The command line is not as it should be; the usage is printed along with it. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Runs `work` with the service's settings and its database, as the owner of the tables. */
export async function withDatabase<T>(work: (db: Db, config: Config) => Promise<T>): Promise<T> {
  const config = readConfig();
  const postgres = connectPostgres(config.DATABASE_URL, () => {});
  try {
    return await work(postgres.db, config);
  } finally {
    await postgres.close();
  }
}

/** The words of a command that takes no options: what looks like one must not be taken for a name. Throws. */
export function wordsOf(args: readonly string[]): string[] {
  return parseArgs({ args: [...args], allowPositionals: true, options: {} }).positionals;
}

/** The only word of a command that takes one. Throws UsageError. */
export function oneWord(words: readonly string[], what: string): string {
  const [word, ...rest] = words;
  if (word === undefined) throw new UsageError(`${what} is missing`);
  if (rest.length > 0) throw new UsageError(`too many words: ${rest.join(' ')}`);
  return word;
}

/** What went wrong, in English: with its cause, and where several attempts failed, with what each of them said. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(describeFailure).join('; ');
  if (!(error instanceof Error)) return String(error);
  const message = inLanguage(error.message, 'en');
  return error.cause === undefined ? message : `${message}: ${describeFailure(error.cause)}`;
}
