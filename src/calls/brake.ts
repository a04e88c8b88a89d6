import { randomUUID } from 'node:crypto';
import type { Bill } from '../domain/bill.ts';
import { type Block, levelOfBlock } from '../domain/blocks.ts';
import {
  type BrakeMode,
  type ClassGroup,
  groupOf,
  type NightHours,
  SHORT_CALL_ms,
  SHORT_SLICE_seconds,
  WATCHED_LEVELS,
  type WatchedLevel,
} from '../domain/brake.ts';
import { type Grant, grantedSeconds } from '../domain/charge.ts';
import { localTime } from '../domain/cycle.ts';
import { priceOfSeconds } from '../domain/money.ts';
import type { Refusal } from '../domain/refusals.ts';
import { type Db, isAway } from '../stores/postgres/connect.ts';
import type { WatchStore } from '../stores/redis/watch-store.ts';
import type { CallFacts, LiveCall } from './live-call.ts';
import type { Log } from './log.ts';
import { createRestrictions } from './restrictions.ts';
import { createShelf } from './shelf.ts';
import { type Suspicion, suspectOf, writeBlock, writeSuspicion } from './suspicion.ts';
import { createWatch, type Judgements, type WatchDependencies, watchedGroup } from './watch.ts';

/** Slows down and blocks calls that look like fraud, and keeps to blocks that people made. */
export interface Brake {
  /** Why a call may not begin now. Emergency and internal calls are never blocked. */
  refusalOf(facts: CallFacts): Promise<Refusal | null>;
  /** How long the call's next slice may be at most; 0: it is blocked and gets none. */
  sliceSeconds(facts: CallFacts): number;
  began(facts: CallFacts, grant: Grant): void;
  /** The call was granted more than before. */
  granted(call: LiveCall, before: Grant): void;
  ended(call: LiveCall, bill: Bill, talk_ms: number): void;
  /** Blocks or settings changed. */
  reload(): void;
  idle(): Promise<void>;
}

export interface BrakeDependencies {
  readonly db: Db;
  readonly store: WatchStore;
  readonly log: Log;
  readonly slice_seconds: number;
  /** How subscribers are watched whose reseller has not said otherwise. */
  readonly mode: BrakeMode;
  readonly night: NightHours;
  readonly localTime?: WatchDependencies['localTime'];
}

/** A block holds at once; while Postgres is away, writing it down is tried again so often. */
const RETRY_ms = 2_000;
/** The same suspicion is written down so often at most. */
const TOLD_ms = 3_600_000;

function refusalBy(block: Block): Refusal {
  const until = new Date(block.ends_at_ms).toISOString();
  return { reason: 'BLOCKED', detail: `${levelOfBlock(block)} ${block.reason} ${until}` };
}

/** What seconds are worth by the call's price, whoever pays them. */
function worth({ rate }: CallFacts, seconds: number): bigint {
  return rate ? priceOfSeconds(rate.price_micros_per_minute, seconds) : 0n;
}

export function createBrake(deps: BrakeDependencies): Brake {
  const { db, store, log, slice_seconds, mode, night } = deps;
  const { localTime: now = () => localTime(new Date()) } = deps;
  const restrictions = createRestrictions({ db, log, mode, onLifted });
  const watch = createWatch({ db, store, log, night, onCounted, localTime: now });
  const told = createShelf<number>();
  const writing = new Set<Promise<void>>();

  function onLifted({ subscriber_id, line_id, call_classes, reason }: Block): void {
    if (reason !== 'SUSPICION' || subscriber_id === null) return;
    for (const group of new Set(call_classes.map(groupOf))) {
      if (!group) continue;
      for (const id of [line_id, subscriber_id]) told.delete(`${id} ${group}`);
      watch
        .forget(subscriber_id, line_id, group)
        .catch((error: Error) => log.warn({ err: error, subscriber_id }, 'what was lifted still counts'));
    }
  }

  /** Writes down in the background; a stop waits for it. */
  function write(work: () => Promise<void>): void {
    const written: Promise<void> = work()
      .catch((error: Error) => log.error({ err: error }, 'a suspicion cannot be written down'))
      .finally(() => writing.delete(written));
    writing.add(written);
  }

  async function patiently(suspicion: Suspicion, until_ms: number): Promise<void> {
    for (;;) {
      try {
        await writeBlock(db, suspicion);
        return;
      } catch (error) {
        if (!isAway(error) || Date.now() > until_ms) throw error;
        log.warn({ err: error }, 'Postgres is away; a block holds and waits to be written down');
        await new Promise((resolve) => setTimeout(resolve, RETRY_ms).unref());
      }
    }
  }

  /** An hour is the least that it will be; Postgres knows how often it was before. */
  function block(suspicion: Suspicion): void {
    const { detail: _, ...suspect } = suspectOf(suspicion);
    const ends_at_ms = Date.now() + TOLD_ms;
    const held: Block = { ...suspect, block_id: randomUUID(), reason: 'SUSPICION', ends_at_ms };
    restrictions.add(held);
    const { facts, level, group, judgement } = suspicion;
    log.warn({ line: facts.line_id, level, group, ...judgement }, 'calls are blocked on suspicion');
    write(async () => {
      try {
        await patiently(suspicion, ends_at_ms);
        await restrictions.reload();
      } finally {
        restrictions.drop(held);
      }
    });
  }

  function tell(suspicion: Suspicion, id: string): void {
    const key = `${id} ${suspicion.group}`;
    if (Date.now() - (told.get(key) ?? Number.NEGATIVE_INFINITY) < TOLD_ms) return;
    told.set(key, Date.now());
    write(async () => void (await writeSuspicion(db, suspicion)));
  }

  /** A line's own doing is blocked there; the subscriber only for what its lines do together. */
  function onCounted(facts: CallFacts, group: ClassGroup): void {
    const settings = restrictions.settingsOf(facts.subscriber_id);
    if (settings.mode === 'OFF') return;
    const judgements = watch.judge(facts, group, settings.percent);
    const level = WATCHED_LEVELS.find((one) => judgements[one].alarming);
    if (!level) return;
    const judgement = judgements[level];
    const suspicion = { facts, level, group, judgement };
    const isBlocked = restrictions.blockOf(facts) !== null;
    if (isBlocked) return;
    if (judgement.step === 'BLOCK' && settings.mode === 'BRAKE') block(suspicion);
    else tell(suspicion, level === 'LINE' ? facts.line_id : facts.subscriber_id);
  }

  const slowest = (judgements: Judgements) =>
    WATCHED_LEVELS.some((level: WatchedLevel) => judgements[level].step !== 'NONE');

  /** What is seen of calls that are watched. */
  function see(
    facts: CallFacts,
    spent_micros: bigint,
    short_calls: number,
    numbers: readonly string[],
  ): void {
    const group = watchedGroup(facts);
    if (!group || restrictions.settingsOf(facts.subscriber_id).mode === 'OFF') return;
    if (spent_micros === 0n && short_calls === 0 && numbers.length === 0) return;
    watch.see(facts, group, { spent_micros, short_calls, numbers });
  }

  return {
    async refusalOf(facts) {
      await restrictions.ready();
      const held = restrictions.blockOf(facts);
      if (held) return refusalBy(held);
      const group = watchedGroup(facts);
      // National calls can wait for it until they are counted.
      if (group && group !== 'NATIONAL') await watch.learn(facts);
      return null;
    },
    sliceSeconds(facts) {
      if (restrictions.blockOf(facts)) return 0;
      const group = watchedGroup(facts);
      const settings = restrictions.settingsOf(facts.subscriber_id);
      if (!group || settings.mode !== 'BRAKE') return slice_seconds;
      const judgements = watch.judge(facts, group, settings.percent);
      return slowest(judgements) ? Math.min(slice_seconds, SHORT_SLICE_seconds) : slice_seconds;
    },
    began: (facts, grant) => see(facts, worth(facts, grantedSeconds(grant)), 0, [facts.number]),
    granted({ facts, grant }, before) {
      see(facts, worth(facts, grantedSeconds(grant)) - worth(facts, grantedSeconds(before)), 0, []);
    },
    ended({ facts, grant }, { charge }, talk_ms) {
      const billed = worth(facts, charge.billed_seconds);
      const short = talk_ms > 0 && talk_ms < SHORT_CALL_ms ? 1 : 0;
      see(facts, billed - worth(facts, grantedSeconds(grant)), short, []);
    },
    reload: () => void restrictions.reload(),
    async idle() {
      await watch.idle();
      while (writing.size > 0) await Promise.all(writing);
    },
  };
}
