import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { newSipPassword, SIP_REALM, sipDigest } from './create-line.ts';

export interface NewSipPassword {
  readonly id: string;
  readonly sip_username: string;
  /** Here and nowhere else. */
  readonly sip_password: string;
  readonly sip_realm: string;
  readonly version: number;
}

/** Gives a line a new password; the old one stops working as soon as its switch has the new configuration. */
export async function regenerateLinePassword(tx: Tx, line_id: string): Promise<NewSipPassword> {
  const line = await tx
    .selectFrom('lines')
    .select(['id', 'sip_username'])
    .where('id', '=', line_id)
    .forUpdate()
    .executeTakeFirst();
  if (!line) throw notFound();
  const sip_password = newSipPassword();
  const { version } = await tx
    .updateTable('lines')
    .set({ sip_ha1: sipDigest(line.sip_username, sip_password) })
    .where('id', '=', line.id)
    .returning('version')
    .executeTakeFirstOrThrow();
  return { ...line, sip_password, sip_realm: SIP_REALM, version };
}
