import { createHash } from 'node:crypto';

export interface Revision {
  /** SHA-256 of the manifest: names the content of all files. */
  readonly hash: string;
  /** As `sha256sum` prints it, sorted by name, so that a server checks it with what it has. */
  readonly manifest: string;
}

/** What names a set of rendered files, and what proves each of them. */
export function revisionOf(files: Readonly<Record<string, string>>): Revision {
  const names = Object.keys(files).sort();
  const manifest = names.map((name) => `${sha256(files[name] ?? '')}  ${name}\n`).join('');
  return { hash: sha256(manifest), manifest };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
