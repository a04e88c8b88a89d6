import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

/*
 * What the compiler does not hold. Imports between floors it does hold: each floor is a project of its own
 * and sees only those it references.
 */

const files = (dir: string): string[] =>
  readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });

const typescript = ['src', 'migrations', 'dev', 'test'].flatMap(files).filter((path) => path.endsWith('.ts'));
const source = (path: string) => readFileSync(path, 'utf8');

/** Packages that a floor may import; a floor below src that is not named may import none. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'src/domain': ['libphonenumber-js/max'],
  'src/contract': ['zod'],
  'src/stores': ['kysely', 'kysely/migration', 'pg', 'ioredis'],
  'src/asterisk': ['asterisk-manager', 'ws'],
  'src/calls': ['ioredis'],
  'src/admin': ['@node-rs/argon2', '@zxcvbn-ts/language-common', 'csv-parse', 'otpauth'],
  'src/jobs': ['bullmq'],
  'src/api': ['@fastify/helmet', 'cookie', 'csv-stringify', 'fastify', 'prom-client', 'ws', 'zod'],
  'src/config.ts': ['zod'],
  'src/context.ts': ['fastify', 'pino'],
  'src/main.ts': [],
  'src/cli.ts': [],
  'src/commands': ['kysely'],
};

const imported = (text: string) =>
  [...text.matchAll(/(?:from|import) '([^']+)'/g)].map((match) => match[1] ?? '');

describe('floors', () => {
  test.each(Object.entries(PACKAGES))('%s imports these packages only: %j', (floor, allowed) => {
    const own = typescript.filter((path) => path === floor || path.startsWith(`${floor}/`));
    const wrong = own.flatMap((path) =>
      imported(source(path))
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:') && !allowed.includes(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('every folder and file of src is in the table', () => {
    const known = Object.keys(PACKAGES);
    expect(
      files('src').filter((path) => !known.some((floor) => path === floor || path.startsWith(`${floor}/`))),
    ).toEqual(['src/tsconfig.json']);
  });
});

const FORBIDDEN: readonly [string, RegExp, (path: string) => boolean][] = [
  [
    'no clock and no chance in the domain',
    /Date\.now|new Date\(\)|performance\.|Math\.random|\bawait\b/,
    (path) => path.startsWith('src/domain/'),
  ],
  [
    'only config.ts and dev/world/settings.ts read the environment',
    /process\.env\b/,
    (path) => !path.startsWith('test/') && !['src/config.ts', 'dev/world/settings.ts'].includes(path),
  ],
  ['no shell', /\bexec(Sync)?\(['"`]|shell: true/, (path) => path.startsWith('src/')],
  [
    'no test is left out',
    /\b(test|it|describe)\.(skip|only|todo|fails)\b/,
    (path) => path.startsWith('test/') && path !== 'test/tidy.test.ts',
  ],
];

describe('habits', () => {
  test.each(FORBIDDEN)('%s', (_, pattern, applies) => {
    expect(typescript.filter((path) => applies(path) && pattern.test(source(path)))).toEqual([]);
  });

  test('files have at most 400 lines', () => {
    expect(typescript.filter((path) => source(path).split('\n').length > 401)).toEqual([]);
  });

  test('functions have at most 70 lines, by the indentation that the formatter keeps', () => {
    const long = typescript
      .filter((path) => path.startsWith('src/') || path.startsWith('dev/'))
      .flatMap((path) => longFunctions(source(path)).map((line) => `${path}:${line}`));
    expect(long).toEqual([]);
  });

  test('no folder is called utils, helpers, common or misc', () => {
    expect(typescript.filter((path) => /\/(utils?|helpers?|common|misc)\//.test(path))).toEqual([]);
  });

  test('every floor and every package of tools says what it is', () => {
    const rooms = ['domain', 'contract', 'stores', 'asterisk', 'calls', 'admin', 'jobs', 'api'].map(
      (floor) => `src/${floor}`,
    );
    for (const room of [...rooms, 'dev', 'asterisk-config']) {
      const lines = source(`${room}/README.md`).split('\n').length;
      expect(lines, room).toBeLessThanOrEqual(41);
    }
  });
});

/**
 * Factories that return closures are as long as what they hold together, so a function counts from its first
 * line to its end less the functions inside it.
 */
function longFunctions(text: string): number[] {
  const opened: { indent: number; line: number; inner: number }[] = [];
  const long: number[] = [];
  text.split('\n').forEach((content, index) => {
    const indent = content.search(/\S/);
    const top = opened.at(-1);
    if (top && indent === top.indent && /^\s*\}/.test(content)) {
      opened.pop();
      const length = index - top.line + 1;
      if (length - top.inner > 70) long.push(top.line + 1);
      const outer = opened.at(-1);
      if (outer) outer.inner += length;
    }
    const opens =
      /(\bfunction\b.*|=> |\) |\): .* )\{$/.test(content) &&
      !/^\s*(if|for|while|switch|\} else)\b/.test(content);
    if (opens) opened.push({ indent, line: index, inner: 0 });
  });
  return long;
}
