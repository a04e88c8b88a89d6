import type { ColumnType, Generated } from 'kysely';
import type { Direction } from '../../domain/authorize-inbound.ts';
import type { BlockReason } from '../../domain/blocks.ts';
import type { ClassGroup, Sign, WatchedLevel } from '../../domain/brake.ts';
import type { CallClass } from '../../domain/call-class.ts';

/** Whose block it is: nobody below lifts it. */
export const BLOCK_ORIGINS = ['BRAKE', 'RESELLER', 'MASTER'] as const;
export type BlockOrigin = (typeof BLOCK_ORIGINS)[number];

export const NOTICE_KINDS = ['CALLS_BLOCKED', 'CALLS_SUSPICIOUS'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** What tripped the brake. */
export interface BlockDetail {
  readonly group: ClassGroup;
  readonly level: WatchedLevel;
  readonly score: number;
  readonly signs: readonly Sign[];
}

/** Whom a notice is to be sent to. */
export interface Recipient {
  readonly name: string;
  readonly email: string | null;
  readonly phone: string | null;
}

/** Written as JSON text, read as what it holds. */
type Json<T> = ColumnType<T, string | undefined, string>;
type CreatedAt = ColumnType<Date, Date | undefined, never>;

export interface BlockTables {
  blocks: {
    id: Generated<string>;
    reseller_id: string;
    subscriber_id: string | null;
    line_id: string | null;
    direction: Direction;
    call_classes: CallClass[];
    reason: BlockReason;
    origin: BlockOrigin;
    note: string | null;
    detail: Json<BlockDetail | null>;
    created_by: string;
    created_at: CreatedAt;
    ends_at: Date;
    lifted_at: Date | null;
    lifted_by: string | null;
  };
  notices: {
    id: Generated<string>;
    reseller_id: string;
    subscriber_id: string;
    audience: 'RESELLER' | 'SUBSCRIBER';
    kind: NoticeKind;
    line_id: string | null;
    block_id: string | null;
    subject: string;
    body: string;
    recipients: Json<Recipient[]>;
    created_at: CreatedAt;
    read_at: Date | null;
    sent_at: Date | null;
  };
}
