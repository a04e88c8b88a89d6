import { sql } from 'kysely';
import { hashToken } from './api-keys.ts';
import type { Db } from './connect.ts';
import { readGroups } from './group-facts.ts';

export interface ServerRow {
  readonly id: string;
  readonly name: string;
  readonly ari_url: string;
  readonly ami_host: string;
  readonly ami_port: number;
}

export function listServers(db: Db): Promise<ServerRow[]> {
  return db
    .selectFrom('asterisk_servers')
    .select(['id', 'name', 'ari_url', 'ami_host', 'ami_port'])
    .orderBy('name')
    .execute();
}

/** The server that this provisioning token belongs to; null for any other token. */
export async function findServerByToken(db: Db, token: string): Promise<{ id: string; name: string } | null> {
  const row = await db
    .selectFrom('asterisk_servers')
    .select(['id', 'name'])
    .where('token_sha256', '=', hashToken(token))
    .executeTakeFirst();
  return row ?? null;
}

/** What the configuration of a server is rendered from. */
export async function readConfiguration(db: Db, server_id: string) {
  const lines = await db
    .selectFrom('lines as l')
    .innerJoin('subscribers as s', 's.id', 'l.subscriber_id')
    .select(['l.sip_username', 'l.sip_ha1', 'l.subscriber_id', 'l.extension', 'l.name'])
    // A suspended line stays on its switch: it may call emergency numbers.
    .select(sql<boolean>`l.status <> 'INACTIVE' and s.status <> 'INACTIVE'`.as('active'))
    .where('s.server_id', '=', server_id)
    .execute();
  const trunks = await db
    .selectFrom('trunks')
    .select(['code', 'host', 'port'])
    .where('server_id', '=', server_id)
    .where('status', '=', 'ACTIVE')
    .orderBy('priority')
    .orderBy('code')
    .execute();
  const numbers = await db
    .selectFrom('dids as d')
    .innerJoin('lines as l', 'l.id', 'd.target_line_id')
    .innerJoin('subscribers as s', 's.id', 'l.subscriber_id')
    .innerJoin('resellers as r', 'r.id', 's.reseller_id')
    .select(['d.number', 'l.sip_username'])
    .where('s.server_id', '=', server_id)
    .where('d.status', '=', 'ACTIVE')
    .where('l.status', '=', 'ACTIVE')
    .where('s.status', '=', 'ACTIVE')
    .where('r.status', '=', 'ACTIVE')
    .execute();
  const forwards = await db
    .selectFrom('lines as l')
    .innerJoin('subscribers as s', 's.id', 'l.subscriber_id')
    .select(['l.sip_username', 'l.forward_always as always', 'l.forward_busy as busy'])
    .select(['l.forward_no_answer as no_answer', 'l.forward_no_answer_seconds as no_answer_seconds'])
    .select('l.forward_offline as offline')
    .where('s.server_id', '=', server_id)
    .where(
      sql<boolean>`coalesce(forward_always, forward_busy, forward_no_answer, forward_offline) is not null`,
    )
    .execute();
  return { lines, trunks, numbers, forwards, groups: await readGroups(db, server_id) };
}

export interface NewRevision {
  readonly server_id: string;
  readonly hash: string;
  readonly manifest: string;
  readonly files: Readonly<Record<string, string>>;
}

export async function saveRevision(db: Db, { files, ...revision }: NewRevision): Promise<void> {
  await db
    .insertInto('revisions')
    .values({ ...revision, files: JSON.stringify(files) })
    .onConflict((c) => c.doNothing())
    .execute();
}

/** One file of a revision of this very server; null when it has no such revision or file. */
export async function readRevisionFile(
  db: Db,
  server_id: string,
  hash: string,
  name: string,
): Promise<string | null> {
  const row = await db
    .selectFrom('revisions')
    .select(sql<string | null>`files ->> ${name}`.as('content'))
    .where('server_id', '=', server_id)
    .where('hash', '=', hash)
    .executeTakeFirst();
  return row?.content ?? null;
}

/** What a server runs by its own word; `error` null means that it took the revision over. */
export async function acknowledgeRevision(
  db: Db,
  server_id: string,
  hash: string,
  error: string | null,
): Promise<void> {
  await db
    .updateTable('asterisk_servers')
    .set({
      acknowledged_at: new Date(),
      acknowledged_error: error,
      ...(error === null ? { acknowledged_revision: hash } : {}),
    })
    .where('id', '=', server_id)
    .execute();
}
