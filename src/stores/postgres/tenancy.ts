import { sql } from 'kysely';
import type { Role, Tenant } from '../../domain/tenant.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';

/** Who acts, as the audit log writes it down. */
export interface Actor {
  readonly kind: 'USER' | 'API_KEY' | 'COMMAND' | 'SYSTEM';
  readonly id: string | null;
  readonly name: string;
  readonly role: Role | null;
  /** As whom: set when the actor entered as another tenant, and for subscribers always. */
  readonly as_reseller_id: string | null;
  readonly as_subscriber_id: string | null;
  readonly impersonating: boolean;
  readonly reason: string | null;
  readonly address: string | null;
}

/** Something that an operator does at the command line. */
export const COMMAND: Actor = {
  kind: 'COMMAND',
  id: null,
  name: 'cli',
  role: 'MASTER',
  as_reseller_id: null,
  as_subscriber_id: null,
  impersonating: false,
  reason: null,
  address: null,
};

export function ownerColumns(tenant: Tenant) {
  return {
    role: tenant.role,
    reseller_id: tenant.role === 'MASTER' ? null : tenant.reseller_id,
    subscriber_id: tenant.role === 'SUBSCRIBER' ? tenant.subscriber_id : null,
  };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function quoted(id: string): string {
  if (!UUID.test(id)) throw new Error('a tenant has an id that is none');
  return `'${id}'`;
}

/** The database's role of a tenant, and what it is for. One string: the server takes it in one go. */
function beginAs(tenant: Tenant, access: 'read only' | 'read write'): string {
  const settings = [`set local role pabx_${tenant.role.toLowerCase()}`];
  if (tenant.role !== 'MASTER') settings.push(`set local pabx.reseller_id = ${quoted(tenant.reseller_id)}`);
  if (tenant.role === 'SUBSCRIBER')
    settings.push(`set local pabx.subscriber_id = ${quoted(tenant.subscriber_id)}`);
  return [`begin ${access}`, ...settings].join('; ');
}

async function inTransaction<T>(db: Db, begin: string, actor: Actor | null, work: (tx: Tx) => Promise<T>) {
  return db.connection().execute(async (connection) => {
    const tx = connection as Tx;
    await sql.raw(begin).execute(tx);
    try {
      if (actor) await sql`select set_config('pabx.actor', ${JSON.stringify(actor)}, true)`.execute(tx);
      const result = await work(tx);
      await sql.raw('commit').execute(tx);
      return result;
    } catch (error) {
      // A connection that broke needs no rollback, and the first error is the one that tells.
      await sql
        .raw('rollback')
        .execute(tx)
        .catch(() => {});
      throw error;
    }
  });
}

/**
 * Reads as a tenant: under its role of the database, where row-level security shows its own rows and nothing can
 * be changed. `db` may be any pool whose login can take that role.
 */
export function readAs<T>(db: Db, tenant: Tenant, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(db, beginAs(tenant, 'read only'), null, work);
}

/** Changes as a tenant, all or nothing; the audit log names `actor` for every row that changes. */
export function changeAs<T>(db: Db, tenant: Tenant, actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(db, beginAs(tenant, 'read write'), actor, work);
}

/** Changes for everybody, as sign-in and commands do; the audit log names `actor`. */
export function changeAsSystem<T>(system: Db, actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(system, 'begin', actor, work);
}
