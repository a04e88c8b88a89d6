/**
 * The command line that runs `command` inside `root`, with /proc and /dev there.
 *
 * Both are mounted in a mount namespace of the command's own. Nothing stays mounted when it ends, and
 * nobody who removes `root` with rm can reach the devices of the machine through it. Each step replaces
 * the one before, so the pid is the command's own.
 */
export function inChroot(
  root: string,
  command: string,
  args: readonly string[],
): [command: string, args: string[]] {
  const mounts = 'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev"';
  const script = `${mounts} && exec chroot "$@"`;
  return ['unshare', [...PRIVATE_MOUNTS, 'sh', '-c', script, 'sh', root, command, ...args]];
}

/**
 * The same for work that starts many processes: when it is killed, they all die with it and none goes
 * on writing into the folder.
 */
export function asOneFamily(command: string, args: readonly string[]): [command: string, args: string[]] {
  const family = ['--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
  return ['unshare', [...family, ...PRIVATE_MOUNTS, command, ...args]];
}

const PRIVATE_MOUNTS = ['--mount', '--propagation', 'private'];
