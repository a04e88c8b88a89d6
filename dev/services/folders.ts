import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './process.ts';

const OWNED_NAME = /^pabx-.+\.(\d+)\.\w{6}$/;

/**
 * Makes an empty folder that belongs to this process, in `parent` (default: the temporary folder).
 * Whoever makes one also removes those of processes that are gone: one killed by SIGKILL cannot.
 */
export function makeOwnedFolder(name: string, parent: string = tmpdir()): string {
  mkdirSync(parent, { recursive: true });
  removeAbandonedFolders(parent);
  return mkdtempSync(join(parent, `pabx-${name}.${process.pid}.`));
}

/** Removes a folder with everything in it. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

function removeAbandonedFolders(parent: string): void {
  for (const entry of readdirSync(parent)) {
    const owner = OWNED_NAME.exec(entry)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    try {
      removeFolder(join(parent, entry));
    } catch {
      // Another user's, or another process is removing it at this moment: not ours to insist.
    }
  }
}
