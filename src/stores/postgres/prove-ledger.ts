import { sql } from 'kysely';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import { STATEMENT_PROOFS } from './prove-statements.ts';

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
        where m.kind = 'CALL' and m.reference = c.id and m.leg = 'subscriber'
          and e.account like 'subscriber:' || c.subscriber_id || ':%'
      ) l on true
      where l.micros <> c.total_micros or l.seconds <> c.bundle_seconds`,
  },
  {
    what: 'the parts of a call record differ from the whole, or from the ledger',
    query: `
      select c.id from calls c
      cross join lateral (
        select coalesce(sum((p ->> 'total_micros')::bigint), 0) as micros,
               coalesce(sum((p ->> 'bundle_seconds')::integer), 0) as bundle,
               coalesce(sum((p ->> 'paid_seconds')::integer), 0) as paid
        from jsonb_array_elements(c.parts) p) t
      where (jsonb_array_length(c.parts) > 0 or c.sale is not null)
        and (t.micros <> c.total_micros or t.bundle <> c.bundle_seconds or t.paid <> c.paid_seconds
          or exists (
            select from jsonb_array_elements(c.parts) with ordinality p (part, n)
            left join ledger_movements m on m.kind = 'CALL' and m.reference = c.id and m.leg = 'subscriber'
              and m.sequence = n - 1
            left join lateral (
              select coalesce(-sum(amount) filter (where unit = 'MICROS'), 0) as micros,
                     coalesce(-sum(amount) filter (where unit = 'SECONDS'), 0) as seconds
              from ledger_entries where movement_id = m.id and account like 'subscriber:%') l on true
            where l.micros <> (part ->> 'total_micros')::bigint or l.seconds <> (part ->> 'bundle_seconds')::integer
              or m.cycle_start <> (part ->> 'cycle_start')::date))`,
  },
  {
    what: 'what a call cost its reseller or the platform differs from the ledger',
    query: `
      select c.id from calls c
      cross join lateral (
        select coalesce(-sum(e.amount) filter (where e.account = 'reseller:' || c.reseller_id || ':wholesale'), 0)
                 as wholesale,
               coalesce(-sum(e.amount) filter (where e.account = 'trunk:' || c.trunk_id || ':payable'), 0) as cost
        from ledger_movements m join ledger_entries e on e.movement_id = m.id
        where m.kind = 'CALL' and m.reference = c.id and m.leg in ('wholesale', 'carrier')) l
      where l.wholesale <> c.wholesale_micros or l.cost <> c.cost_micros`,
  },
  {
    what: 'the balance of a reseller differs from the ledger',
    query: `
      select coalesce(w.reseller_id::text, e.account) as id
      from reseller_wallets w full join (
        select account, sum(amount) as amount from ledger_entries where account like 'reseller:%:wholesale'
        group by account) e on e.account = 'reseller:' || w.reseller_id || ':wholesale'
      where coalesce(w.balance_micros, 0) <> coalesce(e.amount, 0)`,
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
    what: 'what the calls of a day cost a subscriber differs from the ledger',
    query: `
      select w.subscriber_id as id from wallets w
      where w.spent_micros <> (
          select coalesce(-sum(e.amount), 0) from calls c
          join ledger_movements m on m.kind = 'CALL' and m.reference = c.id and m.leg = 'subscriber'
          join ledger_entries e on e.movement_id = m.id and e.account = 'subscriber:' || w.subscriber_id || ':money'
          where c.subscriber_id = w.subscriber_id and (c.ended_at at time zone 'America/Sao_Paulo')::date = w.spend_day)
        or exists (
          select from calls c where c.subscriber_id = w.subscriber_id and c.total_micros > 0
            and (c.ended_at at time zone 'America/Sao_Paulo')::date > w.spend_day)`,
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
      select w.subscriber_id || ' ' || w.slot || ' ' || w.cycle_start as id from bundle_allocations w
      where w.left_seconds < 0
         or w.left_seconds <> (select coalesce(sum(amount), 0) from ledger_entries
                               where account = 'subscriber:' || w.subscriber_id || ':seconds:' || w.slot || ':'
                                 || w.cycle_start)`,
  },
  {
    what: 'minutes in the ledger are of no franquia',
    query: `
      select account as id from ledger_entries where account like 'subscriber:%:seconds:%'
        and not exists (select from bundle_allocations w
                        where 'subscriber:' || w.subscriber_id || ':seconds:' || w.slot || ':' || w.cycle_start = account)
      group by account having sum(amount) <> 0`,
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
  for (const { what, query } of [...PROOFS, ...STATEMENT_PROOFS]) {
    const { rows } = await sql.raw<{ id: unknown }>(query).execute(db);
    found.push(...rows.map(({ id }) => ({ what, id: String(id) })));
  }
  return found;
}
