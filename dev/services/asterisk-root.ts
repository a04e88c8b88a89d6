import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { announce } from './announce.ts';
import { ensureDebianPackages } from './apt.ts';
import { machineDebianMirror } from './apt-sources.ts';
import { asOneFamily, inChroot } from './chroot.ts';
import { findProgram, runCommand, runOrThrow } from './command.ts';
import { MissingServiceError, messageOf } from './errors.ts';
import { withFileLock } from './lock.ts';

/** Where Asterisk runs. `instances` is the folder, seen from outside, of the instances' own folders. */
export type AsteriskRoot =
  | { kind: 'host'; instances: string }
  | { kind: 'chroot'; root: string; instances: string };

export interface AsteriskRootOptions {
  /** Where a built chroot is kept; may be shared by checkouts and by processes. */
  cacheDir: string;
  /** A chroot with Asterisk in it that was built elsewhere; nothing is looked for or built then. */
  existingChroot?: string;
}

const SERVICE = 'Asterisk';
const OLDEST_MAJOR = 20;
const BUILD_PACKAGES = ['asterisk', 'asterisk-core-sounds-en-gsm', 'curl', 'ca-certificates'];
const REMEDY = 'Put an Asterisk 20 or later on the PATH.';
/** Where the instances' folders lie inside a chroot. */
export const INSTANCES_INSIDE = '/srv/pabx';

/** Finds Asterisk or builds it: on the PATH → the cached chroot → a Debian sid chroot made now (2 min). */
export async function ensureAsteriskRoot(options: AsteriskRootOptions): Promise<AsteriskRoot> {
  if (options.existingChroot !== undefined) return useChroot(resolve(options.existingChroot));
  if (await suitsOnHost()) return { kind: 'host', instances: join(tmpdir(), 'pabx-asterisk') };
  const root = join(resolve(options.cacheDir), 'asterisk-sid');
  if (!hasAsterisk(root)) await buildUnderLock(root);
  return useChroot(root);
}

/** The major version in what `asterisk -V` says, or null. */
export function majorVersion(output: string): number | null {
  const major = /^Asterisk (?:\D*)(\d+)\./m.exec(output)?.[1];
  return major === undefined ? null : Number(major);
}

async function suitsOnHost(): Promise<boolean> {
  const program = await findProgram('asterisk');
  if (program === null) return false;
  return (majorVersion((await runCommand(program, ['-V'])).stdout) ?? 0) >= OLDEST_MAJOR;
}

function hasAsterisk(root: string): boolean {
  return existsSync(join(root, 'usr/sbin/asterisk'));
}

async function useChroot(root: string): Promise<AsteriskRoot> {
  if (!hasAsterisk(root)) throw new MissingServiceError(SERVICE, `there is none in ${root}`, REMEDY);
  if (process.getuid?.() !== 0) throw new MissingServiceError(SERVICE, 'only root can chroot', REMEDY);
  prepareNames(root);
  const { code, stdout, stderr } = await runCommand(...inChroot(root, 'asterisk', ['-V']));
  if (code === 0 && (majorVersion(stdout) ?? 0) >= OLDEST_MAJOR) {
    return { kind: 'chroot', root, instances: join(root, INSTANCES_INSIDE) };
  }
  throw new MissingServiceError(SERVICE, `the one in ${root} does not run: ${stdout}${stderr}`, REMEDY);
}

/** Without its host name in the hosts file Asterisk waits for a name server at each call. */
function prepareNames(root: string): void {
  writeIfChanged(join(root, 'etc/hosts'), `127.0.0.1 localhost ${hostname()}\n`);
  const resolver = '/etc/resolv.conf';
  if (existsSync(resolver)) writeIfChanged(join(root, resolver), readFileSync(resolver, 'utf8'));
}

function writeIfChanged(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  writeFileSync(path, text);
}

async function buildUnderLock(root: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new MissingServiceError(SERVICE, 'only root can build a chroot for it', REMEDY);
  }
  const folder = resolve(root, '..');
  mkdirSync(folder, { recursive: true });
  const lock = { timeout_ms: 900_000, what: 'another process builds the Asterisk chroot' };
  await withFileLock(`${root}.lock`, lock, async () => {
    if (hasAsterisk(root)) return;
    try {
      await removeLeftovers(folder);
      await build(root);
    } catch (error) {
      await removeLeftovers(folder);
      if (error instanceof MissingServiceError) throw error;
      throw new MissingServiceError(SERVICE, `its chroot could not be built:\n${messageOf(error)}\n`, REMEDY);
    }
  });
}

/** Builds beside its place and renames at the end: what is in its place is whole. */
async function build(root: string): Promise<void> {
  const unfinished = `${root}.building-${process.pid}`;
  await ensureDebianPackages(['debootstrap'], SERVICE, REMEDY);
  announce('building a Debian sid chroot for Asterisk 22 (once, about 2 minutes, 450 MB)');
  await debootstrap(unfinished);
  announce('installing Asterisk in it');
  // Its packages must not start anything.
  writeFileSync(join(unfinished, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  prepareNames(unfinished);
  await aptGetInside(unfinished, ['update', '-qq']);
  await aptGetInside(unfinished, ['install', '-y', '-qq', '--no-install-recommends', ...BUILD_PACKAGES]);
  await aptGetInside(unfinished, ['clean']);
  // Only an empty or broken folder can be in its place, put there by hand.
  if (existsSync(root)) await removeTree(root);
  renameSync(unfinished, root);
}

async function debootstrap(target: string): Promise<void> {
  const mirror = machineDebianMirror();
  const args = ['--variant=minbase', 'sid', target, ...(mirror === null ? [] : [mirror])];
  const program = (await findProgram('debootstrap')) ?? '/usr/sbin/debootstrap';
  await runOrThrow(...asOneFamily(program, args), { env: 'inherit' });
}

async function aptGetInside(root: string, args: readonly string[]): Promise<void> {
  // Some mirrors are frozen copies whose lists say they have expired. Signatures are still checked.
  const frozen = ['-o', 'Acquire::Check-Valid-Until=false'];
  const settings = ['DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C'];
  const inside = inChroot(root, 'env', [...settings, 'apt-get', ...frozen, ...args]);
  await runOrThrow(...asOneFamily(...inside), { env: 'inherit' });
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    if (name.startsWith('asterisk-sid.building-')) await removeTree(join(folder, name));
  }
}

/** Refuses where something is mounted: through a mounted /dev, rm would remove the machine's devices. */
async function removeTree(path: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const mounted = mounts.map((line) => line.split(' ')[1] ?? '').find((at) => at.startsWith(`${path}/`));
  if (mounted !== undefined) {
    throw new MissingServiceError(SERVICE, `${mounted} is mounted in a folder that must go`, `umount it.`);
  }
  await runOrThrow('rm', ['-rf', '--one-file-system', '--', path]);
}
