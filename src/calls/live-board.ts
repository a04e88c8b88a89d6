import { randomUUID } from 'node:crypto';
import type { LiveCallRow, LiveMessage } from '../contract/live.ts';
import type { Bill } from '../domain/bill.ts';
import { formatCadence } from '../domain/cadence.ts';
import { sourcesOf } from '../domain/charge.ts';
import type { Rate } from '../domain/rate-table.ts';
import type { EndReason } from '../stores/postgres/call-tables.ts';
import { type LiveCall, paidTalk } from './live-call.ts';

/** Which rows a viewer may see. Without any field set: all of them. */
export interface LiveScope {
  readonly reseller_id?: string;
  readonly subscriber_id?: string;
}

export interface LiveBoard {
  upsert(call: LiveCall): void;
  remove(call: LiveCall, reason: EndReason, bill: Bill): void;
  rows(scope: LiveScope): LiveCallRow[];
  /** Delivers a snapshot at once and then every change, without a gap between the two (R11). */
  watch(scope: LiveScope, deliver: (message: LiveMessage) => void): () => void;
}

const iso = (at_ms: number | null) => (at_ms === null ? null : new Date(at_ms).toISOString());

function paying({ facts, grant, answered_mono_ms }: LiveCall): LiveCallRow['paying'] {
  if (!facts.rate) return 'FREE';
  if (answered_mono_ms === null) return 'NOBODY_YET';
  // A timer may fire a moment early; the switch from minutes to money is told on the second.
  const talked_seconds = Math.round((performance.now() - answered_mono_ms) / 100) / 10;
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
    cut_at: answered_at_ms === null || funded === null ? null : iso(answered_at_ms + funded * 1000),
    price_micros_per_minute: facts.rate?.price_micros_per_minute.toString() ?? null,
    cadence: facts.rate && formatCadence(facts.rate.cadence),
    wholesale: costOf(facts.wholesale),
    loss: facts.loss,
    carrier: costOf(facts.cost),
  };
}

function sees(scope: LiveScope, row: { reseller_id: string; subscriber_id: string }): boolean {
  if (scope.reseller_id !== undefined && scope.reseller_id !== row.reseller_id) return false;
  return scope.subscriber_id === undefined || scope.subscriber_id === row.subscriber_id;
}

/** All calls that run, as viewers see them. */
export function createLiveBoard(): LiveBoard {
  const board = randomUUID();
  const shown = new Map<string, LiveCallRow>();
  const viewers = new Set<{ scope: LiveScope; deliver: (message: LiveMessage) => void }>();
  let sequence = 0;

  const rows = (scope: LiveScope) => [...shown.values()].filter((row) => sees(scope, row));
  const tell = (row: LiveCallRow, message: LiveMessage) => {
    for (const viewer of viewers) if (sees(viewer.scope, row)) viewer.deliver(message);
  };
  return {
    rows,
    upsert(call) {
      const row = toRow(call);
      shown.set(row.call_id, row);
      sequence += 1;
      tell(row, { type: 'upsert', sequence, call: row });
    },
    remove(call, reason, { charge, wholesale, cost }) {
      const row = shown.get(call.facts.call_id);
      if (!row) return;
      shown.delete(row.call_id);
      sequence += 1;
      tell(row, {
        type: 'remove',
        sequence,
        call_id: row.call_id,
        reason,
        bundle_seconds: charge.bundle_seconds,
        paid_seconds: charge.paid_seconds,
        total_micros: charge.total_micros.toString(),
        wholesale_micros: (wholesale?.total_micros ?? 0n).toString(),
        carrier_micros: (cost?.total_micros ?? 0n).toString(),
      });
    },
    watch(scope, deliver) {
      const viewer = { scope, deliver };
      viewers.add(viewer);
      deliver({ type: 'snapshot', board, sequence, calls: rows(scope) });
      return () => viewers.delete(viewer);
    },
  };
}
