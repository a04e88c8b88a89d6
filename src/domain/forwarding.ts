import {
  authorize,
  type LineFacts,
  type Permission,
  type Prices,
  type TrunkFacts,
  type Verdict,
} from './authorize.ts';
import { classifyDialled } from './dialled-number.ts';
import type { LimitClaim } from './limits.ts';
import type { Refusal } from './refusals.ts';

/** What a line says of where its calls go on to. */
export const FORWARD_KEYS = [
  'forward_always',
  'forward_busy',
  'forward_no_answer',
  'forward_no_answer_seconds',
  'forward_offline',
] as const;

/** How often one call may go on to somewhere else. */
export const MOST_FORWARDS = 3;

/** Why a line may not send a call on, whatever it would cost; `senders`: SIP users of the lines that did before. */
function senderRefusal(line: LineFacts, senders: readonly string[]): Refusal | null {
  if (senders.includes(line.sip_username)) return { reason: 'FORWARD_LOOP', detail: 'SAME_LINE' };
  return senders.length >= MOST_FORWARDS ? { reason: 'FORWARD_LOOP', detail: `${MOST_FORWARDS}` } : null;
}

/** Why nothing is sent on to a destination that its line may call itself. */
function destinationRefusal({ destination }: Permission, line: LineFacts): Refusal | null {
  // Nobody dialled the police: somebody called a line.
  if (destination.class === 'EMERGENCY') return { reason: 'CLASS_NOT_PERMITTED', detail: destination.class };
  const itself = destination.class === 'INTERNAL' && destination.number === line.extension;
  return itself ? { reason: 'FORWARD_LOOP', detail: 'SAME_LINE' } : null;
}

/**
 * A call that a line sends on is a call of that line, as if it had dialled: the same rules, and it pays. Outside, its own
 * number is shown or else its extension, never the number of whoever called it; inside, who called stays to be seen.
 */
export function authorizeForward(
  dialled: string,
  line: LineFacts,
  trunk: TrunkFacts | null,
  prices: Prices,
  senders: readonly string[],
): Verdict {
  const looping = senderRefusal(line, senders);
  if (looping) return { permitted: false, refusal: looping, destination: null };
  const verdict = authorize(dialled, line, trunk, prices);
  if (!verdict.permitted) return verdict;
  const { permission } = verdict;
  const refusal = destinationRefusal(permission, line);
  if (refusal) return { permitted: false, refusal, destination: permission.destination };
  const caller_id = permission.route.kind === 'TRUNK' ? permission.caller_id || line.extension : '';
  return { permitted: true, permission: { ...permission, caller_id } };
}

/**
 * The slots that a call sent on still has to take: a call takes one, not each of its legs, so what those before it hold is
 * not taken again. A trunk's is: it carries every leg. So is what counts calls out: this is the leg that goes out.
 */
export function claimsBeyond(claims: readonly LimitClaim[], held: readonly LimitClaim[]): LimitClaim[] {
  const sameAs = (one: LimitClaim) => (other: LimitClaim) =>
    one.level === other.level && one.direction === other.direction && one.id === other.id;
  return claims.filter((claim) => claim.level === 'TRUNK' || !held.some(sameAs(claim)));
}

/** How far a destination is from what may be saved; null: it may. */
export type DestinationProblem = 'NO_NUMBER' | 'EMERGENCY' | 'ITSELF';

/** What of a destination can be judged as it is saved. Whether the line may call it is asked with each call. */
export function destinationProblem(
  destination: string,
  line: Pick<LineFacts, 'extension' | 'area_code'> & {
    readonly extensions: ReadonlySet<string>;
    readonly intl_dialing: LineFacts['subscriber']['intl_dialing'];
    readonly auto_ninth_digit: boolean;
  },
): DestinationProblem | null {
  if (destination === line.extension) return 'ITSELF';
  const result = classifyDialled(destination, {
    areaCode: line.area_code,
    extensions: line.extensions,
    intlDialing: line.intl_dialing,
    autoNinthDigit: line.auto_ninth_digit,
  });
  if (result.kind !== 'NUMBER') return 'NO_NUMBER';
  return result.class === 'EMERGENCY' ? 'EMERGENCY' : null;
}
