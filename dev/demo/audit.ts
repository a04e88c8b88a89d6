import type { DemoDatabase } from './database.ts';

export interface Audit {
  readonly movements: number;
  readonly calls: number;
  /** What does not agree; empty when all is well. */
  readonly faults: readonly string[];
}

/** Each finds what must not be; `what` is how the summary calls it. */
const CHECKS: readonly { readonly what: string; readonly query: string }[] = [
  {
    what: 'ledger units that do not sum to zero',
    query: `select unit from ledger_entries group by unit having sum(amount) <> 0`,
  },
  {
    what: 'ledger movements that do not sum to zero',
    query: `select movement_id from ledger_entries group by movement_id, unit having sum(amount) <> 0`,
  },
  {
    what: 'call records whose charge differs from the ledger',
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
    what: 'charges of calls without a record',
    query: `
      select m.id from ledger_movements m
      where m.kind = 'CALL' and not exists (select from calls c where c.id = m.reference)`,
  },
  {
    what: 'balances that differ from the ledger',
    query: `
      select w.subscriber_id from wallets w
      where w.balance_micros <> (select coalesce(sum(amount), 0) from ledger_entries
                                 where account = 'subscriber:' || w.subscriber_id || ':money')`,
  },
  {
    what: 'minutes left that differ from the ledger, or are below zero',
    query: `
      select w.subscriber_id from wallet_slots w
      where w.left_seconds < 0
         or w.left_seconds <> (select coalesce(sum(amount), 0) from ledger_entries
                               where account = 'subscriber:' || w.subscriber_id || ':seconds:' || w.slot)`,
  },
  {
    what: 'prepaid balances below zero',
    query: `
      select s.id from subscribers s join wallets w on w.subscriber_id = s.id
      where s.billing_mode = 'PREPAID' and w.balance_micros < 0`,
  },
];

/** Compares records, wallets and ledger in the database itself, apart from the code that wrote them. */
export async function auditLedger({ pool }: DemoDatabase): Promise<Audit> {
  const count = async (table: string) => {
    const { rows } = await pool.query<{ n: number }>(`select count(*)::integer as n from ${table}`);
    return rows[0]?.n ?? 0;
  };
  const faults: string[] = [];
  for (const { what, query } of CHECKS) {
    const { rowCount } = await pool.query(query);
    if (rowCount) faults.push(`${rowCount} ${what}`);
  }
  return { movements: await count('ledger_movements'), calls: await count('calls'), faults };
}
