import { hashToken, newToken } from '../stores/postgres/api-keys.ts';
import type { Db } from '../stores/postgres/connect.ts';

export interface NewServer {
  /** Lower-case letters and digits, at most 16; part of every call's id. */
  readonly name: string;
  readonly ari_url: string;
  readonly ami_host: string;
  readonly ami_port: number;
}

/** Registers an Asterisk server. Its token, by which it pulls its configuration, is shown here and never again. */
export async function addServer(
  db: Db,
  server: NewServer,
): Promise<{ id: string; name: string; token: string }> {
  const token = newToken();
  const { id } = await db
    .insertInto('asterisk_servers')
    .values({ ...server, token_sha256: hashToken(token) })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { id, name: server.name, token };
}
