import type { LiveCall } from './live-call.ts';

/** Which call a called leg belongs to: its end may be the end of the call. */
export interface Legs {
  /** Gives the call that the leg belongs to: the one that dialled it, whoever has taken its caller's place since. */
  add(channel_id: string, call_id: string): string;
  /** The call of a channel that is gone: of a called leg, or the one named by its caller's channel. Forgets the leg. */
  take(channel_id: string): string;
  /** Whether a called leg is left of a call. */
  has(call_id: string): boolean;
  /** Forgets the legs of a call that is over. */
  drop(call_id: string): void;
}

export function createLegs(): Legs {
  const calls = new Map<string, string>();
  const legs = new Map<string, Set<string>>();
  return {
    add(channel_id, call_id) {
      const known = calls.get(channel_id);
      if (known !== undefined) return known;
      calls.set(channel_id, call_id);
      const own = legs.get(call_id);
      if (own) own.add(channel_id);
      else legs.set(call_id, new Set([channel_id]));
      return call_id;
    },
    take(channel_id) {
      const call_id = calls.get(channel_id);
      if (call_id === undefined) return channel_id;
      calls.delete(channel_id);
      const own = legs.get(call_id);
      own?.delete(channel_id);
      if (own?.size === 0) legs.delete(call_id);
      return call_id;
    },
    has: (call_id) => legs.has(call_id),
    drop(call_id) {
      for (const channel_id of legs.get(call_id) ?? []) calls.delete(channel_id);
      legs.delete(call_id);
    },
  };
}

/**
 * Whether a call is over now that a channel is gone, of which the call is told; `ringing`: a called leg is left. A transfer
 * takes one party away and leaves the other, so an answered call lasts as long as the leg that goes over a trunk; one
 * inside, as long as either. While it rings a transfer may put another caller in the place of the first.
 */
export function endsWith(call: LiveCall, channel_id: string, ringing: boolean): boolean {
  const { facts, callee, phase } = call;
  if (channel_id === facts.call_id) call.caller_gone = true;
  if (channel_id === callee?.channel_id) call.callee_gone = true;
  if (phase !== 'ANSWERED') return call.caller_gone && !ringing;
  if (facts.direction === 'IN' || !callee) return call.caller_gone;
  return call.callee_gone && (facts.trunk_id !== null || call.caller_gone);
}

/** The channel to hang up when the call is to end: its caller's as long as there is one. */
export function legToHangUp({ facts, callee, caller_gone }: LiveCall): string {
  return caller_gone && callee ? callee.channel_id : facts.call_id;
}
