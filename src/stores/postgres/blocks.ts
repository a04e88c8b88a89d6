import { sql } from 'kysely';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { Direction } from '../../domain/authorize-inbound.ts';
import { type Block, type BlockReason, brakeBlock_ms } from '../../domain/blocks.ts';
import type { BrakeMode } from '../../domain/brake.ts';
import type { CallClass } from '../../domain/call-class.ts';
import type { BlockDetail, BlockOrigin } from './block-tables.ts';
import type { Db } from './connect.ts';
import { queueFor } from './edit.ts';
import type { Tx } from './ledger.ts';
import { equals, pageClauses, type SortColumn, toPage } from './page.ts';

/** Every block that holds now. */
export async function readBlocksInForce(db: Db): Promise<Block[]> {
  const { rows } = await sql<Block>`
    select id as block_id, reseller_id, subscriber_id, line_id, call_classes, reason,
      (extract(epoch from ends_at) * 1000)::float8 as ends_at_ms
    from blocks where lifted_at is null and ends_at > now()`.execute(db);
  return rows;
}

export interface OwnSettings {
  readonly subscriber_id: string;
  readonly brake_mode: BrakeMode | null;
  readonly brake_percent: number | null;
}

/** Subscribers that are watched otherwise than the platform has it. */
export async function readBrakeSettings(db: Db): Promise<OwnSettings[]> {
  const { rows } = await sql<OwnSettings>`
    select id as subscriber_id, brake_mode, brake_percent from subscribers
    where brake_mode is not null or brake_percent is not null`.execute(db);
  return rows;
}

export interface Suspect {
  readonly reseller_id: string;
  readonly subscriber_id: string;
  readonly line_id: string | null;
  readonly call_classes: readonly CallClass[];
  readonly detail: BlockDetail;
}

/** The brake's own times that count when it blocks the same again: those that people lifted were a mistake. */
const REMEMBERED = sql.raw("interval '7 days'");

/**
 * Blocks what is suspicious, for longer each time. null: it is blocked already, by another process at the same moment or
 * by people.
 */
export async function blockSuspect(tx: Tx, suspect: Suspect): Promise<{ id: string; ends_at: Date } | null> {
  const { reseller_id, subscriber_id, line_id, call_classes, detail } = suspect;
  await queueFor(tx, `blocks of ${subscriber_id}`);
  const same = sql`subscriber_id = ${subscriber_id} and (line_id is null or line_id = ${line_id})
    and call_classes @> ${call_classes}::text[]`;
  const { rows } = await sql<{ holds: boolean; before: number }>`
    select coalesce(bool_or(lifted_at is null and ends_at > now()), false) as holds,
      (count(*) filter (where origin = 'BRAKE' and lifted_at is null))::integer as before
    from blocks where ${same} and (ends_at > now() or created_at > now() - ${REMEMBERED})`.execute(tx);
  const { holds = false, before = 0 } = rows[0] ?? {};
  if (holds) return null;
  const seconds = brakeBlock_ms(before) / 1_000;
  const made = await sql<{ id: string; ends_at: Date }>`
    insert into blocks (reseller_id, subscriber_id, line_id, direction, call_classes, reason, origin, detail,
      created_by, ends_at)
    values (${reseller_id}, ${subscriber_id}, ${line_id}, 'OUT', ${call_classes}, 'SUSPICION', 'BRAKE',
      ${JSON.stringify(detail)}, 'brake', clock_timestamp() + make_interval(secs => ${seconds}))
    returning id, ends_at`.execute(tx);
  return made.rows[0] ?? null;
}

export interface BlockRow {
  id: string;
  reseller_id: string;
  subscriber_id: string | null;
  subscriber_name: string | null;
  line_id: string | null;
  extension: string | null;
  direction: Direction;
  call_classes: CallClass[];
  reason: BlockReason;
  origin: BlockOrigin;
  note: string | null;
  detail: BlockDetail | null;
  created_by: string;
  created_at: Date;
  ends_at: Date;
  lifted_at: Date | null;
  lifted_by: string | null;
}

const COLUMNS =
  sql.raw(`b.id, b.reseller_id, b.subscriber_id, s.name as subscriber_name, b.line_id, l.extension,
  b.direction, b.call_classes, b.reason, b.origin, b.note, b.detail, b.created_by, b.created_at, b.ends_at,
  b.lifted_at, b.lifted_by`);
const FROM = sql.raw(
  'from blocks b left join subscribers s on s.id = b.subscriber_id left join lines l on l.id = b.line_id',
);

export interface BlockFilter {
  readonly subscriber_id?: string | undefined;
  readonly line_id?: string | undefined;
  /** Only those that hold now. */
  readonly in_force?: boolean | undefined;
}

/** One page of the blocks that whoever holds the transaction may see. */
export async function listBlocks(tx: Tx, request: PageRequest, filter: BlockFilter): Promise<Page<BlockRow>> {
  const sorts: Readonly<Record<string, SortColumn>> = { created_at: ['b.created_at', 'timestamptz'] };
  const page = pageClauses(request, sorts, ['b.id', 'uuid']);
  const holds = filter.in_force ? sql`b.lifted_at is null and b.ends_at > now()` : sql`true`;
  const { rows } = await sql<BlockRow & { page_cursor: string }>`
    select ${COLUMNS}, ${page.cursor} as page_cursor ${FROM}
    where ${page.after} and ${holds} and ${equals('b.subscriber_id', filter.subscriber_id)}
      and ${equals('b.line_id', filter.line_id)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findBlock(tx: Tx | Db, block_id: string): Promise<BlockRow | null> {
  const { rows } = await sql<BlockRow>`select ${COLUMNS} ${FROM} where b.id = ${block_id}`.execute(tx);
  return rows[0] ?? null;
}

/** Gives whether the block held until now, and whoever holds the transaction may lift it. */
export async function liftBlock(tx: Tx, block_id: string, lifted_by: string): Promise<boolean> {
  const { rows } = await sql`
    update blocks set lifted_at = clock_timestamp(), lifted_by = ${lifted_by}
    where id = ${block_id} and lifted_at is null and ends_at > now() returning id`.execute(tx);
  return rows.length > 0;
}
