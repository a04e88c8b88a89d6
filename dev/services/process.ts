import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines, MissingServiceError, ServiceFailedError, WaitTimeoutError } from './errors.ts';

/** What to start, and as whom. */
export interface ProcessSpec {
  /** How messages call it. */
  name: string;
  command: string;
  args?: readonly string[];
  /** The whole environment of the child, not an addition. Default: a minimal one. */
  env?: Record<string, string>;
  cwd?: string;
  /** Standard output and error are appended here. */
  logFile: string;
  /** `discard` keeps only standard error, for programs that paint a screen. Default: `log`. */
  stdout?: 'log' | 'discard';
  /** Only root may set these. */
  uid?: number;
  gid?: number;
  /** What `stop` sends first. Default: SIGTERM. */
  stopSignal?: NodeJS.Signals;
}

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ProcessHandle {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Fulfilled when the process has ended, for whatever reason. Never rejected. */
  readonly exited: Promise<ProcessEnd>;
  /** Whether it has not ended yet. */
  running(): boolean;
  /** Asks it to end, waits, and after `timeout_ms` (default 10,000) kills it with all it started. */
  stop(options?: { timeout_ms?: number }): Promise<ProcessEnd>;
  /** Sends one signal and does not wait. */
  kill(signal: NodeJS.Signals): void;
}

/** Enough for Debian's programs, and nothing of the caller's secrets. */
export const MINIMAL_ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
};

const children = new Set<ProcessHandle>();

process.on('exit', () => {
  for (const child of children) killGroup(child.pid);
});

/**
 * Puts a command under a guard: the kernel kills it when the *thread* that started it ends, even by
 * SIGKILL. The identity is changed by the same setpriv, which asks for the death signal last, because
 * a change of identity clears it. The shell closes the gap in which the parent died before that.
 * What the command itself starts is not covered.
 */
export function guarded(
  command: string,
  args: readonly string[],
  identity: { uid?: number; gid?: number } = {},
): [command: string, args: string[]] {
  const { uid, gid } = identity;
  const become =
    uid === undefined ? [] : ['--reuid', String(uid), '--regid', String(gid ?? uid), '--clear-groups'];
  const check = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"';
  const shell = ['sh', '-c', check, 'sh', String(process.pid)];
  return ['setpriv', ['--pdeathsig', 'KILL', ...become, '--', ...shell, command, ...args]];
}

/** Starts a child that cannot outlive this process. Its pid is the command's own. */
export function startProcess(spec: ProcessSpec): ProcessHandle {
  const [command, args] = guarded(spec.command, spec.args ?? [], spec);
  const log = openSync(spec.logFile, 'a');
  const child = spawn(command, args, {
    env: spec.env ?? { ...MINIMAL_ENV },
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    stdio: ['ignore', spec.stdout === 'discard' ? 'ignore' : log, log],
    // Its own process group: Ctrl-C must reach only this process, which then stops things in order.
    detached: true,
  });
  closeSync(log);
  child.on('error', () => {});
  if (child.pid === undefined) {
    throw new MissingServiceError(command, 'it could not be run', 'It is part of Debian: util-linux.');
  }
  const exited = new Promise<ProcessEnd>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const handle = handleOf(spec, child.pid, exited);
  children.add(handle);
  void exited.then(() => children.delete(handle));
  return handle;
}

function handleOf(spec: ProcessSpec, pid: number, exited: Promise<ProcessEnd>): ProcessHandle {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const kill = (signal: NodeJS.Signals) => {
    if (!ended) sendSignal(pid, signal);
  };
  return {
    name: spec.name,
    pid,
    logFile: spec.logFile,
    exited,
    running: () => !ended,
    kill,
    stop: async ({ timeout_ms = 10_000 } = {}) => {
      kill(spec.stopSignal ?? 'SIGTERM');
      const patience = new AbortController();
      const timer = sleep(timeout_ms, undefined, { signal: patience.signal }).catch(() => undefined);
      await Promise.race([exited, timer]);
      patience.abort();
      if (!ended) killGroup(pid);
      return exited;
    },
  };
}

function killGroup(pid: number): void {
  sendSignal(-pid, 'SIGKILL');
}

function sendSignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    // It ended a moment ago and this process has not heard of it yet.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** State letter and parent of a process; null for one that is gone. */
function statusOf(pid: number): { state: string; parent: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may contain anything.
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

/** Whether a process runs. One that ended and was not collected by its parent does not. */
export function isAlive(pid: number): boolean {
  const state = statusOf(pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** A process and everything that it started and that still runs under it. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const status = /^\d+$/.test(name) ? statusOf(Number(name)) : null;
    if (status) parents.set(Number(name), status.parent);
  }
  const belongs = (member: number): boolean =>
    member === pid || (member > 0 && belongs(parents.get(member) ?? 0));
  return [...parents.keys()].filter(belongs);
}

/** Polls until `condition` holds; throws WaitTimeoutError naming `what`. What it throws goes through. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  options: { timeout_ms: number; what: string; interval_ms?: number },
): Promise<void> {
  const deadline_ms = performance.now() + options.timeout_ms;
  while (!(await condition())) {
    if (performance.now() > deadline_ms) throw new WaitTimeoutError(options.what, options.timeout_ms);
    await sleep(options.interval_ms ?? 25);
  }
}

/** Waits until a started process is `ready`; gives up at once when it ends, and stops it if it never is. */
export async function waitUntilReady(
  handle: ProcessHandle,
  ready: () => Promise<boolean>,
  timeout_ms: number,
): Promise<void> {
  const condition = async () => {
    if (!handle.running()) throw await failureOf(handle);
    return ready();
  };
  try {
    await waitUntil(condition, { timeout_ms, what: `${handle.name} to be ready (log: ${handle.logFile})` });
  } catch (error) {
    await handle.stop({ timeout_ms: 1000 });
    throw error;
  }
}

async function failureOf(handle: ProcessHandle): Promise<ServiceFailedError> {
  const { code, signal } = await handle.exited;
  const words = lastLines(readFileSync(handle.logFile, 'utf8'), 15);
  return new ServiceFailedError(`${handle.name} ended at once (${signal ?? `code ${code}`}):\n${words}`);
}
