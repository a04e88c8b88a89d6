/** Each finds what must not be on statements, apart from the code that wrote them. For `proveLedger`. */
export const STATEMENT_PROOFS: readonly { readonly what: string; readonly query: string }[] = [
  {
    what: 'a statement does not go on where the one before ended',
    query: `
      select id from (
        select id, cycle_start, opening_balance_micros, last_movement_id,
          lag(cycle_end) over w as ended, lag(last_movement_id) over w as covered,
          coalesce(lag(closing_balance_micros) over w, 0) as closed
        from statements window w as (partition by subscriber_id order by cycle_start)) t
      where opening_balance_micros <> closed or cycle_start <> ended or last_movement_id < covered`,
  },
  {
    what: 'the closing balance of a statement differs from the movements up to it',
    query: `
      select t.id from statements t
      where t.closing_balance_micros <> (
        select coalesce(sum(e.amount), 0) from ledger_movements m join ledger_entries e on e.movement_id = m.id
        where m.subscriber_id = t.subscriber_id and e.account = 'subscriber:' || t.subscriber_id || ':money'
          and m.id <= t.last_movement_id and (m.cycle_start is null or m.cycle_start < t.cycle_end))`,
  },
  {
    what: 'the lines of a statement do not add up to its balances',
    query: `
      select t.id from statements t
      where t.closing_balance_micros - t.opening_balance_micros <> (
        select coalesce(sum((line ->> 'amount_micros')::bigint), 0) from jsonb_array_elements(t.lines -> 'totals') line)`,
  },
  {
    what: 'the usage on a statement differs from what its calls cost',
    query: `
      select t.id from statements t
      where (select coalesce(sum((line ->> 'amount_micros')::bigint), 0)
             from jsonb_array_elements(t.lines -> 'usage') line)
         <> (select coalesce(-sum((line ->> 'amount_micros')::bigint), 0)
             from jsonb_array_elements(t.lines -> 'totals') line where line ->> 'kind' = 'CALL')`,
  },
  {
    what: 'a statement asks for other than what is owed',
    query: `
      select id from statements where due_micros not in (0, greatest(0, -closing_balance_micros))
        or due_on <= cycle_end or block_on < due_on`,
  },
  {
    what: 'a franquia of a closed cycle was charged other than its monthly price',
    query: `
      select a.subscriber_id || ' ' || a.slot || ' ' || a.cycle_start as id from bundle_allocations a
      where exists (select from statements t where t.subscriber_id = a.subscriber_id
                    and a.cycle_start >= t.cycle_start and a.cycle_start < t.cycle_end)
        and a.monthly_price_micros <> (
          select coalesce(-sum(e.amount), 0) from ledger_movements m join ledger_entries e on e.movement_id = m.id
          where m.kind = 'MONTHLY_FEE' and m.reference = 'fee ' || a.subscriber_id || ' ' || a.cycle_start
            and m.leg = a.slot and e.account = 'subscriber:' || a.subscriber_id || ':money')`,
  },
];
