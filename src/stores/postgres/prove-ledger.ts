import { sql } from 'kysely';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';

export interface Difference {
  readonly what: string;
  /** Of the row that differs. */
  readonly id: string;
}

/** Each finds what must not be, in the database itself and apart from the code that wrote it. */
const PROOFS: readonly { readonly what: string; readonly query: string }[] = [
  {
    what: 'a unit of the ledger does not sum to zero',
    query: 'select unit as id from ledger_entries group by unit having sum(amount) <> 0',
  },
  {
    what: 'a movement does not sum to zero',
    query: 'select movement_id as id from ledger_entries group by movement_id, unit having sum(amount) <> 0',
  },
  {
    what: 'the charge of a call record differs from the ledger',
    query: `
      select c.id from calls c left join lateral (
        select coalesce(-sum(e.amount) filter (where e.unit = 'MICROS'), 0) as micros,
               coalesce(-sum(e.amount) filter (where e.unit = 'SECONDS'), 0) as seconds
        from ledger_movements m join ledger_entries e on e.movement_id = m.id
        where m.kind = 'CALL' and m.reference = c.id and e.account like 'subscriber:' || c.subscriber_id || ':%'
      ) l on true
      where l.micros <> c.total_micros or l.seconds <> c.bundle_seconds`,
  },
  {
    what: 'a call was charged without a record',
    query: `
      select m.id from ledger_movements m
      where m.kind = 'CALL' and not exists (select from calls c where c.id = m.reference)`,
  },
  {
    what: 'the balance of a subscriber differs from the ledger',
    query: `
      select w.subscriber_id as id from wallets w
      where w.balance_micros <> (select coalesce(sum(amount), 0) from ledger_entries
                                 where account = 'subscriber:' || w.subscriber_id || ':money')`,
  },
  {
    what: 'money in the ledger has no wallet',
    query: `
      select account as id from ledger_entries where account like 'subscriber:%:money'
        and not exists (select from wallets w where 'subscriber:' || w.subscriber_id || ':money' = account)
      group by account having sum(amount) <> 0`,
  },
  {
    what: 'the minutes left of a subscriber differ from the ledger, or are below zero',
    query: `
      select w.subscriber_id || ' ' || w.slot as id from wallet_slots w
      where w.left_seconds < 0
         or w.left_seconds <> (select coalesce(sum(amount), 0) from ledger_entries
                               where account = 'subscriber:' || w.subscriber_id || ':seconds:' || w.slot)`,
  },
  {
    what: 'a prepaid balance is below zero',
    query: `
      select s.id from subscribers s join wallets w on w.subscriber_id = s.id
      where s.billing_mode = 'PREPAID' and w.balance_micros < 0`,
  },
];

/** Recomputes every projection from the ledger and names every difference; none when all is well. */
export async function proveLedger(db: Db | Tx): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const { what, query } of PROOFS) {
    const { rows } = await sql.raw<{ id: unknown }>(query).execute(db);
    found.push(...rows.map(({ id }) => ({ what, id: String(id) })));
  }
  return found;
}
