import { chmodSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { announce } from '../services/announce.ts';
import { type AsteriskInstance, createInstance, type RunningAsterisk } from '../services/asterisk.ts';
import type { AsteriskRoot } from '../services/asterisk-root.ts';
import { inChroot } from '../services/chroot.ts';
import { messageOf, ServiceFailedError } from '../services/errors.ts';
import { type ProcessHandle, startProcess } from '../services/process.ts';
import { createSmallDisk, type SmallDisk } from './small-disk.ts';

export interface SwitchPorts {
  readonly sip: number;
  readonly http: number;
  readonly ami: number;
  /** First of `RTP_PORTS` ports, even. */
  readonly rtp: number;
}

export const RTP_PORTS = 800;

/** One Asterisk server that joined the control plane as asterisk-config/README.md says. */
export interface PabxSwitch {
  readonly instance: AsteriskInstance;
  readonly ports: SwitchPorts;
  /** Where it keeps its journal, if that is on a disk of its own. */
  readonly disk: SmallDisk | null;
  asterisk(): RunningAsterisk;
  /** Starts Asterisk (again), and the script that pulls its configuration. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const CONFIG = fileURLToPath(new URL('../../asterisk-config/', import.meta.url));

interface SwitchOptions {
  readonly root: AsteriskRoot;
  readonly name: string;
  readonly controlUrl: string;
  readonly token: string;
  readonly ports: SwitchPorts;
  /** Gives it a disk of its own for its journal. */
  readonly ownDisk?: boolean;
}

function environment(options: SwitchOptions, inside: string): string[] {
  const { name, ports, controlUrl } = options;
  const values = {
    // Where dev/services looks for asterisk.conf.
    PABX_ETC: inside,
    PABX_STATE_DIR: `${inside}/state`,
    PABX_SERVER_NAME: name,
    PABX_SIP_BIND: `127.0.0.1:${ports.sip}`,
    PABX_MEDIA_ADDRESS: '127.0.0.1',
    PABX_HTTP_PORT: ports.http,
    PABX_AMI_PORT: ports.ami,
    PABX_RTP_START: ports.rtp,
    PABX_RTP_END: ports.rtp + RTP_PORTS - 1,
    PABX_URL: controlUrl,
    PABX_TOKEN_FILE: `${inside}/token`,
  };
  return Object.entries(values).map(([key, value]) => `${key}=${value}`);
}

/** null where this user may not mount. */
async function tryDisk(folder: string): Promise<SmallDisk | null> {
  try {
    return await createSmallDisk(folder);
  } catch (error) {
    announce(`the switch gets no disk of its own, which could be filled: ${messageOf(error)}`);
    return null;
  }
}

/** Installs the static configuration, and pulls the first revision from the running control plane. */
export async function createSwitch(options: SwitchOptions): Promise<PabxSwitch> {
  const { root, token } = options;
  let disk: SmallDisk | null = null;
  const instance = createInstance(root, options.name, {
    within: (command, args) => (disk ? disk.within(command, args) : [command, [...args]]),
  });
  const { inside, outside } = instance;
  if (options.ownDisk) disk = await tryDisk(join(outside, 'state', 'lib'));
  cpSync(CONFIG, join(outside, 'config'), { recursive: true });
  writeFileSync(join(outside, 'token'), token, { mode: 0o600 });
  chmodSync(outside, 0o755);
  const env = environment(options, inside);
  const script = async (name: string, ...args: string[]) => {
    const { code, stdout, stderr } = await instance.exec('env', [
      ...env,
      'sh',
      `${inside}/config/${name}`,
      ...args,
    ]);
    if (code !== 0) throw new ServiceFailedError(`${name} failed: ${stdout}${stderr}`);
  };
  await script('install.sh');
  await script('pull.sh', '--once');

  let asterisk: RunningAsterisk | null = null;
  let puller: ProcessHandle | null = null;
  const startPuller = () => {
    const args = [...env, 'sh', `${inside}/config/pull.sh`];
    const [command, rest] = root.kind === 'chroot' ? inChroot(root.root, 'env', args) : ['env', args];
    return startProcess({ name: 'pull.sh', command, args: rest, logFile: join(outside, 'pull.log') });
  };
  return {
    instance,
    ports: options.ports,
    disk,
    asterisk() {
      if (!asterisk) throw new Error('Asterisk does not run');
      return asterisk;
    },
    async start() {
      asterisk = await instance.start({ timeout_ms: 60_000 });
      puller ??= startPuller();
    },
    async stop() {
      await puller?.stop({ timeout_ms: 3_000 });
      await asterisk?.stop();
      await disk?.remove();
      instance.remove();
    },
  };
}
