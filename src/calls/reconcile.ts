import { eraseJournal, readClock, readJournal } from '../asterisk/ami/actions.ts';
import { isToneChannel } from '../asterisk/ari/whisper.ts';
import { type BegunCall, type JournalEntry, type OfflineRefusal, parseJournal } from '../asterisk/journal.ts';
import type { Switch } from '../asterisk/session.ts';
import { CALL_CLASS_FACTS } from '../domain/call-class.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { settledAmong } from '../stores/postgres/settlements.ts';
import type { LiveCallStore, StoredCall } from '../stores/redis/live-calls.ts';
import type { Admissions } from './admission.ts';
import type { Controller } from './controller.ts';
import { compareSights, createDriftKeeper, type Drift, type DriftKeeper } from './drift.ts';
import { besidesHeld } from './forwarding.ts';
import { NORMAL_CLEARING } from './hang-up.ts';
import { decodeFacts, type LiveCall } from './live-call.ts';
import type { Log } from './log.ts';
import type { OfflineBook } from './offline.ts';
import {
  type Moment,
  markAnswered,
  type Rebuilder,
  restoreCall,
  runningIds,
  type SeenCall,
  seenCalls,
} from './recovery.ts';
import type { LostCall, SecondSource } from './second-source.ts';
import { type CallEnd, type Settler, settlementOf } from './settlement.ts';

export interface Reconciler {
  /**
   * Makes what is known agree with what runs on a switch: takes over running calls, settles those that ended
   * unheard, prolongs the leases of the others. `fresh`: the link has just come up, nothing is taken for known.
   */
  reconcile(link: Switch, fresh: boolean): Promise<void>;
  /** What was found to differ at the last reconciliation of a server, and in all of them. */
  readonly driftOf: DriftKeeper['counts'];
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
  readonly offline: OfflineBook;
  readonly second: SecondSource;
  readonly log: Log;
}

/** Calls that ended, by id, and those that the dialplan refused. */
interface Journal {
  readonly ended: Map<string, JournalEntry>;
  readonly refused: OfflineRefusal[];
}

/** A bucket of the journal is erased when no call can still be written into it or be on its way to the ledger. */
const ERASE_AFTER_seconds = 300;
const BUCKET_seconds = 100;
/** An end that the switch told before its list of channels may reach us after it. */
const HEARD_LATE_ms = 300;

function endOfJournal(entry: JournalEntry): CallEnd {
  const { ended_at_ms, talk_ms, q850, kind } = entry;
  const reason = kind === 'OFFLINE' ? 'OFFLINE' : 'SWITCH_JOURNAL';
  return { ended_at_ms, talk_ms, reason, q850 };
}

/** It was let go when nobody knew that its number has no price; it is never charged at one that was made up. */
function isUnpriced({ facts }: LiveCall): boolean {
  return facts.rate === null && !CALL_CLASS_FACTS[facts.call_class].free;
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
  const { db, store, admissions, controller, settler, rebuilder, offline, second, log } = deps;
  /** When each running call was last shown by its switch. */
  const lastSeen = new Map<string, Moment>();
  const drifting = createDriftKeeper();

  const callsOn = ({ server_id }: Switch) =>
    [...controller.live.values()].filter((call) => call.facts.server_id === server_id);

  /** Now, by the clock that tells when the switch's calls were answered: ours may have been set meanwhile. */
  async function momentOf(link: Switch): Promise<Moment> {
    const wall_ms = await readClock(link.ami);
    return { wall_ms, mono_ms: performance.now() };
  }

  async function readAll(link: Switch): Promise<Journal> {
    const journal: Journal = { ended: new Map(), refused: [] };
    for (const row of await readJournal(link.ami)) {
      const entry = parseJournal(row);
      if (!entry) log.warn({ server: link.name, call: row.call_id }, 'a journal row is not understood');
      else if (entry.kind === 'REFUSED') journal.refused.push(entry);
      else journal.ended.set(entry.call_id, entry);
    }
    return journal;
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
    const rebuilt = await rebuilder.fromSwitch(link.server_id, seen, now);
    if (!rebuilt) {
      log.error(
        { server: link.name, call: seen.call_id, exten: seen.exten },
        'a running call cannot be explained',
      );
      return;
    }
    const call = { ...rebuilt, facts: besidesHeld(rebuilt.facts, controller.live) };
    if (call.registered) await admissions.adopt(call.facts, call.grant);
    controller.adopt(call);
    log.info({ call: seen.call_id }, 'a running call was rebuilt from its switch');
  }

  /** What its switch told of a known call while it was not heard. */
  async function catchUp(call: LiveCall, seen: SeenCall, now: Moment): Promise<void> {
    controller.found(call, seen);
    if (seen.answered_at_ms === null || call.answered_at_ms !== null) return;
    markAnswered(call, seen.answered_at_ms, now);
    controller.adopt(call);
    if (call.registered) await store.answer(seen.call_id, call.facts.server_id, seen.answered_at_ms);
  }

  function settle(call: LiveCall, end: CallEnd): void {
    settler.add(settlementOf(call, end).record);
    log.info({ call: call.facts.call_id, reason: end.reason }, 'a call that ended unheard is settled');
  }

  /** Calls that Redis holds for a switch which shows them no more: their end was not heard. */
  async function settleVanished(
    stored: StoredCall,
    now: Moment,
    entry?: JournalEntry,
    lost?: LostCall,
  ): Promise<void> {
    const call = restoreCall(stored, null, now);
    if (entry?.answered_by) await rebuilder.nameLine(call, entry.answered_by);
    if (entry && entry.talk_ms > 0) call.answered_at_ms ??= entry.ended_at_ms - entry.talk_ms;
    call.answered_at_ms ??= lost?.answered_at_ms ?? null;
    const seen_at_ms = Math.max(stored.seen_at_ms ?? call.facts.created_at_ms, lost?.seen_at_ms ?? 0);
    settle(call, entry ? endOfJournal(entry) : endOfGhost(call, seen_at_ms));
  }

  /** Answered calls that nobody knows of but the row about their beginning. */
  async function settleLost(link: Switch, lost: readonly LostCall[]): Promise<void> {
    for (const { seen_at_ms, answered_at_ms, ...known } of lost) {
      const talk_ms = seen_at_ms - answered_at_ms;
      const end = { ended_at_ms: seen_at_ms, talk_ms, q850: null } as const;
      const unknown = { forwarded_from: null, answered_by: null };
      const call = await rebuilder.fromJournal(link.server_id, { ...known, ...end, ...unknown });
      if (call) call.answered_at_ms = answered_at_ms;
      if (call) settle(call, { ...end, reason: 'LOST' });
      else log.error({ server: link.name, call: known.call_id }, 'a lost call cannot be explained');
    }
  }

  async function reconcileFresh(link: Switch): Promise<void> {
    // Taken before the list: a call that begins while we ask is not missing, only younger than the answer.
    const before = callsOn(link);
    const known = new Map((await store.callsOf(link.server_id)).map((call) => [call.call_id, call]));
    const begun = await second.begun(link);
    const channels = await link.ari.channels();
    const ids = runningIds(channels);
    // Of a process that died between two of its requests; all others end by themselves.
    for (const id of ids) if (isToneChannel(id)) await link.ari.hangUp(id, NORMAL_CLEARING);
    const { ended: journal, refused } = await readAll(link);
    const lost = await second.lostAmong(link, begun, ids, journal);
    const now = await momentOf(link);
    const unsettled = (await store.ended()).filter(
      (call) => decodeFacts(call.facts).server_id === link.server_id,
    );
    for (const seen of seenCalls(channels)) {
      const running = controller.live.get(seen.call_id);
      if (running) await catchUp(running, seen, now);
      else await takeOver(link, seen, known.get(seen.call_id), now);
    }
    for (const call of before) endUnheard(call, ids, journal);
    for (const stored of [...known.values(), ...unsettled]) {
      if (ids.has(stored.call_id) || controller.live.has(stored.call_id)) continue;
      const { call_id } = stored;
      await settleVanished(
        stored,
        now,
        journal.get(call_id),
        lost.find((one) => one.call_id === call_id),
      );
    }
    const unknown = lost.filter(({ call_id }) => !known.has(call_id) && !controller.live.has(call_id));
    await settleLost(link, await second.eraseSettled(link, unknown));
    await recoverFromJournal(
      link,
      [...journal.values()].filter((entry) => !known.has(entry.call_id)),
    );
    await offline.record(link, refused);
    await offline.renewBudgets(link);
  }

  function endUnheard(call: LiveCall, ids: ReadonlySet<string>, journal: Map<string, JournalEntry>): void {
    const { call_id } = call.facts;
    if (ids.has(call_id)) return;
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
      if (call && isUnpriced(call))
        log.error({ server: link.name, call: entry.call_id }, 'a call has no price');
      if (call) settle(call, endOfJournal(entry));
      else log.error({ server: link.name, call: entry.call_id }, 'a journalled call cannot be explained');
    }
    return missing;
  }

  async function reconcileRunning(link: Switch): Promise<void> {
    const know = () => callsOn(link).map(({ facts: { call_id }, registered }) => ({ call_id, registered }));
    const before = know();
    const redis = await store.idsOf(link.server_id);
    const all = await link.ari.channels();
    const channels = runningIds(all);
    const seen = seenCalls(all);
    const look = () =>
      compareSights({ before, after: know(), redis, channels, let_go: seen.map(({ call_id }) => call_id) });
    if (look().NOT_ON_SWITCH.length > 0) await new Promise((resolve) => setTimeout(resolve, HEARD_LATE_ms));
    const drift = drifting.confirm(link.server_id, look());
    if (Object.values(drift).every((ids) => ids.length === 0)) return;
    log.warn({ server: link.name, ...drift }, 'calls drift');
    await mend(link, drift, seen);
  }

  async function mend(link: Switch, drift: Drift, seen: readonly SeenCall[]): Promise<void> {
    const stored = new Map((await store.callsOf(link.server_id)).map((call) => [call.call_id, call]));
    const [{ ended: journal }, now] = [await readAll(link), await momentOf(link)];
    const lost = callsOn(link).filter((call) => drift.NOT_ON_SWITCH.includes(call.facts.call_id));
    for (const call of lost) endUnheard(call, new Set(), journal);
    for (const one of seen.filter(({ call_id }) => drift.NOT_KNOWN.includes(call_id)))
      await takeOver(link, one, stored.get(one.call_id), now);
    for (const id of drift.ONLY_IN_REDIS) {
      const call = stored.get(id);
      if (call) await settleVanished(call, now, journal.get(id));
    }
    for (const call of callsOn(link).filter((one) => drift.NOT_IN_REDIS.includes(one.facts.call_id)))
      await admissions.adopt(call.facts, call.grant);
  }

  async function sweepLost(
    link: Switch,
    begun: readonly BegunCall[],
    ids: ReadonlySet<string>,
    journal: ReadonlyMap<string, JournalEntry>,
    old_ms: number,
  ): Promise<void> {
    const lost = await second.lostAmong(link, begun, ids, journal);
    const old = lost.filter((one) => one.seen_at_ms < old_ms && !controller.live.has(one.call_id));
    await settleLost(link, await second.eraseSettled(link, old));
  }

  async function renew(link: Switch): Promise<void> {
    const calls = callsOn(link);
    const now = { wall_ms: Date.now(), mono_ms: performance.now() };
    for (const call of calls) lastSeen.set(call.facts.call_id, now);
    for (const id of lastSeen.keys()) if (!controller.live.has(id)) lastSeen.delete(id);
    const ids = calls.filter((call) => call.registered).map((call) => call.facts.call_id);
    await store.renew(link.server_id, ids, true);
  }

  return {
    driftOf: drifting.counts,
    async reconcile(link, fresh) {
      if (fresh) await reconcileFresh(link);
      else await reconcileRunning(link);
      await renew(link);
    },
    async sweepJournal(link) {
      const old_ms = (await readClock(link.ami)) - ERASE_AFTER_seconds * 1000;
      const oldest = Math.floor(old_ms / 1000 / BUCKET_seconds);
      const begun = await second.begun(link);
      const channels = await link.ari.channels();
      const isOld = ({ bucket }: { readonly bucket: string }) => Number(bucket) < oldest;
      const journal = await readAll(link);
      const entries = [...journal.ended.values()].filter(isOld);
      const refused = journal.refused.filter(isOld);
      const unsettled = await recoverFromJournal(link, entries);
      second.found.unsettled += unsettled.length;
      const missing = [...unsettled, ...(await offline.record(link, refused))];
      await sweepLost(link, begun, runningIds(channels), journal.ended, old_ms);
      const open = new Set(missing.map(({ bucket }) => bucket));
      await second.compare(
        link,
        entries.filter(({ bucket }) => !open.has(bucket)),
      );
      for (const bucket of new Set([...entries, ...refused].map((entry) => entry.bucket))) {
        if (!open.has(bucket)) await eraseJournal(link.ami, bucket);
      }
      await offline.renewBudgets(link);
    },
  };
}
