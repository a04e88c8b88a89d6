import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { WaitTimeoutError } from './errors.ts';

/**
 * Runs `body` while holding a lock between processes. The lock is the kernel's (flock), held by a child
 * that ends when its standard input closes: however this process dies, the lock is free again.
 */
export async function withFileLock<T>(
  path: string,
  options: { timeout_ms: number; what: string },
  body: () => Promise<T>,
): Promise<T> {
  const seconds = String(Math.ceil(options.timeout_ms / 1000));
  const hold = ['sh', '-c', 'echo locked; exec cat >/dev/null'];
  const holder = spawn('flock', ['--timeout', seconds, path, ...hold], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C must not release the lock while `body` is still cleaning up.
    detached: true,
  });
  const ended = once(holder, 'close');
  const locked = await Promise.race([once(holder.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!locked) throw new WaitTimeoutError(`the lock ${path} (${options.what})`, options.timeout_ms);
  try {
    return await body();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
