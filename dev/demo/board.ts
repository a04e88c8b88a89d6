import type { LiveCallRow, LiveChange, LiveMessage } from '../../src/contract/live.ts';
import { formatReais } from '../../src/domain/money.ts';
import type { RefusalReason } from '../../src/domain/refusals.ts';
import type { Refusal, Subscriber } from './api.ts';
import { reasonWords } from './words.ts';

export interface Totals {
  ended: number;
  /** Ended by us, because nothing was left. */
  cut: number;
  refused: number;
  bundle_seconds: number;
  paid_seconds: number;
  micros: bigint;
  readonly reasons: Map<RefusalReason, number>;
}

export interface Happening {
  readonly at: Date;
  readonly text: string;
}

/** All that the demo has seen since it is ready, by what the API told. */
export interface Board {
  readonly live: ReadonlyMap<string, LiveCallRow>;
  readonly totals: Readonly<Totals>;
  readonly subscribers: readonly Subscriber[];
  /** The latest first. */
  readonly refusals: readonly Refusal[];
  readonly happenings: readonly Happening[];
  hear(message: LiveMessage): void;
  takeSubscribers(subscribers: readonly Subscriber[]): void;
  /** The newest refusals of the API; those known already count once. */
  takeRefusals(newest: readonly Refusal[]): void;
  tell(text: string): void;
  nameOf(subscriber_id: string | null): string;
}

export interface BoardListener {
  onCut(call: LiveCallRow): void;
  onRefusal(refusal: Refusal): void;
  onHappening(happening: Happening): void;
}

const KEPT = 50;

type Removal = Extract<LiveChange, { type: 'remove' }>;

export function createBoard(listener: BoardListener): Board {
  const live = new Map<string, LiveCallRow>();
  const totals: Totals = {
    ended: 0,
    cut: 0,
    refused: 0,
    bundle_seconds: 0,
    paid_seconds: 0,
    micros: 0n,
    reasons: new Map(),
  };
  let subscribers: readonly Subscriber[] = [];
  let refusals: readonly Refusal[] = [];
  let happenings: readonly Happening[] = [];

  const nameOf = (id: string | null) => subscribers.find((subscriber) => subscriber.id === id)?.name ?? '?';
  const lineOf = (call: LiveCallRow) => `${call.subscriber_name} ${call.extension}`;

  function tell(text: string): void {
    const happening = { at: new Date(), text };
    happenings = [happening, ...happenings].slice(0, KEPT);
    listener.onHappening(happening);
  }

  function changed(call: LiveCallRow): void {
    const before = live.get(call.call_id);
    live.set(call.call_id, call);
    if (before?.paying === 'BUNDLE' && call.paying === 'MONEY')
      tell(`${lineOf(call)}: franquia acabou, segue em dinheiro`);
  }

  function removed(message: Removal): void {
    const call = live.get(message.call_id);
    live.delete(message.call_id);
    totals.ended += 1;
    totals.bundle_seconds += message.bundle_seconds;
    totals.paid_seconds += message.paid_seconds;
    const micros = BigInt(message.total_micros ?? 0);
    totals.micros += micros;
    if (message.reason !== 'EXHAUSTED' || !call) return;
    totals.cut += 1;
    tell(`${lineOf(call)}: cortada no fim do saldo (${formatReais(micros)})`);
    listener.onCut(call);
  }

  return {
    live,
    totals,
    get subscribers() {
      return subscribers;
    },
    get refusals() {
      return refusals;
    },
    get happenings() {
      return happenings;
    },
    tell,
    nameOf,
    hear(message) {
      if (message.type === 'changes') {
        for (const change of message.changes) {
          if (change.type === 'upsert') changed(change.call);
          else removed(change);
        }
      }
      if (message.type !== 'snapshot') return;
      if (message.part === 0) live.clear();
      for (const call of message.calls) live.set(call.call_id, call);
    },
    takeSubscribers(all) {
      subscribers = all;
    },
    takeRefusals(newest) {
      const known = new Set(refusals.map((refusal) => refusal.call_id));
      const fresh = newest.filter((refusal) => !known.has(refusal.call_id));
      refusals = [...fresh, ...refusals].slice(0, KEPT);
      totals.refused += fresh.length;
      for (const refusal of fresh.toReversed()) {
        totals.reasons.set(refusal.reason, (totals.reasons.get(refusal.reason) ?? 0) + 1);
        listener.onRefusal(refusal);
      }
    },
  };
}

/** `Pizzaria Bella Massa → 987654321: sem saldo`. */
export function refusalText(board: Board, refusal: Refusal): string {
  return `${board.nameOf(refusal.subscriber_id)} → ${refusal.dialled}: ${reasonWords(refusal)}`;
}
