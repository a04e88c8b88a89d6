import { eraseJournal, readClock, readJournal } from '../asterisk/ami/actions.ts';
import { type JournalEntry, parseJournal } from '../asterisk/journal.ts';
import type { Switch } from '../asterisk/session.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { settledAmong } from '../stores/postgres/settlements.ts';
import type { LiveCallStore, StoredCall } from '../stores/redis/live-calls.ts';
import type { Admissions } from './admission.ts';
import type { Controller } from './controller.ts';
import { decodeFacts, type LiveCall } from './live-call.ts';
import type { Log } from './log.ts';
import {
  type Moment,
  markAnswered,
  type Rebuilder,
  restoreCall,
  type SeenCall,
  seenCalls,
} from './recovery.ts';
import { type CallEnd, type Settler, settlementOf } from './settlement.ts';

export interface Reconciler {
  /**
   * Makes what is known agree with what runs on a switch: takes over running calls, settles those that ended
   * unheard, prolongs the leases of the others. `fresh`: the link has just come up, nothing is taken for known.
   */
  reconcile(link: Switch, fresh: boolean): Promise<void>;
  /** Settles what only the journal knows, and erases its buckets once all their calls are in the ledger. */
  sweepJournal(link: Switch): Promise<void>;
}

export interface ReconcileDependencies {
  readonly db: Db;
  readonly store: LiveCallStore;
  readonly admissions: Admissions;
  readonly controller: Controller;
  readonly settler: Settler;
  readonly rebuilder: Rebuilder;
  readonly log: Log;
}

/** A bucket of the journal is erased when no call can still be written into it or be on its way to the ledger. */
const ERASE_AFTER_seconds = 300;
const BUCKET_seconds = 100;

function endOfJournal(entry: JournalEntry): CallEnd {
  const { ended_at_ms, talk_ms, q850 } = entry;
  return { ended_at_ms, talk_ms, reason: 'SWITCH_JOURNAL', q850 };
}

/** R8: a call that vanished is billed to the last time that its switch showed it. */
function endOfGhost({ answered_at_ms }: LiveCall, seen_at_ms: number): CallEnd {
  const talk_ms = answered_at_ms === null ? 0 : Math.max(0, seen_at_ms - answered_at_ms);
  return { ended_at_ms: (answered_at_ms ?? seen_at_ms) + talk_ms, talk_ms, reason: 'LOST', q850: null };
}

/** When a call was last seen, by its switch's clock if it is answered: by how long ago that is, as ours may have been set. */
function seenAt({ facts, answered_at_ms, answered_mono_ms }: LiveCall, seen: Moment | undefined): number {
  if (answered_at_ms === null || answered_mono_ms === null) return seen?.wall_ms ?? facts.created_at_ms;
  return seen ? answered_at_ms + seen.mono_ms - answered_mono_ms : answered_at_ms;
}

export function createReconciler(deps: ReconcileDependencies): Reconciler {
  const { db, store, admissions, controller, settler, rebuilder, log } = deps;
  /** When each running call was last shown by its switch. */
  const lastSeen = new Map<string, Moment>();

  /** Now, by the clock that tells when the switch's calls were answered: ours may have been set meanwhile. */
  async function momentOf(link: Switch): Promise<Moment> {
    const wall_ms = await readClock(link.ami);
    return { wall_ms, mono_ms: performance.now() };
  }

  async function readEntries(link: Switch): Promise<Map<string, JournalEntry>> {
    const entries = new Map<string, JournalEntry>();
    for (const row of await readJournal(link.ami)) {
      const entry = parseJournal(row);
      if (entry) entries.set(entry.call_id, entry);
      else log.warn({ server: link.name, call: row.call_id }, 'a journal row is not understood');
    }
    return entries;
  }

  async function takeOver(
    link: Switch,
    seen: SeenCall,
    stored: StoredCall | undefined,
    now: Moment,
  ): Promise<void> {
    if (stored) {
      if (!stored.ended) controller.adopt(restoreCall(stored, seen, now));
      return;
    }
    const call = await rebuilder.fromSwitch(link.server_id, seen, now);
    if (!call) {
      log.error(
        { server: link.name, call: seen.call_id, exten: seen.exten },
        'a running call cannot be explained',
      );
      return;
    }
    if (call.registered) await admissions.adopt(call.facts, call.grant);
    controller.adopt(call);
    log.info({ call: seen.call_id }, 'a running call was rebuilt from its switch');
  }

  /** What its switch told of a known call while it was not heard. */
  async function catchUp(call: LiveCall, seen: SeenCall, now: Moment): Promise<void> {
    call.callee ??= seen.callee;
    if (seen.answered_at_ms === null || call.answered_at_ms !== null) return;
    markAnswered(call, seen.answered_at_ms, now);
    controller.adopt(call);
    if (call.registered) await store.answer(seen.call_id, seen.answered_at_ms);
  }

  function settle(call: LiveCall, end: CallEnd): void {
    settler.add(settlementOf(call, end).record);
    log.info({ call: call.facts.call_id, reason: end.reason }, 'a call that ended unheard is settled');
  }

  /** Calls that Redis holds for a switch which shows them no more: their end was not heard. */
  function settleVanished(stored: StoredCall, entry: JournalEntry | undefined, now: Moment): void {
    const call = restoreCall(stored, null, now);
    if (entry) call.answered_at_ms ??= entry.ended_at_ms - entry.talk_ms;
    settle(
      call,
      entry ? endOfJournal(entry) : endOfGhost(call, stored.seen_at_ms ?? call.facts.created_at_ms),
    );
  }

  async function reconcileFresh(link: Switch): Promise<void> {
    const known = new Map((await store.callsOf(link.server_id)).map((call) => [call.call_id, call]));
    const channels = await link.ari.channels();
    const ids = new Set(channels.map((channel) => channel.id));
    const journal = await readEntries(link);
    const now = await momentOf(link);
    const unsettled = (await store.ended()).filter(
      (call) => decodeFacts(call.facts).server_id === link.server_id,
    );
    for (const seen of seenCalls(channels)) {
      const running = controller.live.get(seen.call_id);
      if (running) await catchUp(running, seen, now);
      else await takeOver(link, seen, known.get(seen.call_id), now);
    }
    for (const call of controller.live.values()) endUnheard(link, call, ids, journal);
    for (const stored of [...known.values(), ...unsettled]) {
      if (ids.has(stored.call_id) || controller.live.has(stored.call_id)) continue;
      settleVanished(stored, journal.get(stored.call_id), now);
    }
    await recoverFromJournal(
      link,
      [...journal.values()].filter((entry) => !known.has(entry.call_id)),
    );
  }

  function endUnheard(
    link: Switch,
    call: LiveCall,
    ids: Set<string>,
    journal: Map<string, JournalEntry>,
  ): void {
    const { call_id, server_id } = call.facts;
    if (server_id !== link.server_id || ids.has(call_id)) return;
    const entry = journal.get(call_id);
    const seen_at_ms = seenAt(call, lastSeen.get(call_id));
    controller.end(call, entry ? endOfJournal(entry) : endOfGhost(call, seen_at_ms));
    lastSeen.delete(call_id);
  }

  async function recoverFromJournal(link: Switch, entries: readonly JournalEntry[]): Promise<JournalEntry[]> {
    const settled = await settledAmong(
      db,
      entries.map((entry) => entry.call_id),
    );
    const missing = entries.filter(({ call_id }) => !settled.has(call_id) && !controller.live.has(call_id));
    for (const entry of missing) {
      const call = await rebuilder.fromJournal(link.server_id, entry);
      if (call) settle(call, endOfJournal(entry));
      else log.error({ server: link.name, call: entry.call_id }, 'a journalled call cannot be explained');
    }
    return missing;
  }

  async function reconcileRunning(link: Switch): Promise<void> {
    // Taken before the list: a call that begins while we ask is not missing, only younger than the answer.
    const before = [...controller.live.values()].filter((call) => call.facts.server_id === link.server_id);
    const ids = new Set((await link.ari.channels()).map((channel) => channel.id));
    const missing = before.filter((call) => !ids.has(call.facts.call_id));
    const unseen = (await store.unseenOf(link.server_id)).filter(
      ({ call_id }) => !ids.has(call_id) && !controller.live.has(call_id),
    );
    if (missing.length + unseen.length === 0) return;
    const [journal, now] = [await readEntries(link), await momentOf(link)];
    for (const call of missing) endUnheard(link, call, ids, journal);
    for (const stored of unseen) settleVanished(stored, journal.get(stored.call_id), now);
    log.warn({ server: link.name, calls: missing.length + unseen.length }, 'calls ended unheard');
  }

  async function renew(link: Switch): Promise<void> {
    const calls = [...controller.live.values()].filter((call) => call.facts.server_id === link.server_id);
    const now = { wall_ms: Date.now(), mono_ms: performance.now() };
    for (const call of calls) lastSeen.set(call.facts.call_id, now);
    for (const id of lastSeen.keys()) if (!controller.live.has(id)) lastSeen.delete(id);
    const ids = calls.filter((call) => call.registered).map((call) => call.facts.call_id);
    await store.renew(link.server_id, ids, true);
  }

  return {
    async reconcile(link, fresh) {
      if (fresh) await reconcileFresh(link);
      else await reconcileRunning(link);
      await renew(link);
    },
    async sweepJournal(link) {
      const oldest = Math.floor((Date.now() / 1000 - ERASE_AFTER_seconds) / BUCKET_seconds);
      const entries = [...(await readEntries(link)).values()].filter(
        (entry) => Number(entry.bucket) < oldest,
      );
      const missing = await recoverFromJournal(link, entries);
      const open = new Set(missing.map((entry) => entry.bucket));
      for (const bucket of new Set(entries.map((entry) => entry.bucket))) {
        if (!open.has(bucket)) await eraseJournal(link.ami, bucket);
      }
    },
  };
}
