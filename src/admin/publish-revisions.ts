import { accessOf } from '../asterisk/access.ts';
import { renderServer } from '../asterisk/render/server.ts';
import { revisionOf } from '../asterisk/revision.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { listServers, readConfiguration, saveRevision } from '../stores/postgres/servers.ts';

export interface Published {
  readonly hash: string;
  readonly manifest: string;
}

export interface Publisher {
  /** Renders what changed. Calls that come close together are worked off as one. */
  publish(): void;
  /** The newest revision of a server, or null while there is none. */
  latest(server_id: string): Published | null;
  /** Resolves when the newest revision is another than `hash`, or after `wait_ms` with what is there. */
  changed(server_id: string, hash: string | null, wait_ms: number): Promise<Published | null>;
  close(): void;
}

interface PublisherDependencies {
  readonly db: Db;
  readonly secret: string;
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void };
}

const COALESCE_ms = 100;
const RETRY_ms = 2_000;

/** Keeps a rendered, content-hashed configuration of every server at hand and wakes those that wait for it. */
export function createPublisher({ db, secret, log }: PublisherDependencies): Publisher {
  const newest = new Map<string, Published>();
  const waiters = new Set<() => void>();
  let timer: NodeJS.Timeout | null = null;
  let rendering = false;
  let again = false;
  let closed = false;

  async function renderOne(server: { id: string; name: string }): Promise<void> {
    const access = accessOf(secret, server.id);
    const { lines, trunks, numbers, forwards, groups } = await readConfiguration(db, server.id);
    const { files, problems } = renderServer({
      server: { name: server.name },
      ari: { user: access.user, password: access.ari_password },
      ami: { user: access.user, password: access.ami_password },
      lines,
      trunks,
      numbers,
      forwards,
      groups,
    });
    const { hash, manifest } = revisionOf(files);
    if (newest.get(server.id)?.hash === hash) return;
    for (const problem of problems)
      log.warn({ server: server.name, problem }, 'a row was left out of a configuration');
    await saveRevision(db, { server_id: server.id, hash, manifest, files });
    newest.set(server.id, { hash, manifest });
    log.info({ server: server.name, revision: hash.slice(0, 12) }, 'new configuration');
  }

  async function renderAll(): Promise<void> {
    timer = null;
    if (rendering) {
      again = true;
      return;
    }
    rendering = true;
    try {
      for (const server of await listServers(db)) await renderOne(server);
    } catch (error) {
      log.warn({ err: error }, 'configurations cannot be rendered now');
      if (!closed) timer ??= setTimeout(renderAll, RETRY_ms);
    } finally {
      rendering = false;
    }
    for (const wake of [...waiters]) wake();
    if (again && !closed) {
      again = false;
      timer ??= setTimeout(renderAll, COALESCE_ms);
    }
  }

  const latest = (server_id: string) => newest.get(server_id) ?? null;

  return {
    latest,
    publish() {
      if (!closed) timer ??= setTimeout(renderAll, COALESCE_ms);
    },
    changed(server_id, hash, wait_ms) {
      return new Promise((resolve) => {
        const finish = () => {
          clearTimeout(limit);
          waiters.delete(check);
          resolve(latest(server_id));
        };
        const check = () => {
          const current = latest(server_id);
          if (closed || (current && current.hash !== hash)) finish();
        };
        const limit = setTimeout(finish, wait_ms);
        waiters.add(check);
        check();
      });
    },
    close() {
      closed = true;
      if (timer) clearTimeout(timer);
      for (const wake of [...waiters]) wake();
    },
  };
}
