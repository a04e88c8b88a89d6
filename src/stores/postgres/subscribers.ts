import { type Selectable, sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { BillingMode, Status } from '../../domain/authorize.ts';
import type { BundleSlot } from '../../domain/call-class.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import { equals, matches, pageClauses, type SortColumn, toPage } from './page.ts';
import type { Database } from './tables.ts';

/** What a subscriber is and has. Where it lives and when it was edited is nobody's business here. */
export type SubscriberRow = Omit<Selectable<Database['subscribers']>, 'server_id' | 'updated_at'> & {
  balance_micros: bigint;
  lines: number;
  bundles: { slot: BundleSlot; bundle_id: string; included_seconds: number; left_seconds: number }[];
};

export interface Contact {
  readonly name: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly receives_notices: boolean;
}

const SORTS: Readonly<Record<string, SortColumn>> = {
  name: ['s.name', 'text'],
  created_at: ['s.created_at', 'timestamptz'],
};

/** A subscriber with what the ledger says it has. A bundle nobody used yet is whole. */
const COLUMNS = sql.raw(`
  s.id, s.reseller_id, s.name, s.person_type, s.document, s.legal_name, s.state_registration,
  s.municipal_registration, s.rg, s.postal_code, s.street, s.street_number, s.complement, s.district, s.city,
  s.state, s.ibge_code, s.area_code, s.billing_mode, s.sales_plan_id, s.status, s.credit_limit_micros,
  s.balance_alert_micros, s.daily_spend_cap_micros, s.due_day, s.block_after_days, s.cycle_day,
  s.max_concurrent_calls, s.max_concurrent_in, s.max_concurrent_out, s.reserved_in, s.max_calls_per_second,
  s.internal_calls_take_slots, s.warn_seconds, s.switch_tone, s.brake_mode, s.brake_percent, s.max_lines,
  s.allow_loss_calls,
  s.ldn_fixed_uses_local, s.ldn_mobile_uses_local, s.intl_dialing, s.auto_ninth_digit,
  s.blocked_reason, s.permission_profile_id, s.permissions, s.version, s.created_at,
  coalesce(w.balance_micros, 0) as balance_micros,
  (select count(*)::integer from lines l where l.subscriber_id = s.id) as lines,
  (select coalesce(json_agg(json_build_object('slot', b.slot, 'bundle_id', b.bundle_id,
     'included_seconds', coalesce(a.included_seconds, m.included_seconds),
     'left_seconds', coalesce(a.left_seconds, m.included_seconds)) order by b.slot), '[]')
   from bundle_slots b join minute_bundles m on m.id = b.bundle_id
   left join lateral (
     select included_seconds, left_seconds from bundle_allocations
     where subscriber_id = s.id and slot = b.slot
       and cycle_start between cycle_start_of(s.cycle_day, (now() at time zone 'America/Sao_Paulo')::date)
         and (now() at time zone 'America/Sao_Paulo')::date
     order by cycle_start desc limit 1) a on true
   where b.subscriber_id = s.id) as bundles
`);
const FROM = sql.raw('from subscribers s left join wallets w on w.subscriber_id = s.id');

export interface SubscriberFilter {
  readonly status?: Status | undefined;
  readonly billing_mode?: BillingMode | undefined;
}

/** One page of the subscribers that whoever holds the transaction may see. A hidden document is not searched either. */
export async function listSubscribers(
  tx: Tx | Db,
  request: PageRequest,
  filter: SubscriberFilter = {},
  documentIsHidden = false,
): Promise<Page<SubscriberRow>> {
  const page = pageClauses(request, SORTS, ['s.id', 'uuid']);
  const searched = ['s.name', 's.legal_name', ...(documentIsHidden ? [] : ['s.document'])];
  const { rows } = await sql<SubscriberRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor ${FROM}
    where ${page.after} and ${matches(request.q, ...searched)}
      and ${equals('s.status', filter.status)} and ${equals('s.billing_mode', filter.billing_mode)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findSubscriber(tx: Tx | Db, subscriber_id: string): Promise<SubscriberRow | null> {
  const { rows } = await sql<SubscriberRow>`select ${COLUMNS} ${FROM} where s.id = ${subscriber_id}`.execute(
    tx,
  );
  return rows[0] ?? null;
}

export function readContacts(tx: Tx, subscriber_id: string): Promise<Contact[]> {
  return tx
    .selectFrom('subscriber_contacts')
    .select(['name', 'email', 'phone', 'receives_notices'])
    .where('subscriber_id', '=', subscriber_id)
    .orderBy('name')
    .orderBy('id')
    .execute();
}

export async function replaceContacts(
  tx: Tx,
  subscriber_id: string,
  contacts: readonly Contact[],
): Promise<void> {
  await tx.deleteFrom('subscriber_contacts').where('subscriber_id', '=', subscriber_id).execute();
  if (contacts.length === 0) return;
  await tx
    .insertInto('subscriber_contacts')
    .values(contacts.map((contact) => ({ ...contact, subscriber_id })))
    .execute();
}

/** Which franquia each slot holds. Slots that stay as they are keep their minutes. */
export async function replaceBundles(
  tx: Tx,
  subscriber_id: string,
  bundles: readonly { slot: BundleSlot; bundle_id: string }[],
): Promise<void> {
  const kept = bundles.map(({ slot }) => slot);
  await sql`delete from bundle_slots where subscriber_id = ${subscriber_id} and slot <> all(${kept}::text[])`.execute(
    tx,
  );
  for (const { slot, bundle_id } of bundles) {
    await sql`
      insert into bundle_slots (subscriber_id, slot, bundle_id) values (${subscriber_id}, ${slot}, ${bundle_id})
      on conflict (subscriber_id, slot) do update set bundle_id = excluded.bundle_id
      where bundle_slots.bundle_id <> excluded.bundle_id`.execute(tx);
  }
}

/** The server that a new subscriber goes to; null while the platform has none. */
export async function leastLoadedServer(tx: Tx): Promise<string | null> {
  const { rows } = await sql<{ id: string | null }>`select least_loaded_server() as id`.execute(tx);
  return rows[0]?.id ?? null;
}
