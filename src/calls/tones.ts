import { lineAnswering } from '../asterisk/ari/events.ts';
import type { Tone } from '../asterisk/ari/port.ts';
import type { Switch } from '../asterisk/session.ts';
import { switchesToMoney, warningAt_ms } from '../domain/tones.ts';
import type { LiveBoard } from './live-board.ts';
import { type LiveCall, paidTalk, talked_ms } from './live-call.ts';
import type { Log } from './log.ts';
import type { Sharing } from './sharing.ts';

/** Two beeps: the call is about to be cut. A `!` keeps the switch from beginning again. */
const WARNING: Tone = { cadence: '!1400/200|!0/100|!1400/200', seconds: 0.8 };
/** One lower beep: money pays from now on. */
const MONEY: Tone = { cadence: '!1000/200', seconds: 0.5 };

/** With less than that to go, a warning is no help any more. */
const LEAST_TO_GO_ms = 1_000;

/** Tones that the payer of a call hears (R18), and nobody else does. */
export interface Tones {
  /** Something about the call is not what it was: it was answered, it was granted more, or its payer can add more or less. */
  changed(call: LiveCall): void;
  /** The call is over. */
  stop(call: LiveCall): void;
}

interface Dependencies {
  readonly sharing: Pick<Sharing, 'look'>;
  readonly log: Log;
  switchOf(server_id: string): Switch | null;
}

/** What the payer of a call has been told. */
interface Told {
  /** Every switch of source up to here, in ms of talk. */
  switches_ms: number;
  /** The last end that it was warned of, in ms of talk. */
  warned_of_ms: number | null;
  timer: NodeJS.Timeout | null;
  /** Whether the call really ends is being asked. */
  asking: boolean;
}

/** When the call is cut, in ms of talk, by all that is known. */
const end_ms = (call: LiveCall) => (paidTalk(call, call.more_seconds) ?? call.facts.longest_seconds) * 1000;

/** Its line's side: who called, or who was called from outside. */
const payersChannel = ({ facts, callee }: LiveCall) =>
  facts.direction === 'IN' ? callee?.channel_id : facts.call_id;

/** The line that sends a call on pays and is not there: both who talk would hear what is none of theirs. */
const isSentOn = ({ facts, callee }: LiveCall) =>
  facts.forwarded_from !== null || (callee !== null && lineAnswering(callee.channel_name).sent_on);

function wantsTones(call: LiveCall): boolean {
  const { facts, phase } = call;
  if (phase !== 'ANSWERED' || facts.call_class === 'EMERGENCY' || isSentOn(call)) return false;
  return facts.warn_seconds > 0 || facts.switch_tone;
}

export function createTones({ sharing, log, switchOf }: Dependencies): Tones {
  const calls = new WeakMap<LiveCall, Told>();
  const over = new WeakSet<LiveCall>();

  async function whisper(call: LiveCall, tone: Tone): Promise<void> {
    const channel_id = payersChannel(call);
    const link = switchOf(call.facts.server_id);
    if (!link || channel_id === undefined) return;
    // Not heard: it hung up meanwhile.
    await link.ari.whisper(channel_id, tone);
  }

  function next(call: LiveCall, told: Told): { at_ms: number; play: () => Promise<void> } | null {
    const from_seconds = call.facts.switch_tone
      ? switchesToMoney(call.grant).find((seconds) => seconds * 1000 > told.switches_ms)
      : undefined;
    const switch_ms = from_seconds === undefined ? Number.POSITIVE_INFINITY : from_seconds * 1000;
    const warn_ms = warningAt_ms(end_ms(call), call.facts.warn_seconds, told.warned_of_ms);
    if (warn_ms !== null && warn_ms < switch_ms) return { at_ms: warn_ms, play: () => warn(call, told) };
    if (from_seconds === undefined) return null;
    return {
      at_ms: switch_ms,
      play() {
        told.switches_ms = switch_ms;
        return whisper(call, MONEY);
      },
    };
  }

  /** Never without having looked: money may have come in by another way than through us. */
  async function warn(call: LiveCall, told: Told): Promise<void> {
    told.asking = true;
    try {
      if (call.facts.rate) await sharing.look(call.facts.subscriber_id);
    } catch (error) {
      log.warn({ err: error, call: call.facts.call_id }, 'whether a call ends is not known for sure');
    } finally {
      told.asking = false;
    }
    const talked = talked_ms(call);
    const ends = end_ms(call);
    const due = warningAt_ms(ends, call.facts.warn_seconds, told.warned_of_ms);
    if (due === null || due > talked + 1 || !calls.has(call)) return;
    told.warned_of_ms = ends;
    if (ends - talked > LEAST_TO_GO_ms) await whisper(call, WARNING);
  }

  function schedule(call: LiveCall, told: Told): void {
    if (told.asking || !calls.has(call)) return;
    if (told.timer) clearTimeout(told.timer);
    const due = next(call, told);
    if (!due) return;
    const play = () => {
      due
        .play()
        .catch((error: Error) => log.warn({ err: error, call: call.facts.call_id }, 'a tone was not played'))
        .finally(() => schedule(call, told));
    };
    told.timer = setTimeout(play, Math.max(0, due.at_ms - talked_ms(call))).unref();
  }

  return {
    changed(call) {
      if (over.has(call) || !wantsTones(call)) return;
      const fresh = () => ({ switches_ms: talked_ms(call), warned_of_ms: null, timer: null, asking: false });
      const told: Told = calls.get(call) ?? fresh();
      calls.set(call, told);
      schedule(call, told);
    },
    stop(call) {
      over.add(call);
      const timer = calls.get(call)?.timer;
      if (timer) clearTimeout(timer);
      calls.delete(call);
    },
  };
}

/** A board whose every change tones hear of: what a viewer is shown of a call is what they go by. */
export function heardBy(board: LiveBoard, tones: () => Tones): LiveBoard {
  return {
    ...board,
    upsert(call) {
      board.upsert(call);
      tones().changed(call);
    },
    remove(call, reason, bill) {
      tones().stop(call);
      board.remove(call, reason, bill);
    },
    handOver(call) {
      tones().stop(call);
      board.handOver(call);
    },
  };
}
