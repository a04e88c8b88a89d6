import { grantedSeconds } from '../domain/charge.ts';
import { behind_ms } from '../domain/cycle.ts';
import { type FreeMeans, fundedTogether, type TalkingCall } from '../domain/together.ts';
import type { LiveCallStore } from '../stores/redis/live-calls.ts';
import type { LiveBoard } from './live-board.ts';
import { type CallFacts, type LiveCall, talked_ms } from './live-call.ts';
import type { Log } from './log.ts';

/** How often the calls of one payer are looked at together, at most. */
const LOOK_EVERY_ms = 1_000;

/** Tells how long calls can talk that draw on the same means: for viewers alone, nothing is cut by it. */
export interface Sharing {
  /** Nobody else draws on what it draws on: what it was told that it can have is true. */
  isAlone(call: LiveCall): boolean;
  /** Tells of a payer's calls now. */
  look(subscriber_id: string): Promise<void>;
  /** What a payer's calls hold or can have is not what it was. */
  changed(subscriber_id: string): void;
  close(): void;
}

interface Dependencies {
  readonly store: Pick<LiveCallStore, 'readMeans'>;
  readonly live: ReadonlyMap<string, LiveCall>;
  readonly board: LiveBoard;
  readonly log: Log;
}

interface Looking {
  at_ms: number;
  timer: NodeJS.Timeout | null;
}

const nameOf = (cycle: string, slot: string) => `${cycle} ${slot}`;

function talking(call: LiveCall): TalkingCall | null {
  const { facts, grant, answered_mono_ms } = call;
  if (!facts.rate || answered_mono_ms === null) return null;
  return {
    rate: facts.rate,
    wholesale: facts.wholesale,
    grant,
    talked_ms: talked_ms(call),
    minutes: facts.slot && nameOf(facts.cycle_start, facts.slot),
    minutes_after_turn: facts.slot && nameOf(facts.next_cycle_start, facts.slot),
  };
}

const states = (calls: readonly LiveCall[]) => calls.map(talking).filter((call) => call !== null);

export function createSharing({ store, live, board, log }: Dependencies): Sharing {
  const looks = new Map<string, Looking>();
  let closed = false;

  const metered = (belongs: (facts: CallFacts) => boolean) =>
    [...live.values()].filter(({ registered, facts }) => registered && facts.rate && belongs(facts));

  async function means(calls: readonly LiveCall[], one: CallFacts): Promise<FreeMeans | null> {
    const minutes = calls.flatMap(({ facts: { slot, cycle_start, next_cycle_start }, grant }) => {
      if (!slot) return [];
      const cycles = grant.after_turn ? [cycle_start, next_cycle_start] : [cycle_start];
      return cycles.map((cycle) => ({ cycle, slot }));
    });
    const named = new Map(minutes.map((of) => [nameOf(of.cycle, of.slot), of]));
    const read = await store.readMeans({
      ...one,
      payer: one.subscriber_id,
      behind_ms: behind_ms(new Date()),
      minutes: [...named.values()],
    });
    if (!read) return null;
    const left = [...named.keys()].map((name, index) => [name, read.minutes[index] ?? 0] as const);
    return { money: read.money_micros, reseller: read.reseller_micros, minutes: new Map(left) };
  }

  async function look(subscriber_id: string): Promise<void> {
    const isTalking = ({ answered_mono_ms }: LiveCall) => answered_mono_ms !== null;
    const calls = metered((facts) => facts.subscriber_id === subscriber_id).filter(isTalking);
    const [first] = calls;
    if (!first) return void looks.delete(subscriber_id);
    const before = calls.map(({ grant }) => grantedSeconds(grant));
    const free = await means(calls, first.facts);
    if (!free) return;
    // A slice was granted while we asked: what was free then is not beside what is held now.
    if (calls.some(({ grant }, index) => grantedSeconds(grant) !== before[index]))
      return changed(subscriber_id);
    const alongside = metered(
      (facts) => facts.reseller_id === first.facts.reseller_id && facts.subscriber_id !== subscriber_id,
    );
    const funded = fundedTogether(states(calls), states(alongside), free);
    for (const [index, call] of calls.entries()) {
      const more_seconds = Math.max(0, (funded[index] ?? 0) - grantedSeconds(call.grant));
      if (more_seconds === call.more_seconds || !live.has(call.facts.call_id)) continue;
      call.more_seconds = more_seconds;
      board.upsert(call);
    }
  }

  function changed(subscriber_id: string): void {
    if (closed) return;
    const looking = looks.get(subscriber_id) ?? { at_ms: Number.NEGATIVE_INFINITY, timer: null };
    looks.set(subscriber_id, looking);
    looking.timer ??= setTimeout(
      () => {
        looking.timer = null;
        looking.at_ms = performance.now();
        look(subscriber_id).catch((error: Error) =>
          log.warn({ err: error, subscriber: subscriber_id }, 'cannot tell how long calls can talk'),
        );
      },
      Math.max(0, looking.at_ms + LOOK_EVERY_ms - performance.now()),
    );
  }

  return {
    isAlone(call) {
      const { subscriber_id, reseller_id, wholesale } = call.facts;
      const others = metered(
        (facts) =>
          facts.subscriber_id === subscriber_id ||
          (wholesale !== null && facts.wholesale !== null && facts.reseller_id === reseller_id),
      );
      return others.every((other) => other === call);
    },
    look,
    changed,
    close() {
      closed = true;
      for (const { timer } of looks.values()) if (timer) clearTimeout(timer);
      looks.clear();
    },
  };
}
