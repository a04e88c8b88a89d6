import { setAbsoluteTimeout, setVariable } from '../asterisk/ami/actions.ts';
import type { Switch } from '../asterisk/session.ts';
import { billedSeconds } from '../domain/cadence.ts';
import { type Grant, grantedSeconds, sourcesOf } from '../domain/charge.ts';
import { behind_ms } from '../domain/cycle.ts';
import type { LiveCallStore } from '../stores/redis/live-calls.ts';
import type { Brake } from './brake.ts';
import { NORMAL_CLEARING } from './hang-up.ts';
import { legToHangUp } from './legs.ts';
import type { LiveBoard } from './live-board.ts';
import {
  type CallFacts,
  formatGranted,
  type LiveCall,
  paidTalk,
  talked_ms,
  turnSeconds,
} from './live-call.ts';
import type { Log } from './log.ts';
import type { Sharing } from './sharing.ts';

export interface SliceTimes {
  /** Length of a slice when there is plenty. */
  readonly slice_seconds: number;
  /** How long before the end of what is granted the next slice is asked for. */
  readonly lead_seconds: number;
  /** How long after the end of what is granted a switch without us ends the call by itself. */
  readonly grace_seconds: number;
}

/** While a payer has nothing left, how often it is asked again: a top-up or another call's end may save this one. */
const ASK_AGAIN_ms = 1_000;

export interface Slices {
  /** Seconds to tell the switch with a grant: the talk it pays for, and the grace; of a free call, its longest. */
  talkLimit(call: LiveCall): number;
  /** Keeps an answered call paid from now on, and cuts it when nothing is left. */
  start(call: LiveCall): void;
  stop(call: LiveCall): void;
}

interface Extension {
  readonly grant: Grant;
  readonly more_seconds: number;
}

interface Dependencies {
  readonly store: LiveCallStore;
  readonly board: LiveBoard;
  readonly sharing: Sharing;
  readonly times: SliceTimes;
  readonly brake: Pick<Brake, 'sliceSeconds' | 'granted'>;
  readonly log: Log;
  switchOf(server_id: string): Switch | null;
  /** Opens the call's next cycle in the ledger and tells Redis. Gives whether it is open now. */
  openNextCycle(facts: CallFacts): Promise<boolean>;
}

function paidTalk_ms(call: LiveCall): number {
  const seconds = paidTalk(call);
  return seconds === null ? Number.POSITIVE_INFINITY : seconds * 1000;
}

/** Billed seconds that a call may still be granted before it has talked its longest. */
function ungranted({ facts, grant }: LiveCall): number {
  return facts.rate ? billedSeconds(facts.longest_seconds, facts.rate.cadence) - grantedSeconds(grant) : 0;
}

/** Reserves slice after slice while a call is answered. A call without a rate is never touched. */
export function createSlices({
  store,
  board,
  sharing,
  times,
  brake,
  log,
  switchOf,
  openNextCycle,
}: Dependencies): Slices {
  const grace_ms = times.grace_seconds * 1000;

  /** The shorter its slices are made, the later a call asks for the next: it must not have two of them at once. */
  function lead_ms({ facts }: LiveCall): number {
    const slice_seconds = brake.sliceSeconds(facts);
    const isShort = slice_seconds > 0 && slice_seconds < times.slice_seconds;
    return (isShort ? Math.min(times.lead_seconds, slice_seconds / 2) : times.lead_seconds) * 1000;
  }

  function at(call: LiveCall, talk_ms: number, action: (call: LiveCall) => Promise<void>): void {
    call.timer = setTimeout(
      () => {
        action(call).catch((error: Error) => {
          log.error({ err: error, call: call.facts.call_id }, 'slice of a call failed');
          if (call.timer !== null) at(call, talked_ms(call) + ASK_AGAIN_ms, extend);
        });
      },
      Math.max(0, talk_ms - talked_ms(call)),
    );
  }

  /** Sleeps until the next slice is due, or until the second from which another source pays. */
  function schedule(call: LiveCall): void {
    const due_ms = paidTalk_ms(call) - lead_ms(call);
    const talked = talked_ms(call);
    const next = sourcesOf(call.grant).find(({ from_seconds }) => from_seconds * 1000 > talked);
    const switch_ms = next ? next.from_seconds * 1000 : due_ms;
    if (switch_ms < due_ms) {
      at(call, switch_ms, async () => {
        board.upsert(call);
        schedule(call);
      });
    } else at(call, due_ms, extend);
  }

  /** Moves the switch's own time-out; what it does not hear of stays at the older, shorter one. */
  async function tellSwitch(call: LiveCall): Promise<void> {
    const link = switchOf(call.facts.server_id);
    if (!link || !call.callee) return;
    const { channel_name } = call.callee;
    const remaining_ms = paidTalk_ms(call) - talked_ms(call) + grace_ms;
    const told = [
      setAbsoluteTimeout(link.ami, channel_name, Math.max(0.1, remaining_ms / 1000)),
      setVariable(link.ami, channel_name, 'PABX_GRANTED', formatGranted(call.grant)),
    ];
    for (const result of await Promise.allSettled(told)) {
      if (result.status === 'rejected')
        log.warn({ err: result.reason, call: call.facts.call_id }, 'slice not told');
    }
  }

  /** The turn of the cycle, once the next slice may reach it: a slice is paid by one cycle. */
  function turnAhead(call: LiveCall): number | null {
    const { facts, grant, turns } = call;
    const turn = turns && facts.rate ? turnSeconds(call) : null;
    if (turn === null || !facts.rate) return null;
    const { initial_seconds, increment_seconds } = facts.rate.cadence;
    const longest = Math.max(times.slice_seconds, initial_seconds, increment_seconds);
    return turn <= grantedSeconds(grant) + longest ? turn : null;
  }

  async function slice(call: LiveCall): Promise<Extension | null> {
    const { facts } = call;
    const most_seconds = brake.sliceSeconds(facts);
    call.blocked = most_seconds === 0;
    if (call.blocked) return null;
    const left = ungranted(call);
    // Also a call that needs no more seconds has to go over to its next cycle.
    if (left <= 0 && (turnAhead(call) === null || call.grant.after_turn)) return null;
    const slice_seconds = Math.max(1, Math.min(most_seconds, left));
    const payer = facts.subscriber_id;
    const input = { ...facts, payer, slice_seconds, behind_ms: behind_ms(new Date()) };
    const first = await store.extend({ ...input, turn_seconds: turnAhead(call) });
    if (first.code !== 'WALLET_UNKNOWN') return first.code === 'EXTENDED' ? first : null;
    // A cycle that cannot be opened (its day was changed meanwhile) leaves the call in the one it is in.
    call.turns = await openNextCycle(facts);
    const again = await store.extend({ ...input, turn_seconds: turnAhead(call) });
    return again.code === 'EXTENDED' ? again : null;
  }

  async function extend(call: LiveCall): Promise<void> {
    const answer = await ask(() => slice(call));
    if (call.timer === null) return;
    if (answer) {
      const old = call.grant;
      const before = grantedSeconds(old);
      const more_seconds = moreOf(call, answer);
      const changed = call.more_seconds !== more_seconds || grantedSeconds(answer.grant) !== before;
      call.grant = answer.grant;
      call.more_seconds = more_seconds;
      brake.granted(call, old);
      sharing.changed(call.facts.subscriber_id);
      // Less than before: the cycle turned, and the new one has nothing to pay with.
      if (grantedSeconds(answer.grant) !== before) await tellSwitch(call);
      if (call.timer === null) return;
      if (changed) board.upsert(call);
      if (grantedSeconds(answer.grant) > before) return schedule(call);
    }
    const end_ms = paidTalk_ms(call);
    if (talked_ms(call) >= end_ms) return cut(call);
    at(call, Math.min(end_ms, talked_ms(call) + ASK_AGAIN_ms), extend);
  }

  /** What its payer could add is for all of its calls; how much of it is for this one does not change by a slice. */
  function moreOf(call: LiveCall, answer: Extension): number {
    if (sharing.isAlone(call)) return answer.more_seconds;
    const added = grantedSeconds(answer.grant) - grantedSeconds(call.grant);
    return Math.min(answer.more_seconds, Math.max(0, call.more_seconds - added));
  }

  /** null: nothing can be reserved now. The call runs to the end of what it has, and asks again until then. */
  async function ask(question: () => Promise<Extension | null>): Promise<Extension | null> {
    try {
      return await question();
    } catch (error) {
      log.warn({ err: error }, 'cannot reserve a slice');
      return null;
    }
  }

  async function cut(call: LiveCall): Promise<void> {
    call.exhausted = paidTalk_ms(call) < call.facts.longest_seconds * 1000;
    const link = switchOf(call.facts.server_id);
    // Without a link the switch ends the call by itself, at the end of the slice and its grace (R10).
    await link?.ari.hangUp(legToHangUp(call), NORMAL_CLEARING);
  }

  return {
    talkLimit(call) {
      const paid_seconds = paidTalk(call);
      return paid_seconds === null
        ? call.facts.longest_seconds
        : Math.ceil(paid_seconds) + times.grace_seconds;
    },
    start(call) {
      if (!call.facts.rate || !call.registered) return;
      sharing.changed(call.facts.subscriber_id);
      const turn = turnAhead(call);
      const granted = grantedSeconds(call.grant);
      // What was granted before the answer reaches beyond the turn: the new cycle has to pay its part.
      if (turn !== null && turn < granted && !call.grant.after_turn) at(call, 0, extend);
      else schedule(call);
    },
    stop(call) {
      if (call.timer) clearTimeout(call.timer);
      call.timer = null;
      sharing.changed(call.facts.subscriber_id);
    },
  };
}
