import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type AsteriskRoot, INSTANCES_INSIDE } from './asterisk-root.ts';
import { inChroot } from './chroot.ts';
import { type CommandResult, runCommand } from './command.ts';
import { CommandFailedError, MissingServiceError } from './errors.ts';
import { makeOwnedFolder, removeFolder } from './folders.ts';
import { type ProcessEnd, startProcess, waitUntilReady } from './process.ts';

/** One Asterisk with its own folder. The caller writes `asterisk.conf` and the rest into `outside`. */
export interface AsteriskInstance {
  /** Its folder as this process sees it. */
  readonly outside: string;
  /** The same folder as Asterisk sees it: what configuration files must say. */
  readonly inside: string;
  /** For `astmoddir`, as Asterisk sees it. */
  readonly modulesDir: string;
  /** For `astdatadir`, as Asterisk sees it: the sounds are below it. */
  readonly dataDir: string;
  /** Runs a command where Asterisk runs, to its end. */
  exec(command: string, args: readonly string[], options?: { timeout_ms?: number }): Promise<CommandResult>;
  /** Starts Asterisk and waits until it has fully booted (`timeout_ms`: default 60,000). */
  start(options?: { timeout_ms?: number }): Promise<RunningAsterisk>;
  /** Removes its folder. Stop Asterisk first. */
  remove(): void;
}

export interface RunningAsterisk {
  /** Of the Asterisk process itself: /proc/<pid>/stat has its CPU time. */
  readonly pid: number;
  readonly exited: Promise<ProcessEnd>;
  running(): boolean;
  /** One CLI command's answer; throws CommandFailedError when Asterisk is not there to answer. */
  rx(command: string, options?: { timeout_ms?: number }): Promise<string>;
  /** Ends it at once but in order, calls included. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would; the folder stays as it is and `start` works again. */
  kill9(): Promise<void>;
}

/** A command line as something that is put around it makes it. */
type Wrapped = (command: string, args: readonly string[]) => [command: string, args: string[]];

const unwrapped: Wrapped = (command, args) => [command, [...args]];

/**
 * Makes a folder for one Asterisk. By default it is this process's own, whatever else is called `name`,
 * and is removed some time after this process has gone; with `keep` it is the same one every time.
 * All that runs there, Asterisk too, is started as `within` makes its command line.
 */
export function createInstance(
  root: AsteriskRoot,
  name: string,
  options: { keep?: boolean; within?: Wrapped } = {},
): AsteriskInstance {
  const { within = unwrapped } = options;
  const at: Wrapped = (command, args) => within(...commandAt(root, command, args));
  const outside = options.keep ? join(root.instances, name) : makeOwnedFolder(name, root.instances);
  mkdirSync(outside, { recursive: true });
  const inside = root.kind === 'host' ? outside : join(INSTANCES_INSIDE, basename(outside));
  const exec: AsteriskInstance['exec'] = (command, args, limits) => runCommand(...at(command, args), limits);
  return {
    outside,
    inside,
    ...installedFolders(root),
    exec,
    start: (limits = {}) => start(at, outside, inside, exec, limits.timeout_ms ?? 60_000),
    remove: () => removeFolder(outside),
  };
}

async function start(
  at: Wrapped,
  outside: string,
  inside: string,
  exec: AsteriskInstance['exec'],
  timeout_ms: number,
): Promise<RunningAsterisk> {
  const settings = join(inside, 'asterisk.conf');
  const [command, args] = at('asterisk', ['-f', '-C', settings]);
  const server = startProcess({ name: 'Asterisk', command, args, logFile: join(outside, 'asterisk.out') });
  const rx: RunningAsterisk['rx'] = async (line, limits = {}) => {
    const options = { timeout_ms: limits.timeout_ms ?? 15_000 };
    const { code, stdout, stderr } = await exec('asterisk', ['-C', settings, '-rx', line], options);
    // It also ends with code 0 when it gave up waiting for an answer.
    const gone = /^Unable to connect to remote asterisk/m.test(stdout + stderr);
    if (code !== 0 || gone)
      throw new CommandFailedError(`asterisk -rx '${line}'`, 'no answer', stdout + stderr);
    return stdout.trimEnd();
  };
  await waitUntilReady(server, () => hasBooted(rx, timeout_ms), timeout_ms);
  return {
    pid: server.pid,
    exited: server.exited,
    running: server.running,
    rx,
    stop: async () => {
      await server.stop();
    },
    kill9: async () => {
      server.kill('SIGKILL');
      await server.exited;
    },
  };
}

async function hasBooted(rx: RunningAsterisk['rx'], timeout_ms: number): Promise<boolean> {
  try {
    return /fully booted/i.test(await rx('core waitfullybooted', { timeout_ms }));
  } catch (error) {
    if (error instanceof CommandFailedError) return false;
    throw error;
  }
}

function commandAt(
  root: AsteriskRoot,
  command: string,
  args: readonly string[],
): [command: string, args: string[]] {
  return root.kind === 'chroot' ? inChroot(root.root, command, args) : [command, [...args]];
}

/** Debian keeps modules in a folder named after the processor; a build from source does not. */
function installedFolders(root: AsteriskRoot): { modulesDir: string; dataDir: string } {
  const at = (path: string) => (root.kind === 'chroot' ? join(root.root, path) : path);
  const byProcessor = readdirSync(at('/usr/lib')).map((name) => `/usr/lib/${name}/asterisk/modules`);
  const modules = ['/usr/lib/asterisk/modules', '/usr/lib64/asterisk/modules', ...byProcessor];
  const modulesDir = modules.find((path) => existsSync(at(path)));
  const dataDir = ['/usr/share/asterisk', '/var/lib/asterisk'].find((path) => existsSync(at(path)));
  if (modulesDir !== undefined && dataDir !== undefined) return { modulesDir, dataDir };
  throw new MissingServiceError('Asterisk', 'its modules or its data were not found', 'Install it again.');
}
