import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCommand } from '../../dev/services/command.ts';
import { removeFolder } from '../../dev/services/folders.ts';
import { createSmallDisk } from '../../dev/world/small-disk.ts';

const dir = mkdtempSync(join(tmpdir(), 'small-disk-'));
afterAll(() => removeFolder(dir));

test('a small disk is full for those within it, has room again, and is not there for others', async () => {
  const folder = join(dir, 'lib');
  const disk = await createSmallDisk(folder);
  const write = async (name: string) =>
    (await runCommand(...disk.within('dd', ['if=/dev/zero', `of=${folder}/${name}`, 'bs=100', 'count=1'])))
      .code;
  expect(await write('before')).toBe(0);
  disk.fill();
  expect(await write('meanwhile')).not.toBe(0);
  disk.free();
  expect(await write('after')).toBe(0);
  expect(existsSync(join(folder, 'before'))).toBe(false);
  await disk.remove();
});
