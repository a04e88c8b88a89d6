import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type AsteriskInstance, createInstance } from '../../../dev/services/asterisk.ts';
import type { AsteriskRoot } from '../../../dev/services/asterisk-root.ts';
import { freePorts } from '../../../dev/services/ports.ts';

/** An Asterisk that has been given the project's own static configuration by its own installer. */
export interface InstalledAsterisk {
  readonly instance: AsteriskInstance;
  readonly root: AsteriskRoot;
  /** Its configuration as this process sees it, and as Asterisk does. */
  readonly etc: string;
  readonly etcInside: string;
  readonly ports: { readonly sip: number; readonly http: number; readonly ami: number };
  /** What the installer was given. */
  readonly environment: Readonly<Record<string, string>>;
  /** Puts rendered files in place as a pull would, without a pull. */
  place(files: Readonly<Record<string, string>>): void;
  /** What it has logged so far. */
  log(): string;
}

export async function installedAsterisk(
  name: string,
  root: AsteriskRoot = providedRoot(),
): Promise<InstalledAsterisk> {
  const instance = createInstance(root, name);
  const [sip = 0, http = 0, ami = 0, rtp = 0] = await freePorts(4);
  cpSync('asterisk-config', join(instance.outside, 'asterisk-config'), { recursive: true });
  const etcInside = instance.inside;
  const environment = {
    PABX_ETC: etcInside,
    PABX_STATE_DIR: join(instance.inside, 'state'),
    PABX_SERVER_NAME: 'srv1',
    PABX_SIP_BIND: `127.0.0.1:${sip}`,
    PABX_MEDIA_ADDRESS: '127.0.0.1',
    PABX_HTTP_PORT: String(http),
    PABX_AMI_PORT: String(ami),
    PABX_RTP_START: String(rtp),
    PABX_RTP_END: String(rtp + 400),
  };
  const installed: InstalledAsterisk = {
    instance,
    root,
    etc: instance.outside,
    etcInside,
    ports: { sip, http, ami },
    environment,
    place: (files) => place(installed.etc, files),
    log: () => readFileSync(join(instance.outside, 'state/log/messages'), 'utf8'),
  };
  await install(installed);
  return installed;
}

function providedRoot(): AsteriskRoot {
  const root = inject('asterisk');
  if (root.kind === 'missing') throw new Error(root.message);
  return root;
}

/** Runs the installer where Asterisk runs. */
export async function install(
  { instance, environment }: InstalledAsterisk,
  changes: Readonly<Record<string, string>> = {},
): Promise<void> {
  const settings = Object.entries({ ...environment, ...changes }).map(([key, value]) => `${key}=${value}`);
  const script = join(instance.inside, 'asterisk-config/install.sh');
  const { code, stdout, stderr } = await instance.exec('env', [...settings, 'sh', script]);
  if (code !== 0) throw new Error(`install.sh: code ${code}\n${stdout}${stderr}`);
}

function place(etc: string, files: Readonly<Record<string, string>>): void {
  const folder = join(etc, 'revisions/placed');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  rmSync(join(etc, 'current'));
  symlinkSync('revisions/placed', join(etc, 'current'));
}
