import { spawn } from 'node:child_process';
import { CommandFailedError } from './errors.ts';
import { guarded, MINIMAL_ENV } from './process.ts';

export interface CommandOptions {
  /** `inherit`: this process's own, for what must know the machine's proxy or PATH. Default: `minimal`. */
  env?: 'minimal' | 'inherit';
  uid?: number;
  gid?: number;
  /** After this it is killed and counts as failed. Default: no limit. */
  timeout_ms?: number;
  /** `finish` lets it go on when this process dies, for what must not be cut in two. Default: `die`. */
  onParentDeath?: 'die' | 'finish';
}

export interface CommandResult {
  /** `null` when a signal ended it, 127 when there is no such command. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end, whatever that is. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const tied = options.onParentDeath !== 'finish';
  const [file, list] = tied ? guarded(command, args, options) : [command, [...args]];
  return new Promise((resolve) => {
    const child = spawn(file, list, {
      ...(options.env === 'inherit' ? {} : { env: { ...MINIMAL_ENV } }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !tied,
      killSignal: 'SIGKILL',
      ...(options.timeout_ms === undefined ? {} : { timeout: options.timeout_ms }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (error) => resolve({ code: 127, stdout: '', stderr: error.message }));
    child.on('close', (code) => resolve({ code, stdout: textOf(out), stderr: textOf(err) }));
  });
}

/** Runs a command that must succeed and returns its standard output; throws CommandFailedError. */
export async function runOrThrow(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, options);
  if (code === 0) return stdout;
  const outcome = code === null ? 'was killed' : `ended with code ${code}`;
  throw new CommandFailedError(command, outcome, `${stdout}\n${stderr}`);
}

/** Where a program lies on the PATH of this process or among the system's programs, or null. */
export async function findProgram(name: string): Promise<string | null> {
  const look = 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; command -v -- "$1"';
  const { code, stdout } = await runCommand('sh', ['-c', look, 'sh', name], { env: 'inherit' });
  return code === 0 ? stdout.trim() : null;
}

function textOf(chunks: Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
