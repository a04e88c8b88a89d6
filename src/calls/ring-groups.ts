import { lineAnswering } from '../asterisk/ari/events.ts';
import { type LimitClaim, lineClaim } from '../domain/limits.ts';
import type { Refusal } from '../domain/refusals.ts';
import type { GroupFacts } from '../domain/ring-group.ts';
import type { LiveCallStore } from '../stores/redis/live-calls.ts';
import type { Directory } from './directory.ts';
import { encodeFacts, type LiveCall } from './live-call.ts';

/** Which members do not ring: a digit for each, 1 for one whose line is in as many calls as it may be. */
export type Ringing = { readonly left_out: string } | { readonly refusal: Refusal };

export interface RingGroups {
  /** Refuses when every member is left out and no line comes after them. */
  ring(group: GroupFacts): Promise<Ringing>;
  /** A call from outside becomes one of the line that answered it, and takes its slot. */
  answered(call: LiveCall): Promise<void>;
}

export function createRingGroups(
  directory: Directory,
  store: Pick<LiveCallStore, 'ready' | 'taken' | 'joinLine'>,
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
      const taken = new Map((await store.taken(known)).map((count, index) => [known[index], count] as const));
      const isFull = (claim: LimitClaim | null) => claim !== null && (taken.get(claim) ?? 0) >= claim.limit;
      const left_out = claims.map((claim) => (isFull(claim) ? '1' : '0')).join('');
      const [first] = known;
      if (!first || left_out.includes('0') || group.overflow !== null)
        return { left_out: left_out.includes('1') ? left_out : '' };
      const { level, direction, limit } = first;
      return { refusal: { reason: 'LIMIT_REACHED', limit: { level, direction, limit, holders: [] } } };
    },
    async answered(call) {
      const { facts, callee } = call;
      if (facts.ring_group_id === null || facts.direction !== 'IN' || !callee) return;
      const { sip_username, sent_on } = lineAnswering(callee.channel_name);
      const line = sip_username === null ? null : await directory.line(sip_username);
      if (!line) return;
      // The call that it was sent on by has the line's slot already.
      const claims = sent_on ? facts.claims : [...facts.claims, lineClaim(line)];
      call.facts = { ...facts, line_id: line.line_id, extension: line.extension, claims };
      if (call.registered && !sent_on)
        await store.joinLine(facts.call_id, lineClaim(line), encodeFacts(call.facts));
    },
  };
}
