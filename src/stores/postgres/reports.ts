import { sql } from 'kysely';
import type { BillingMode, Status } from '../../domain/authorize.ts';
import type { BundleSlot } from '../../domain/call-class.ts';
import type { Db } from './connect.ts';
import type { Tenant } from './tokens.ts';

/** Condition on `reseller_id` and a subscriber column that keeps a tenant to its own rows. */
function owned(tenant: Tenant, reseller: string, subscriber: string) {
  switch (tenant.role) {
    case 'MASTER':
      return sql<boolean>`true`;
    case 'RESELLER':
      return sql<boolean>`${sql.ref(reseller)} = ${tenant.reseller_id}`;
    case 'SUBSCRIBER':
      return sql<boolean>`${sql.ref(subscriber)} = ${tenant.subscriber_id}`;
  }
}

export interface SubscriberReport {
  id: string;
  reseller_id: string;
  name: string;
  billing_mode: BillingMode;
  status: Status;
  balance_micros: bigint;
  credit_limit_micros: bigint;
  bundles: { slot: BundleSlot; included_seconds: number; left_seconds: number }[];
}

/** Subscribers of a tenant with what the ledger says they have. A bundle nobody used yet is whole. */
export async function listSubscribers(db: Db, tenant: Tenant): Promise<SubscriberReport[]> {
  const { rows } = await sql<SubscriberReport>`
    select s.id, s.reseller_id, s.name, s.billing_mode, s.status, s.credit_limit_micros,
      coalesce(w.balance_micros, 0) as balance_micros,
      (select coalesce(json_agg(json_build_object('slot', b.slot, 'included_seconds', m.included_seconds,
         'left_seconds', coalesce(ws.left_seconds, m.included_seconds)) order by b.slot), '[]')
       from bundle_slots b join minute_bundles m on m.id = b.bundle_id
       left join wallet_slots ws on ws.subscriber_id = s.id and ws.slot = b.slot
       where b.subscriber_id = s.id) as bundles
    from subscribers s left join wallets w on w.subscriber_id = s.id
    where ${owned(tenant, 's.reseller_id', 's.id')} order by s.name limit 500`.execute(db);
  return rows;
}

export function listCalls(db: Db, tenant: Tenant, limit: number) {
  return db
    .selectFrom('calls')
    .selectAll()
    .where(owned(tenant, 'reseller_id', 'subscriber_id'))
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(limit)
    .execute();
}

export function listRefusals(db: Db, tenant: Tenant, limit: number) {
  return db
    .selectFrom('refusals')
    .selectAll()
    .where(owned(tenant, 'reseller_id', 'subscriber_id'))
    .orderBy('created_at', 'desc')
    .orderBy('call_id')
    .limit(limit)
    .execute();
}
