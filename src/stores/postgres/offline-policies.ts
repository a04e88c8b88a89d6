import { sql } from 'kysely';
import { AREA_CODES } from '../../domain/area-codes.ts';
import {
  coveredClasses,
  type OfflineClass,
  type OfflinePolicy,
  type PriceCover,
} from '../../domain/offline.ts';
import type { Db } from './connect.ts';

interface PolicyRow extends Omit<OfflinePolicy, 'classes'> {
  readonly sip_username: string;
  readonly classes: OfflineClass[];
  readonly sale: PriceCover | null;
  /** null: the reseller is charged nothing. */
  readonly wholesale: PriceCover | null;
  readonly is_charged: boolean;
}

/** The version of a plan that holds now, with what can be said of its prices; null while there is none. */
const cover = (plan: 'sales' | 'cost', id: string) =>
  sql.raw(`(select json_build_object('classes', (select coalesce(json_agg(r ->> 'call_class'), '[]')
      from jsonb_array_elements(v.class_rates) r),
    'prefixes', case when v.pricing = 'DECK' then (select coalesce(json_agg(prefix), '[]') from deck_rates
      where rate_version_id = v.id and active and length(prefix) <= 5 and prefix ~ '^5(5|$)') end)
  from rate_versions v join ${plan}_plans p on p.id = v.${plan}_plan_id and p.status = 'ACTIVE'
  where v.${plan}_plan_id = ${id} and v.valid_from <= now()
  order by v.valid_from desc, v.sequence desc limit 1)`);

function classesOf({ classes, area_code, sale, wholesale, is_charged }: PolicyRow): OfflineClass[] {
  const priced = (of: PriceCover | null) => (of ? coveredClasses(of, area_code, AREA_CODES) : []);
  const sold = priced(sale);
  const bought = is_charged ? priced(wholesale) : sold;
  return classes.filter((name) => sold.includes(name) && bought.includes(name));
}

/**
 * What the lines of a server may do for money while nobody decides, by SIP user: only those that may do anything. Of
 * the limits that are kept for running calls the narrowest counts.
 */
export async function readOfflinePolicies(
  db: Db,
  server_id: string,
): Promise<ReadonlyMap<string, OfflinePolicy>> {
  const { rows } = await sql<PolicyRow>`
    select l.sip_username, l.area_code, s.auto_ninth_digit,
      (select number from dids where id = l.caller_id_did_id and status = 'ACTIVE') as caller_id,
      array(select unnest(s.offline_classes) intersect select unnest(l.allowed_classes) order by 1) as classes,
      s.offline_budget_seconds as budget_seconds,
      least(s.offline_call_seconds, l.max_call_seconds) as call_seconds,
      least(s.offline_calls, s.max_concurrent_calls - s.reserved_in, s.max_concurrent_out,
        l.max_concurrent_calls, r.max_concurrent_calls) as calls,
      ${cover('sales', 'coalesce(l.sales_plan_id, s.sales_plan_id)')} as sale,
      ${cover('cost', 'r.cost_plan_id')} as wholesale, r.cost_plan_id is not null as is_charged
    from lines l join subscribers s on s.id = l.subscriber_id join resellers r on r.id = s.reseller_id
    where s.server_id = ${server_id} and s.offline_budget_seconds > 0
      and l.status = 'ACTIVE' and s.status = 'ACTIVE' and r.status = 'ACTIVE'`.execute(db);
  return new Map(
    rows.flatMap((row) => {
      const { sip_username, sale: _, wholesale: __, is_charged: ___, ...policy } = row;
      const classes = classesOf(row);
      return classes.length > 0 && policy.calls > 0 ? [[sip_username, { ...policy, classes }] as const] : [];
    }),
  );
}
