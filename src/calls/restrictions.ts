import { type Block, type BlockableCall, blockOf } from '../domain/blocks.ts';
import { BRAKE_PERCENT, type BrakeSettings } from '../domain/brake.ts';
import { readBlocksInForce, readBrakeSettings } from '../stores/postgres/blocks.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { Log } from './log.ts';

/** Blocks that hold now and how subscribers are watched, in memory: a decision asks no database for them. */
export interface Restrictions {
  /** Resolves once they are known; while Postgres is away afterwards, what is known goes on serving. */
  ready(): Promise<void>;
  blockOf(call: BlockableCall): Block | null;
  settingsOf(subscriber_id: string): BrakeSettings;
  /** Holds at once, until it is dropped: one that the database has not been told of yet. */
  add(block: Block): void;
  drop(block: Block): void;
  /** Reads everything anew; called on every change. */
  reload(): Promise<void>;
}

export interface RestrictionDependencies {
  readonly db: Db;
  readonly log: Log;
  /** How subscribers are watched whose reseller has not said otherwise. */
  readonly mode: BrakeSettings['mode'];
  /** A block went before its end: people said that what tripped it is good. */
  onLifted(block: Block): void;
}

const RETRY_ms = 1_000;

export function createRestrictions({ db, log, mode, onLifted }: RestrictionDependencies): Restrictions {
  let stored = new Map<string, Block>();
  let settings = new Map<string, BrakeSettings>();
  const added = new Set<Block>();
  let byReseller = new Map<string, Block[]>();
  let loading: Promise<void> | null = null;
  let stale = true;
  let first: Promise<void> | null = null;

  const index = () => {
    byReseller = Map.groupBy([...stored.values(), ...added], ({ reseller_id }) => reseller_id);
  };

  async function read(): Promise<void> {
    const [blocks, own] = [await readBlocksInForce(db), await readBrakeSettings(db)];
    const before = stored;
    stored = new Map(blocks.map((block) => [block.block_id, block]));
    settings = new Map(
      own.map(({ subscriber_id, brake_mode, brake_percent }) => [
        subscriber_id,
        { mode: brake_mode ?? mode, percent: brake_percent ?? BRAKE_PERCENT.usual },
      ]),
    );
    index();
    for (const block of before.values())
      if (!stored.has(block.block_id) && block.ends_at_ms > Date.now()) onLifted(block);
  }

  /** What changes while it is read is read once more. */
  async function readUntilFresh(): Promise<void> {
    while (stale) {
      stale = false;
      try {
        await read();
      } catch (error) {
        stale = true;
        log.warn({ err: error }, 'blocks cannot be read now');
        await new Promise((resolve) => setTimeout(resolve, RETRY_ms).unref());
      }
    }
    loading = null;
  }

  const reload = () => {
    stale = true;
    loading ??= readUntilFresh();
    return loading;
  };

  return {
    ready() {
      first ??= reload();
      return first;
    },
    blockOf(call) {
      const blocks = byReseller.get(call.reseller_id);
      return blocks ? blockOf(blocks, call, Date.now()) : null;
    },
    settingsOf: (subscriber_id) => settings.get(subscriber_id) ?? { mode, percent: BRAKE_PERCENT.usual },
    add(block) {
      added.add(block);
      index();
    },
    drop(block) {
      added.delete(block);
      index();
    },
    reload,
  };
}
