import { announce } from './announce.ts';
import { runCommand } from './command.ts';
import { lastLines, MissingServiceError } from './errors.ts';

let listsUpdated = false;

/**
 * Installs the Debian packages that are not installed yet.
 *
 * Nothing is started by it: no service, no default Postgres cluster. Throws MissingServiceError, naming
 * `service` and the `otherwise` way out, where that is impossible.
 */
export async function ensureDebianPackages(
  packages: readonly string[],
  service: string,
  otherwise = '',
): Promise<void> {
  const missing: string[] = [];
  for (const name of packages) if (!(await isInstalled(name))) missing.push(name);
  if (missing.length === 0) return;
  const list = missing.join(' ');
  const remedy = `Install the Debian package${missing.length > 1 ? 's' : ''} ${list}. ${otherwise}`.trimEnd();
  if (process.getuid?.() !== 0) throw new MissingServiceError(service, 'only root can install it', remedy);
  announce(`installing ${list} (for ${service})`);
  const result = await install(missing);
  if (result.code === 0) return;
  if (result.code === 127) throw new MissingServiceError(service, 'this machine has no apt-get', remedy);
  const reason = `apt-get failed:\n${lastLines(result.stdout + result.stderr, 8)}\n`;
  throw new MissingServiceError(service, reason, remedy);
}

async function isInstalled(name: string): Promise<boolean> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the braces are dpkg-query's
  const { code, stdout } = await runCommand('dpkg-query', ['-W', '-f', '${db:Status-Status}', name]);
  return code === 0 && stdout === 'installed';
}

async function install(packages: readonly string[]) {
  const update = listsUpdated ? '' : 'update';
  const result = await runCommand('sh', ['-c', INSTALL, 'sh', update, ...packages], {
    env: 'inherit',
    // Cut in the middle, dpkg leaves a machine that somebody must repair by hand.
    onParentDeath: 'finish',
  });
  listsUpdated = true;
  return result;
}

/**
 * One script, because it must tidy up even when the Node that started it is gone. A policy-rc.d that
 * carries our mark was left by a power cut and is taken for ours. A failed update is not the end:
 * one unreachable third-party source is enough for it, and the packages may be known all the same.
 */
const INSTALL = `
export PATH="$PATH:/usr/sbin:/sbin" DEBIAN_FRONTEND=noninteractive
command -v apt-get >/dev/null || exit 127
policy=/usr/sbin/policy-rc.d
mark='# temporary, of the pabx set-up'
cluster_dir=/etc/postgresql-common/createcluster.d
cluster_file=$cluster_dir/pabx-setup.conf
exec 9>/run/lock/pabx-apt.lock && flock 9
tidy() {
  if grep -qsF "$mark" "$policy"; then rm -f "$policy"; fi
  rm -f "$cluster_file"
}
trap tidy EXIT
[ -e "$policy" ] || { printf '#!/bin/sh\\n%s\\nexit 101\\n' "$mark" >"$policy" && chmod 755 "$policy"; }
case " $* " in *' postgresql'*)
  mkdir -p "$cluster_dir" && echo 'create_main_cluster = false' >"$cluster_file" ;;
esac
if [ "$1" = update ]; then apt-get update -qq -o DPkg::Lock::Timeout=300; fi
shift
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
`;
