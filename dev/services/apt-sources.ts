import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Source {
  uri: string;
  suite: string;
  components: string[];
}

/**
 * The Debian mirror this machine installs from, or null. Another mirror may be out of its reach, or
 * not be wanted by whoever runs it.
 */
export function machineDebianMirror(aptDir = '/etc/apt', osRelease = '/etc/os-release'): string | null {
  const codename = /^VERSION_CODENAME="?(\w+)"?$/m.exec(readIfThere(osRelease))?.[1] ?? 'stable';
  const folder = join(aptDir, 'sources.list.d');
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const sources = parseOneLine(readIfThere(join(aptDir, 'sources.list')));
  for (const name of names) {
    const text = readIfThere(join(folder, name));
    if (name.endsWith('.sources')) sources.push(...parseDeb822(text));
    if (name.endsWith('.list')) sources.push(...parseOneLine(text));
  }
  return pickMirror(sources, codename);
}

/** Third parties, too, use Debian's names of suites; Debian's own archive is nearly always `…/debian`. */
function pickMirror(sources: Source[], codename: string): string | null {
  const suites = [codename, 'stable', 'testing', 'unstable', 'sid'];
  const uris = sources
    .filter(({ suite, components }) => suites.includes(suite) && components.includes('main'))
    .map(({ uri }) => uri)
    .filter((uri) => /^(https?|file):/.test(uri));
  return uris.find((uri) => /\/debian\/?$/.test(uri)) ?? uris[0] ?? null;
}

/** `deb [options] URI SUITE COMPONENT...` */
function parseOneLine(text: string): Source[] {
  return text.split('\n').flatMap((line) => {
    const match = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line.replace(/#.*/, '').trim());
    if (!match) return [];
    const [, uri = '', suite = '', components = ''] = match;
    return [{ uri, suite, components: words(components) }];
  });
}

/** Paragraphs of `Field: values`, where an indented line continues the field before it. */
function parseDeb822(text: string): Source[] {
  const uncommented = text.replace(/^#.*\n?/gm, '');
  return uncommented.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = new Map<string, string[]>();
    for (const line of paragraph.replace(/\n[ \t]+/g, ' ').split('\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) fields.set(line.slice(0, colon).toLowerCase(), words(line.slice(colon + 1)));
    }
    const values = (field: string) => fields.get(field) ?? [];
    if (!values('types').includes('deb') || values('enabled')[0] === 'no') return [];
    const components = values('components');
    return values('uris').flatMap((uri) => values('suites').map((suite) => ({ uri, suite, components })));
  });
}

function words(text: string): string[] {
  return text.trim().split(/\s+/).filter(Boolean);
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
