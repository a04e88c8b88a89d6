import { eraseBegun, readBegun } from '../asterisk/ami/actions.ts';
import { parseGrant } from '../asterisk/grant-exten.ts';
import { type BegunCall, type JournalEntry, parseBegun } from '../asterisk/journal.ts';
import type { Switch } from '../asterisk/session.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { settledAmong } from '../stores/postgres/settlements.ts';
import type { Log } from './log.ts';

/** How many calls each source was needed for, since the start of this process. All of them should stay 0. */
export interface FoundCounts {
  /** Long over, in the switch's journal, and not in the ledger. */
  unsettled: number;
  /** Answered, and of whose end nobody knew anything. */
  lost: number;
  /** Billed for more than a second more or less than the switch counted. */
  differing: number;
}

/** An answered call that is gone without a record of its end, and the last sign that its switch gave while it ran. */
export interface LostCall extends BegunCall {
  readonly seen_at_ms: number;
}

export const newFoundCounts = (): FoundCounts => ({ unsettled: 0, lost: 0, differing: 0 });

export interface SecondSource {
  readonly found: FoundCounts;
  /** Calls that are answered by the switch's own record. Asked before its channels are listed: whoever is in neither is gone. */
  begun(link: Switch): Promise<BegunCall[]>;
  /** Those that run no more, and have no row in the journal. */
  lostAmong(
    link: Switch,
    begun: readonly BegunCall[],
    running: ReadonlySet<string>,
    journal: ReadonlyMap<string, JournalEntry>,
  ): Promise<LostCall[]>;
  /** Forgets lost calls that are in the ledger. Gives the others, and counts them. */
  eraseSettled(link: Switch, lost: readonly LostCall[]): Promise<LostCall[]>;
  /** Compares what was billed for settled calls with what the switch wrote down, once, before that is erased. */
  compare(link: Switch, entries: readonly JournalEntry[]): Promise<void>;
}

const TOLERANCE_ms = 1_000;

/**
 * The latest moment at which the switch that a call ran on is known to have been alive: it lost the call when it died.
 * Never later than the call had been allowed to talk when it was let go.
 */
export function lastSign(call: BegunCall, started_at_ms: number, signs: readonly number[]): number {
  const { answered_at_ms } = call;
  const told_seconds = parseGrant(call.exten)?.seconds ?? Number.POSITIVE_INFINITY;
  const before = signs.filter((at_ms) => at_ms < started_at_ms);
  return Math.min(Math.max(answered_at_ms, ...before), answered_at_ms + told_seconds * 1000);
}

/** Finds calls which neither events nor the journal told of, by what their switch wrote down when they were answered. */
export function createSecondSource(db: Db, log: Log): SecondSource {
  const found = newFoundCounts();
  /** Lost calls, each once: one may be found again before it is in the ledger. */
  const counted = new Set<string>();

  return {
    found,
    async begun(link) {
      return (await readBegun(link.ami)).flatMap((row) => {
        const call = parseBegun(row);
        if (!call)
          log.warn({ server: link.name, call: row.call_id }, 'a row of a begun call is not understood');
        return call ?? [];
      });
    },
    async lostAmong(link, begun, running, journal) {
      const over = begun.filter(({ call_id }) => !running.has(call_id));
      const lost = over.filter(({ call_id }) => !journal.has(call_id));
      // Its switch died between the two.
      for (const { call_id } of over) if (journal.has(call_id)) await eraseBegun(link.ami, call_id);
      if (lost.length === 0) return [];
      const started_at_ms = await link.ari.startedAt();
      const signs = [
        ...begun.map(({ answered_at_ms }) => answered_at_ms),
        ...[...journal.values()].map(({ ended_at_ms }) => ended_at_ms),
      ];
      return lost.map((call) => ({ ...call, seen_at_ms: lastSign(call, started_at_ms, signs) }));
    },
    async eraseSettled(link, lost) {
      const settled = await settledAmong(
        db,
        lost.map(({ call_id }) => call_id),
      );
      for (const { call_id } of lost) if (settled.has(call_id)) await eraseBegun(link.ami, call_id);
      const unsettled = lost.filter(({ call_id }) => !settled.has(call_id));
      for (const { call_id } of unsettled) counted.add(call_id);
      found.lost = counted.size;
      return unsettled;
    },
    async compare(link, entries) {
      const billed_ms = await settledAmong(
        db,
        entries.map(({ call_id }) => call_id),
      );
      for (const { call_id, talk_ms } of entries) {
        const billed = billed_ms.get(call_id);
        if (billed === undefined || Math.abs(billed - talk_ms) <= TOLERANCE_ms) continue;
        found.differing += 1;
        log.error(
          { server: link.name, call: call_id, talk_ms, billed_ms: billed },
          'billed otherwise than counted',
        );
      }
    },
  };
}
