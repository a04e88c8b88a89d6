import { sql } from 'kysely';
import type { BillingMode, LineFacts, Status, TrunkFacts } from '../../domain/authorize.ts';
import type { NumberFacts } from '../../domain/authorize-inbound.ts';
import type { BundleSlot, CallClass } from '../../domain/call-class.ts';
import type { IntlDialing } from '../../domain/dialled-result.ts';
import type { NumberLimits } from '../../domain/limits.ts';
import type { VersionStart } from '../../domain/rate-table.ts';
import type { GroupFacts } from '../../domain/ring-group.ts';
import type { Db } from './connect.ts';
import { groupsOf } from './group-facts.ts';

interface LineRow {
  line_id: string;
  sip_username: string;
  extension: string;
  area_code: string;
  line_status: Status;
  allowed_classes: CallClass[];
  line_max_calls: number;
  line_calls_per_second: number | null;
  max_call_seconds: number | null;
  max_ring_seconds: number | null;
  caller_id: string | null;
  caller_id_limits: NumberLimits | null;
  plan_id: string;
  subscriber_id: string;
  reseller_id: string;
  name: string;
  billing_mode: BillingMode;
  subscriber_status: Status;
  reseller_status: Status;
  max_calls: number;
  max_calls_out: number | null;
  max_calls_in: number | null;
  reserved_in: number;
  calls_per_second: number | null;
  internal_calls_take_slots: boolean;
  warn_seconds: number;
  switch_tone: boolean;
  reseller_max_calls: number;
  credit_limit_micros: bigint;
  daily_cap_micros: bigint | null;
  cycle_day: number;
  ldn_fixed_uses_local: boolean;
  ldn_mobile_uses_local: boolean;
  reseller_credit_micros: bigint;
  allow_loss_calls: boolean;
  intl_dialing: IntlDialing;
  auto_ninth_digit: boolean;
  sale_versions: VersionStart[];
  wholesale_versions: VersionStart[] | null;
  slots: BundleSlot[];
  extensions: Record<string, string>;
  groups: Record<string, GroupFacts>;
}

function toFacts(row: LineRow): LineFacts {
  return {
    line_id: row.line_id,
    sip_username: row.sip_username,
    extension: row.extension,
    area_code: row.area_code,
    line_status: row.line_status,
    allowed_classes: new Set(row.allowed_classes),
    line_max_calls: row.line_max_calls,
    line_calls_per_second: row.line_calls_per_second,
    max_call_seconds: row.max_call_seconds,
    max_ring_seconds: row.max_ring_seconds,
    caller_id: row.caller_id,
    caller_id_limits: row.caller_id_limits,
    plan_id: row.plan_id,
    sale_versions: row.sale_versions,
    subscriber: {
      subscriber_id: row.subscriber_id,
      reseller_id: row.reseller_id,
      name: row.name,
      billing_mode: row.billing_mode,
      status: row.reseller_status === 'ACTIVE' ? row.subscriber_status : row.reseller_status,
      max_calls: row.max_calls,
      max_calls_out: row.max_calls_out,
      max_calls_in: row.max_calls_in,
      reserved_in: row.reserved_in,
      calls_per_second: row.calls_per_second,
      internal_calls_take_slots: row.internal_calls_take_slots,
      warn_seconds: row.warn_seconds,
      switch_tone: row.switch_tone,
      reseller_max_calls: row.reseller_max_calls,
      credit_limit_micros: row.billing_mode === 'PREPAID' ? 0n : row.credit_limit_micros,
      daily_cap_micros: row.daily_cap_micros,
      reseller_credit_micros: row.reseller_credit_micros,
      wholesale_versions: row.wholesale_versions,
      allow_loss_calls: row.allow_loss_calls,
      intl_dialing: row.intl_dialing,
      auto_ninth_digit: row.auto_ninth_digit,
      cycle_day: row.cycle_day,
      ldn_fixed_uses_local: row.ldn_fixed_uses_local,
      ldn_mobile_uses_local: row.ldn_mobile_uses_local,
      slots: new Set(row.slots),
      extensions: new Map(Object.entries(row.extensions)),
      groups: new Map(Object.entries(row.groups)),
    },
  };
}

/** When versions of prices begin, in that order: of those that begin together the later written counts. */
const VERSIONS = sql.raw(`coalesce(json_agg(json_build_object('version_id', v.id,
  'valid_from_ms', extract(epoch from v.valid_from) * 1000) order by v.valid_from, v.sequence), '[]')`);

/** Everything the decision reads about the line with this SIP user, in one query; null if there is none. */
export async function findLineFacts(db: Db, sip_username: string): Promise<LineFacts | null> {
  const { rows } = await sql<LineRow>`
    select l.id as line_id, l.sip_username, l.extension, l.area_code, l.status as line_status, l.allowed_classes,
      l.max_concurrent_calls as line_max_calls, l.max_calls_per_second as line_calls_per_second, l.max_call_seconds,
      l.max_ring_seconds,
      c.number as caller_id, case when c.id is not null then json_build_object('did_id', c.id, 'max_calls', c.max_concurrent_calls,
        'max_calls_out', c.max_concurrent_out, 'max_calls_in', c.max_concurrent_in) end as caller_id_limits,
      coalesce(l.sales_plan_id, s.sales_plan_id) as plan_id,
      s.id as subscriber_id, s.reseller_id, s.name, s.billing_mode, s.status as subscriber_status,
      r.status as reseller_status, s.max_concurrent_calls as max_calls,
      s.max_concurrent_out as max_calls_out, s.max_concurrent_in as max_calls_in, s.reserved_in,
      s.max_calls_per_second as calls_per_second, s.internal_calls_take_slots, s.warn_seconds, s.switch_tone,
      s.daily_spend_cap_micros as daily_cap_micros, r.max_concurrent_calls as reseller_max_calls, s.credit_limit_micros, s.cycle_day,
      s.ldn_fixed_uses_local, s.ldn_mobile_uses_local, s.allow_loss_calls, s.intl_dialing, s.auto_ninth_digit,
      r.credit_limit_micros as reseller_credit_micros,
      (select ${VERSIONS} from rate_versions v join sales_plans p on p.id = v.sales_plan_id and p.status = 'ACTIVE'
       where v.sales_plan_id = coalesce(l.sales_plan_id, s.sales_plan_id)) as sale_versions,
      case when r.cost_plan_id is not null then (select ${VERSIONS} from rate_versions v
       join cost_plans p on p.id = v.cost_plan_id and p.status = 'ACTIVE'
       where v.cost_plan_id = r.cost_plan_id) end as wholesale_versions,
      (select coalesce(json_agg(slot), '[]') from bundle_slots where subscriber_id = s.id) as slots,
      (select json_object_agg(extension, sip_username) from lines
       where subscriber_id = s.id and status = 'ACTIVE' or id = l.id) as extensions,
      ${groupsOf(sql`s.id`)} as groups
    from lines l join subscribers s on s.id = l.subscriber_id join resellers r on r.id = s.reseller_id
    left join dids c on c.id = l.caller_id_did_id and c.status = 'ACTIVE'
    where l.sip_username = ${sip_username}`.execute(db);
  return rows[0] ? toFacts(rows[0]) : null;
}

/** A number that can be called from outside; null if the platform does not have it. */
export async function findNumberFacts(db: Db, number: string): Promise<NumberFacts | null> {
  const { rows } = await sql<NumberFacts>`
    select d.id as did_id, d.max_concurrent_calls as max_calls, d.max_concurrent_out as max_calls_out,
      d.max_concurrent_in as max_calls_in, d.number, d.status = 'ACTIVE' as active, d.reseller_id, d.subscriber_id, s.server_id,
      l.sip_username, g.code as group_code
    from dids d left join subscribers s on s.id = d.subscriber_id left join lines l on l.id = d.target_line_id
      left join ring_groups g on g.id = d.target_group_id
    where d.number = ${number}`.execute(db);
  return rows[0] ?? null;
}

const TRUNK = sql`
    select t.id as trunk_id, t.code, t.max_concurrent_calls as max_calls, t.reserved_in,
      case when t.cost_plan_id is not null then (select ${VERSIONS} from rate_versions v
       join cost_plans p on p.id = v.cost_plan_id and p.status = 'ACTIVE'
       where v.cost_plan_id = t.cost_plan_id) end as cost_versions
    from trunks t where t.server_id =`;

/** The active trunk of a server that calls go out by first; null if it has none. */
export async function findTrunkFacts(db: Db, server_id: string): Promise<TrunkFacts | null> {
  const { rows } = await sql<TrunkFacts>`${TRUNK} ${server_id} and t.status = 'ACTIVE'
    order by t.priority, t.code limit 1`.execute(db);
  return rows[0] ?? null;
}

/** The trunk that a call came in by, whatever its status is since. */
export async function findTrunkByCode(db: Db, server_id: string, code: string): Promise<TrunkFacts | null> {
  const { rows } = await sql<TrunkFacts>`${TRUNK} ${server_id} and t.code = ${code}`.execute(db);
  return rows[0] ?? null;
}
