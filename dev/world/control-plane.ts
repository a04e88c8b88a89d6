import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MINIMAL_ENV, type ProcessHandle, startProcess, waitUntil } from '../services/process.ts';

/** The service as its own process, as it runs in production. */
export interface ControlPlane {
  readonly url: string;
  readonly logFile: string;
  pid(): number;
  running(): boolean;
  /** Starts the process and does not wait for it. */
  launch(): void;
  /** Starts it and waits until it answers. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** SIGKILL: no farewell, nothing written. */
  kill9(): Promise<void>;
  /** SIGSTOP: it does nothing, and knows nothing of it. */
  pause(): void;
  resume(): void;
  /** Everything it has logged, one object a line. */
  log(): Record<string, unknown>[];
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

async function isLive(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/live`)).ok;
  } catch {
    return false;
  }
}

function parseLine(line: string): Record<string, unknown>[] {
  try {
    return [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return [];
  }
}

export function createControlPlane(
  port: number,
  logFile: string,
  settings: Readonly<Record<string, string>>,
): ControlPlane {
  const url = `http://127.0.0.1:${port}`;
  let running: ProcessHandle | null = null;
  const launch = () => {
    running = startProcess({
      name: 'control plane',
      command: process.execPath,
      args: ['src/main.ts'],
      cwd: ROOT,
      env: { ...MINIMAL_ENV, ...settings, PORT: String(port) },
      logFile,
    });
  };
  return {
    url,
    logFile,
    pid() {
      if (!running) throw new Error('the control plane does not run');
      return running.pid;
    },
    running: () => running?.running() ?? false,
    launch,
    async start() {
      launch();
      const dead = () => !running?.running();
      await waitUntil(async () => dead() || (await isLive(url)), {
        timeout_ms: 30_000,
        what: 'the control plane',
      });
      if (dead()) throw new Error(`the control plane ended at its start; see ${logFile}`);
    },
    async stop() {
      await running?.stop();
      running = null;
    },
    async kill9() {
      running?.kill('SIGKILL');
      await running?.exited;
      running = null;
    },
    pause: () => running?.kill('SIGSTOP'),
    resume: () => running?.kill('SIGCONT'),
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8').split('\n').flatMap(parseLine) : []),
  };
}
