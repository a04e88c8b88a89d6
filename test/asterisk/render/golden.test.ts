import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ServerRows } from '../../../src/asterisk/render/rows.ts';
import { renderServer } from '../../../src/asterisk/render/server.ts';
import { revisionOf } from '../../../src/asterisk/revision.ts';

/** Each folder holds rows.json and what it renders to. UPDATE_GOLDEN=1 writes the latter: then read the difference. */
const GOLDEN = join(import.meta.dirname, 'golden');
const cases = readdirSync(GOLDEN);
const rowsOf = (name: string) =>
  JSON.parse(readFileSync(join(GOLDEN, name, 'rows.json'), 'utf8')) as ServerRows;

test.each(cases)('%s renders to the stored files', (name) => {
  const { files, problems } = renderServer(rowsOf(name));
  const rendered = { ...files, 'problems.txt': problems.map((problem) => `${problem}\n`).join('') };
  const folder = join(GOLDEN, name, 'files');
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of Object.entries(rendered)) writeFileSync(join(folder, file), text);
  }
  const stored = readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]);
  expect(rendered).toEqual(Object.fromEntries(stored));
});

test.each(cases)('%s renders to the same bytes whatever order its lines come in', (name) => {
  const rows = rowsOf(name);
  const reversed = { ...rows, lines: rows.lines.toReversed() };
  expect(renderServer(reversed).files).toEqual(renderServer(rows).files);
  expect(revisionOf(renderServer(reversed).files)).toEqual(revisionOf(renderServer(rows).files));
});
