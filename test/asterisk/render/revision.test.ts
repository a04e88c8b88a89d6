import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runOrThrow } from '../../../dev/services/command.ts';
import { renderServer } from '../../../src/asterisk/render/server.ts';
import { revisionOf } from '../../../src/asterisk/revision.ts';
import { lineRow, serverRows } from './rows.ts';

test('the hash is that of the manifest, whatever order the files are in', () => {
  const { hash, manifest } = revisionOf({ 'b.conf': 'B', 'a.conf': '' });
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const ofB = 'df7e70e5021544f4834bbee64a9e3789febc4be81470df629cad6ddb03320a5c';
  expect(manifest).toBe(`${empty}  a.conf\n${ofB}  b.conf\n`);
  expect(hash).toBe(createHash('sha256').update(manifest).digest('hex'));
  expect(revisionOf({ 'a.conf': '', 'b.conf': 'B' }).hash).toBe(hash);
});

test('sha256sum agrees with the manifest, and any change changes the hash', async () => {
  const { files } = renderServer(serverRows());
  const dir = mkdtempSync(join(tmpdir(), 'revision-test-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const names = Object.keys(files).sort();
  const printed = await runOrThrow('sh', ['-c', 'cd "$1" && shift && sha256sum "$@"', 'sh', dir, ...names]);
  rmSync(dir, { recursive: true });
  expect(revisionOf(files).manifest).toBe(printed);
  const changed = renderServer(serverRows({ lines: [lineRow({ name: 'Recepçao' })] })).files;
  expect(revisionOf(changed).hash).not.toBe(revisionOf(files).hash);
});
