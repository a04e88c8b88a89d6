import type { Switch } from '../asterisk/session.ts';
import { legToHangUp } from './legs.ts';
import type { LiveCall } from './live-call.ts';
import type { Log } from './log.ts';

/** Q.850 16, normal call clearing: the parties hear no fault. */
export const NORMAL_CLEARING = 16;

/** EMERGENCY: nobody ends such a call from here. UNREACHABLE: its switch cannot be told now, and the call goes on. */
export type HangUpAnswer = 'ENDED' | 'GONE' | 'EMERGENCY' | 'UNREACHABLE';

/** Ends a running call because a person wants it to. Its row and its bill follow from the end that the switch tells. */
export type HangUp = (call_id: string) => Promise<HangUpAnswer>;

export function createHangUp(
  live: ReadonlyMap<string, LiveCall>,
  switchOf: (server_id: string) => Switch | null,
  log: Log,
): HangUp {
  return async (call_id) => {
    const call = live.get(call_id);
    if (!call) return 'GONE';
    if (call.facts.call_class === 'EMERGENCY') return 'EMERGENCY';
    const link = switchOf(call.facts.server_id);
    if (!link) return 'UNREACHABLE';
    try {
      return (await link.ari.hangUp(legToHangUp(call), NORMAL_CLEARING)) ? 'ENDED' : 'GONE';
    } catch (error) {
      log.warn({ err: error, call: call_id }, 'a call could not be hung up');
      return 'UNREACHABLE';
    }
  };
}
