import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ProcessHandle, startProcess, waitUntilReady } from '../services/process.ts';

/** A folder on a disk of its own, which is full or not. */
export interface SmallDisk {
  /** Puts a command into the mount namespace that has the disk. */
  within(command: string, args: readonly string[]): [command: string, args: string[]];
  fill(): void;
  free(): void;
  remove(): Promise<void>;
}

const SIZE = '4m';
const BLOCK = Buffer.alloc(4096, 1);

function writeUntilFull(path: string): void {
  const file = openSync(path, 'w');
  try {
    // Whole blocks first, and then byte by byte what is left of the last one.
    for (const part of [BLOCK, BLOCK.subarray(0, 1)]) while (writeSync(file, part) === part.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

/**
 * Mounts a small file system on `folder`, for those that run within it alone: nothing stays mounted on the machine. Only
 * root can.
 */
export async function createSmallDisk(folder: string): Promise<SmallDisk> {
  mkdirSync(folder, { recursive: true });
  const mount = `mount -t tmpfs -o size=${SIZE} tmpfs "$1" && touch "$1/.mounted" && exec sleep infinity`;
  const holder: ProcessHandle = startProcess({
    name: 'the small disk',
    command: 'unshare',
    args: ['--mount', '--propagation', 'private', 'sh', '-c', mount, 'sh', folder],
    logFile: join(dirname(folder), 'disk.log'),
  });
  // As its holder sees it.
  const inside = (name: string) => join(`/proc/${holder.pid}/root`, folder, name);
  const isThere = async () => {
    try {
      closeSync(openSync(inside('.mounted'), 'r'));
      return true;
    } catch {
      return false;
    }
  };
  await waitUntilReady(holder, isThere, 5_000);
  const filler = inside('filler');
  return {
    within: (command, args) => ['nsenter', [`--mount=/proc/${holder.pid}/ns/mnt`, '--', command, ...args]],
    fill: () => writeUntilFull(filler),
    free: () => rmSync(filler, { force: true }),
    async remove() {
      await holder.stop();
    },
  };
}
