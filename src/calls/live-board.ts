import { randomUUID } from 'node:crypto';
import type { LiveCallRow, LiveChange } from '../contract/live.ts';
import type { Bill } from '../domain/bill.ts';
import { formatCadence } from '../domain/cadence.ts';
import { sourcesOf } from '../domain/charge.ts';
import type { Rate } from '../domain/rate-table.ts';
import type { EndReason } from '../stores/postgres/call-tables.ts';
import { type LiveCall, paidTalk, talked_ms } from './live-call.ts';

/** Which rows a viewer may see. Without any field set: all of them. */
export interface LiveScope {
  readonly reseller_id?: string;
  readonly subscriber_id?: string;
}

/** A change with whose it is. */
export interface BoardChange {
  readonly sequence: number;
  readonly server_id: string;
  /** This process is the owner of its server; else it was told of it. */
  readonly own: boolean;
  readonly reseller_id: string;
  readonly subscriber_id: string;
  readonly change: LiveChange;
}

/** A call that runs, as the board shows it. */
export type ShownCall = BoardChange & { readonly change: Extract<LiveChange, { type: 'upsert' }> };

export interface LiveBoard {
  /** Names the life of the board: sequence numbers of another one mean nothing here. */
  readonly id: string;
  /** Number of the last change. */
  sequence(): number;
  /** A call that was removed does not come back, however late what was underway for it arrives. */
  upsert(call: LiveCall): void;
  remove(call: LiveCall, reason: EndReason, bill: Bill): void;
  /** Another process goes on with the call: its row stays, and nothing that is still under way here changes it. */
  handOver(call: LiveCall): void;
  /** Takes over what the owner of a server tells of its calls. */
  mirror(told: BoardChange): void;
  /** The calls of a server are these: other rows of it go. Nobody knows how they ended, so that viewers begin anew. */
  only(server_id: string, call_ids: ReadonlySet<string>): void;
  /** The rows of calls of a server that this process owns. */
  own(server_id: string): ShownCall[];
  isOwn(call_id: string): boolean;
  rows(scope: LiveScope): LiveCallRow[];
  /**
   * The changes after this number in their order, each row's latest alone: who knew everything up to there knows
   * everything with them. null when that is too long ago, or was never.
   */
  since(sequence: number): readonly BoardChange[] | null;
  /** Tells of every change as it happens. Gives what ends it. */
  watch(heard: (change: LiveChange) => void): () => void;
  /** Tells when rows went without a change: who followed has to begin anew. */
  watchGaps(heard: () => void): () => void;
}

const iso = (at_ms: number | null) => (at_ms === null ? null : new Date(at_ms).toISOString());

function paying({ facts, grant, answered_mono_ms }: LiveCall): LiveCallRow['paying'] {
  if (!facts.rate) return 'FREE';
  if (answered_mono_ms === null) return 'NOBODY_YET';
  // A timer may fire a moment early; the switch from minutes to money is told on the second.
  const talked_seconds = Math.round(talked_ms({ answered_mono_ms }) / 100) / 10;
  return sourcesOf(grant).findLast(({ from_seconds }) => from_seconds <= talked_seconds)?.source ?? 'MONEY';
}

const costOf = (rate: Rate | null) =>
  rate && {
    price_micros_per_minute: rate.price_micros_per_minute.toString(),
    cadence: formatCadence(rate.cadence),
  };

function toRow(call: LiveCall): LiveCallRow {
  const { facts, grant, answered_at_ms } = call;
  const funded = paidTalk(call, call.more_seconds);
  return {
    call_id: facts.call_id,
    reseller_id: facts.reseller_id,
    subscriber_id: facts.subscriber_id,
    subscriber_name: facts.subscriber_name,
    line_id: facts.line_id,
    extension: facts.extension,
    direction: facts.direction,
    caller_number: facts.caller_number,
    forwarded_from: facts.forwarded_from,
    ring_group_name: facts.ring_group_name,
    dialled: facts.dialled,
    number: facts.number,
    call_class: facts.call_class,
    phase: call.phase,
    created_at: new Date(facts.created_at_ms).toISOString(),
    ringing_at: iso(call.ringing_at_ms),
    answered_at: iso(answered_at_ms),
    paying: paying(call),
    bundle_seconds: grant.bundle_seconds + (grant.after_turn?.bundle_seconds ?? 0),
    paid_seconds: grant.paid_seconds + (grant.after_turn?.paid_seconds ?? 0),
    sources: sourcesOf(grant),
    cut_at: answered_at_ms === null || funded === null ? null : iso(answered_at_ms + funded * 1000),
    price_micros_per_minute: facts.rate?.price_micros_per_minute.toString() ?? null,
    cadence: facts.rate && formatCadence(facts.rate.cadence),
    wholesale: costOf(facts.wholesale),
    loss: facts.loss,
    carrier: costOf(facts.cost),
  };
}

export function sees(
  scope: LiveScope,
  whose: { readonly reseller_id: string; readonly subscriber_id: string },
): boolean {
  if (scope.reseller_id !== undefined && scope.reseller_id !== whose.reseller_id) return false;
  return scope.subscriber_id === undefined || scope.subscriber_id === whose.subscriber_id;
}

const isShown = (one: BoardChange): one is ShownCall => one.change.type === 'upsert';

/** How many changes back a viewer may be to be told what it missed. */
const KEPT_CHANGES = 10_000;

/** All calls that run, as viewers see them. */
export function createLiveBoard(kept_changes = KEPT_CHANGES): LiveBoard {
  const shown = new Map<string, ShownCall>();
  /** The latest change of each call, at its number: of what was overtaken nothing is kept. */
  const ring = new Array<BoardChange | undefined>(kept_changes);
  const gone = new Map<string, BoardChange>();
  const over = new WeakSet<LiveCall>();
  const watchers = new Set<(change: LiveChange) => void>();
  const gapWatchers = new Set<() => void>();
  let sequence = 0;
  /** Who knows less than this has rows that went without a change. */
  let gap = 0;

  function forget(old: BoardChange | undefined): void {
    const place = old && old.sequence % kept_changes;
    if (place !== undefined && ring[place] === old) ring[place] = undefined;
  }

  function add(call_id: string, added: BoardChange): void {
    forget(gone.get(call_id) ?? shown.get(call_id));
    gone.delete(call_id);
    shown.delete(call_id);
    const dropped = ring[added.sequence % kept_changes]?.change;
    if (dropped?.type === 'remove') gone.delete(dropped.call_id);
    ring[added.sequence % kept_changes] = added;
    if (isShown(added)) shown.set(call_id, added);
    else gone.set(call_id, added);
    for (const heard of watchers) heard(added.change);
  }

  const next = (
    { facts: { server_id, reseller_id, subscriber_id } }: LiveCall,
    change: LiveChange,
  ): BoardChange => ({ sequence: change.sequence, server_id, own: true, reseller_id, subscriber_id, change });

  function drop(row: ShownCall): void {
    forget(row);
    shown.delete(row.change.call.call_id);
  }

  return {
    id: randomUUID(),
    sequence: () => sequence,
    rows: (scope) => [...shown.values()].filter((row) => sees(scope, row)).map(({ change }) => change.call),
    upsert(call) {
      if (over.has(call)) return;
      sequence += 1;
      add(call.facts.call_id, next(call, { type: 'upsert', sequence, call: toRow(call) }));
    },
    remove(call, reason, { charge, wholesale, cost }) {
      over.add(call);
      const { call_id } = call.facts;
      if (!shown.has(call_id)) return;
      sequence += 1;
      const bill = {
        bundle_seconds: charge.bundle_seconds,
        paid_seconds: charge.paid_seconds,
        total_micros: charge.total_micros.toString(),
        wholesale_micros: (wholesale?.total_micros ?? 0n).toString(),
        carrier_micros: (cost?.total_micros ?? 0n).toString(),
      };
      add(call_id, next(call, { type: 'remove', sequence, call_id, reason, ...bill }));
    },
    handOver(call) {
      over.add(call);
      const row = shown.get(call.facts.call_id);
      if (!row) return;
      const told = { ...row, own: false };
      shown.set(call.facts.call_id, told);
      ring[row.sequence % kept_changes] = told;
    },
    mirror(told) {
      const { change } = told;
      const call_id = change.type === 'upsert' ? change.call.call_id : change.call_id;
      const known = shown.get(call_id);
      if (known?.own || (change.type === 'remove' && !known)) return;
      sequence += 1;
      add(call_id, { ...told, sequence, own: false, change: { ...change, sequence } });
    },
    only(server_id, call_ids) {
      const wrong = [...shown].filter(([id, row]) => row.server_id === server_id && !call_ids.has(id));
      if (wrong.length === 0) return;
      for (const [, row] of wrong) drop(row);
      sequence += 1;
      gap = sequence;
      for (const heard of gapWatchers) heard();
    },
    own: (server_id) => [...shown.values()].filter((row) => row.own && row.server_id === server_id),
    isOwn: (call_id) => shown.get(call_id)?.own ?? false,
    since(known) {
      if (known < gap || known > sequence || known < sequence - kept_changes) return null;
      const changes: BoardChange[] = [];
      for (let number = known + 1; number <= sequence; number += 1) {
        const found = ring[number % kept_changes];
        if (found) changes.push(found);
      }
      return changes;
    },
    watch(heard) {
      watchers.add(heard);
      return () => void watchers.delete(heard);
    },
    watchGaps(heard) {
      gapWatchers.add(heard);
      return () => void gapWatchers.delete(heard);
    },
  };
}
