import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureDebianPackages } from './apt.ts';
import { findProgram } from './command.ts';
import { freePort } from './ports.ts';
import { type ProcessEnd, type ProcessHandle, startProcess } from './process.ts';

export interface SippOptions {
  /** Its files are called after it: one name, one SIPp at a time in a folder. */
  name: string;
  /** One of SIPp's own (`uac`, `uas`, …) or a file. */
  scenario: { builtin: string } | { file: string };
  /** All the rest: remote address, -i, -p, -m, -r, … */
  args?: readonly string[];
  /** Where its files go. */
  dir: string;
  /** Also log every SIP message; slow under load. */
  traceMessages?: boolean;
}

export interface RunningSipp {
  readonly pid: number;
  /** Code 0: all calls went well; 1: at least one failed; 99: it ended without calls; 255: fatal error. */
  readonly exited: Promise<ProcessEnd>;
  readonly files: SippFiles;
  running(): boolean;
  /**
   * No new calls; `timeout_ms` (default 1000) for those in progress, then they are aborted. One that
   * answers calls needs all of it: it remembers a finished call for half a minute.
   */
  stop(options?: { timeout_ms?: number }): Promise<ProcessEnd>;
  /** What went wrong, in its own words: unexpected messages, then what it printed. */
  errors(): string;
}

/** A file exists once SIPp had something to put in it. */
export interface SippFiles {
  /** `;`-separated statistics, a line each second. */
  stats: string;
  /** Unexpected messages. */
  errors: string;
  /** What the scenario's `<log>` actions wrote. */
  log: string;
  /** Every message, with `traceMessages`. */
  messages: string;
  /** What SIPp printed on standard error. */
  output: string;
}

/** The path of SIPp: on the PATH → Debian's package sip-tester. */
export async function ensureSipp(): Promise<string> {
  const found = await findProgram('sipp');
  if (found !== null) return found;
  await ensureDebianPackages(['sip-tester'], 'SIPp');
  return 'sipp';
}

/** Starts a SIPp that paints no screen and ends when this process does. */
export async function startSipp(options: SippOptions): Promise<RunningSipp> {
  const command = await ensureSipp();
  const dir = resolve(options.dir);
  mkdirSync(dir, { recursive: true });
  const files = filesOf(dir, options.name);
  const process = startProcess({
    name: `SIPp ${options.name}`,
    command,
    args: [...scenarioArgs(options.scenario), ...(await ownArgs(options, files)), ...(options.args ?? [])],
    cwd: dir,
    logFile: files.output,
    stdout: 'discard',
  });
  return {
    pid: process.pid,
    exited: process.exited,
    files,
    running: process.running,
    stop: (limits) => stop(process, limits?.timeout_ms ?? 1000),
    errors: () => [files.errors, files.output].map(readIfThere).join('\n').trim(),
  };
}

function scenarioArgs(scenario: SippOptions['scenario']): string[] {
  return 'builtin' in scenario ? ['-sn', scenario.builtin] : ['-sf', resolve(scenario.file)];
}

async function ownArgs(options: SippOptions, files: SippFiles): Promise<string[]> {
  const messages = options.traceMessages ? ['-trace_msg', '-message_file', files.messages] : [];
  return [
    ['-nostdin'],
    // Its remote control takes commands from anybody who can send it a packet.
    ['-ci', '127.0.0.1', '-cp', String(await freePort())],
    ['-trace_err', '-error_file', files.errors],
    ['-trace_logs', '-log_file', files.log],
    ['-trace_stat', '-stf', files.stats, '-fd', '1'],
    messages,
  ].flat();
}

/** SIGUSR1 means 'no new calls'. On SIGTERM it aborts those in progress, and still writes its statistics. */
async function stop(process: ProcessHandle, timeout_ms: number): Promise<ProcessEnd> {
  process.kill('SIGUSR1');
  const timer = setTimeout(() => process.stop({ timeout_ms: 2000 }), timeout_ms);
  const end = await process.exited;
  clearTimeout(timer);
  return end;
}

function filesOf(dir: string, name: string): SippFiles {
  const at = (suffix: string) => join(dir, `${name}${suffix}`);
  return {
    stats: at('-stats.csv'),
    errors: at('-errors.log'),
    log: at('-log.log'),
    messages: at('-messages.log'),
    output: at('-output.log'),
  };
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
