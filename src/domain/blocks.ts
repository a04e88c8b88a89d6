import { CALL_CLASSES, type CallClass } from './call-class.ts';

/** Who takes part in a call and may be kept from it: a whole reseller, a subscriber, or one of its lines. */
export const BLOCK_LEVELS = ['RESELLER', 'SUBSCRIBER', 'LINE'] as const;
export type BlockLevel = (typeof BLOCK_LEVELS)[number];

/** Why calls are blocked. SUSPICION is the brake's own; people give one of the others. */
export const BLOCK_REASONS = ['SUSPICION', 'FRAUD', 'ABUSE', 'REQUEST', 'OTHER'] as const;
export type BlockReason = (typeof BLOCK_REASONS)[number];

/** No block ever touches these (R15), so none can name them. */
const NEVER_BLOCKED: readonly CallClass[] = ['EMERGENCY', 'INTERNAL'];

/** What can be blocked. INBOUND is the direction in; all others are calls out. */
export const BLOCKABLE_CLASSES = CALL_CLASSES.filter((one) => !NEVER_BLOCKED.includes(one));

/** A block that is in force until its end, unless it is lifted before (R16). */
export interface Block {
  readonly block_id: string;
  readonly reseller_id: string;
  /** null: every subscriber of the reseller. */
  readonly subscriber_id: string | null;
  /** null: every line of the subscriber. */
  readonly line_id: string | null;
  readonly call_classes: readonly CallClass[];
  readonly reason: BlockReason;
  readonly ends_at_ms: number;
}

/** What a block is compared with. */
export interface BlockableCall {
  readonly reseller_id: string;
  readonly subscriber_id: string;
  readonly line_id: string;
  readonly call_class: CallClass;
}

export function levelOfBlock(block: Pick<Block, 'subscriber_id' | 'line_id'>): BlockLevel {
  if (block.subscriber_id === null) return 'RESELLER';
  return block.line_id === null ? 'SUBSCRIBER' : 'LINE';
}

export function blocks(block: Block, call: BlockableCall, now_ms: number): boolean {
  if (NEVER_BLOCKED.includes(call.call_class) || now_ms >= block.ends_at_ms) return false;
  return (
    block.reseller_id === call.reseller_id &&
    (block.subscriber_id === null || block.subscriber_id === call.subscriber_id) &&
    (block.line_id === null || block.line_id === call.line_id) &&
    block.call_classes.includes(call.call_class)
  );
}

/** Of the blocks that hold for a call the one that ends last: until then there is no use in trying again. */
export function blockOf(all: readonly Block[], call: BlockableCall, now_ms: number): Block | null {
  const holding = all.filter((block) => blocks(block, call, now_ms));
  return holding.reduce<Block | null>(
    (last, block) => (last && last.ends_at_ms >= block.ends_at_ms ? last : block),
    null,
  );
}

const HOUR_ms = 3_600_000;
const LONGEST_ms = 24 * HOUR_ms;

/** How long the brake blocks: an hour, twice as long for each time that it blocked the same before, a day at most. */
export function brakeBlock_ms(before: number): number {
  return Math.min(LONGEST_ms, HOUR_ms * 2 ** before);
}
