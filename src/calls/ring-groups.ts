import { lineAnswering } from '../asterisk/ari/events.ts';
import { type LimitClaim, lineClaim } from '../domain/limits.ts';
import type { Refusal } from '../domain/refusals.ts';
import type { GroupFacts } from '../domain/ring-group.ts';
import type { LiveCallStore } from '../stores/redis/live-calls.ts';
import { limitReached } from './admission.ts';
import type { Directory } from './directory.ts';
import { encodeFacts, type LiveCall } from './live-call.ts';

/** Which members do not ring: a digit for each, 1 for one whose line is in as many calls as it may be. '': none. */
export type Ringing = { readonly left_out: string } | { readonly refusal: Refusal };

export interface RingGroups {
  /** Refuses when every member is left out and no line comes after them. */
  ring(group: GroupFacts): Promise<Ringing>;
  /** A call from outside becomes one of the line that answered it, and takes its slot. Once more changes nothing. */
  answered(call: LiveCall): Promise<void>;
}

const MOST_HOLDERS = 10;

/** Whether a call still has to be told which line of a group answered it. */
const isOpen = ({ facts }: LiveCall) =>
  facts.ring_group_id !== null &&
  facts.direction === 'IN' &&
  !facts.claims.some(({ level }) => level === 'LINE');

/** A call from outside to a group is one of the line that answered it. Gives the slot that the line takes by it. */
export async function nameLine(
  directory: Pick<Directory, 'line'>,
  call: LiveCall,
  sip_username: string,
): Promise<LimitClaim | null> {
  const line = isOpen(call) ? await directory.line(sip_username) : null;
  if (!line) return null;
  call.facts = { ...call.facts, line_id: line.line_id, extension: line.extension };
  return lineClaim(line);
}

export function createRingGroups(
  directory: Pick<Directory, 'line'>,
  store: Pick<LiveCallStore, 'ready' | 'holders' | 'joinLine'>,
): RingGroups {
  async function claimsOf(group: GroupFacts): Promise<(LimitClaim | null)[]> {
    const lines = await Promise.all(group.members.map((sip_username) => directory.line(sip_username)));
    return lines.map((line) => line && lineClaim(line));
  }

  return {
    async ring(group) {
      // Without Redis everybody rings: a call that costs nothing depends on nothing.
      if (!store.ready()) return { left_out: '' };
      const claims = await claimsOf(group);
      const known = claims.filter((claim) => claim !== null);
      const held = await store.holders(known);
      const holdersOf = (claim: LimitClaim) => held[known.indexOf(claim)] ?? [];
      const isFull = (claim: LimitClaim | null) => claim !== null && holdersOf(claim).length >= claim.limit;
      const left_out = claims.map((claim) => (isFull(claim) ? '1' : '0')).join('');
      const [first] = known;
      if (first && !left_out.includes('0') && group.overflow === null)
        return { refusal: limitReached(first, holdersOf(first).slice(0, MOST_HOLDERS)) };
      return { left_out: left_out.includes('1') ? left_out : '' };
    },
    async answered(call) {
      if (!call.callee) return;
      const { sip_username, sent_on } = lineAnswering(call.callee.channel_name);
      const claim = sip_username === null ? null : await nameLine(directory, call, sip_username);
      // The call that it was sent on by has the line's slot already.
      if (!claim || sent_on) return;
      call.facts = { ...call.facts, claims: [...call.facts.claims, claim] };
      const { call_id, server_id } = call.facts;
      if (call.registered) await store.joinLine(call_id, server_id, claim, encodeFacts(call.facts));
    },
  };
}
