import { type RawBuilder, sql } from 'kysely';
import type { GroupFacts, RingStrategy } from '../../domain/ring-group.ts';
import type { Db } from './connect.ts';

/** SIP users of a group's active lines in their order; of the rest nothing rings. */
const MEMBERS = sql.raw(`(select coalesce(json_agg(m.sip_username order by o.place), '[]')
  from unnest(g.member_line_ids) with ordinality o (line_id, place)
  join lines m on m.id = o.line_id and m.status = 'ACTIVE')`);
const OVERFLOW = sql.raw(
  `(select sip_username from lines where id = g.overflow_line_id and status = 'ACTIVE')`,
);

/** The ring groups of a subscriber as one JSON object by their extensions. */
export const groupsOf = (subscriber_id: RawBuilder<unknown>) => sql`
  (select coalesce(json_object_agg(g.extension, json_build_object('group_id', g.id, 'code', g.code, 'name', g.name,
    'extension', g.extension, 'members', ${MEMBERS}, 'overflow', ${OVERFLOW})), '{}')
   from ring_groups g where g.subscriber_id = ${subscriber_id})`;

/** The ring group of this code; null if there is none. */
export async function findGroupFacts(db: Db, code: string): Promise<GroupFacts | null> {
  const { rows } = await sql<GroupFacts>`
    select g.id as group_id, g.code, g.name, g.extension, ${MEMBERS} as members, ${OVERFLOW} as overflow
    from ring_groups g where g.code = ${code}`.execute(db);
  return rows[0] ?? null;
}

export interface RenderedGroup {
  code: string;
  subscriber_id: string;
  extension: string;
  strategy: RingStrategy;
  ring_seconds: number;
  members: string[];
  overflow: string | null;
  numbers: string[];
}

/** The ring groups of a server's subscribers, as its configuration has them. */
export async function readGroups(db: Db, server_id: string): Promise<RenderedGroup[]> {
  const { rows } = await sql<RenderedGroup>`
    select g.code, g.subscriber_id, g.extension, g.strategy, g.ring_seconds, ${MEMBERS} as members,
      ${OVERFLOW} as overflow, (select coalesce(json_agg(d.number order by d.number), '[]') from dids d
       where d.target_group_id = g.id and d.status = 'ACTIVE' and s.status = 'ACTIVE' and r.status = 'ACTIVE') as numbers
    from ring_groups g join subscribers s on s.id = g.subscriber_id join resellers r on r.id = s.reseller_id
    where s.server_id = ${server_id} and s.status <> 'INACTIVE'`.execute(db);
  return rows;
}
