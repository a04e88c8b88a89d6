import { claimsBeyond } from '../domain/forwarding.ts';
import type { LimitClaim } from '../domain/limits.ts';
import type { CallFacts, LiveCall } from './live-call.ts';

/** Slots that are held by the call that was sent on, and by those before it. */
function heldBefore(facts: CallFacts, live: ReadonlyMap<string, LiveCall>): LimitClaim[] {
  const before = facts.forwarded_from === null ? undefined : live.get(facts.forwarded_from);
  if (!before) return [];
  const own = before.registered ? before.facts.claims : [];
  return [...own, ...heldBefore(before.facts, live)];
}

/** A call that was sent on claims what those before it do not hold already (R17). */
export function besidesHeld(facts: CallFacts, live: ReadonlyMap<string, LiveCall>): CallFacts {
  if (facts.forwarded_from === null) return facts;
  return { ...facts, claims: claimsBeyond(facts.claims, heldBefore(facts, live)) };
}
