import { sql } from 'kysely';
import {
  COVERING_PREFIXES,
  coveredClasses,
  type OfflineClass,
  type OfflinePolicy,
  type PriceCover,
} from '../../domain/offline.ts';
import type { Db } from './connect.ts';

interface PolicyRow extends Omit<OfflinePolicy, 'classes'> {
  readonly sip_username: string;
  readonly classes: OfflineClass[];
  readonly sales_plan_id: string;
  /** null: the reseller is charged nothing. */
  readonly cost_plan_id: string | null;
}

/** What can be said of the prices that hold now, by the plan; a plan that has none or is not active is left out. */
async function readCovers(
  db: Db,
  kind: 'sales' | 'cost',
  plan_ids: readonly string[],
): Promise<ReadonlyMap<string, PriceCover>> {
  const [plans, id] = [sql.table(`${kind}_plans`), sql.ref(`${kind}_plan_id`)];
  const { rows } = await sql<{ plan_id: string; cover: PriceCover }>`
    select distinct on (p.id) p.id as plan_id, json_build_object(
      'classes', (select coalesce(json_agg(r ->> 'call_class'), '[]') from jsonb_array_elements(v.class_rates) r),
      'prefixes', case when v.pricing = 'DECK' then (select coalesce(json_agg(d.prefix), '[]') from deck_rates d
        where d.rate_version_id = v.id and d.active and d.prefix = any(${COVERING_PREFIXES}::text[])) end) as cover
    from ${plans} p join rate_versions v on v.${id} = p.id
    where p.id = any(${[...new Set(plan_ids)]}::uuid[]) and p.status = 'ACTIVE' and v.valid_from <= now()
    order by p.id, v.valid_from desc, v.sequence desc`.execute(db);
  return new Map(rows.map(({ plan_id, cover }) => [plan_id, cover]));
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
      coalesce(l.sales_plan_id, s.sales_plan_id) as sales_plan_id, r.cost_plan_id
    from lines l join subscribers s on s.id = l.subscriber_id join resellers r on r.id = s.reseller_id
    where s.server_id = ${server_id} and s.offline_budget_seconds > 0
      and l.status = 'ACTIVE' and s.status = 'ACTIVE' and r.status = 'ACTIVE'`.execute(db);
  const sold = await readCovers(
    db,
    'sales',
    rows.map(({ sales_plan_id }) => sales_plan_id),
  );
  const bought = await readCovers(
    db,
    'cost',
    rows.flatMap(({ cost_plan_id }) => cost_plan_id ?? []),
  );
  const priced = (cover: PriceCover | undefined, area_code: string) =>
    cover ? coveredClasses(cover, area_code) : [];
  return new Map(
    rows.flatMap(({ sip_username, sales_plan_id, cost_plan_id, ...policy }) => {
      const own = priced(sold.get(sales_plan_id), policy.area_code);
      const paid = cost_plan_id === null ? own : priced(bought.get(cost_plan_id), policy.area_code);
      const classes = policy.classes.filter((name) => own.includes(name) && paid.includes(name));
      return classes.length > 0 && policy.calls > 0 ? [[sip_username, { ...policy, classes }] as const] : [];
    }),
  );
}
