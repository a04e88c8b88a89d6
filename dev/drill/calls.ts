import type { PhoneAccount } from '../world/phone.ts';
import { CARRIER_NUMBERS } from '../world/scenario.ts';
import type { Payer, PayerKind } from './payers.ts';
import type { Random } from './random.ts';

/** What a phone does: hangs up after so much talk, or gives up after so much ringing. */
export type Manner = { readonly talk_ms: number } | { readonly ring_ms: number };

export interface DrillCall {
  readonly account: PhoneAccount;
  /** As it is dialled: area code and mobile number, dialled by no other call. */
  readonly number: string;
}

/** Calls of one manner, which one SIPp places. */
export interface CallGroup {
  readonly manner: Manner;
  readonly calls: readonly DrillCall[];
}

/** How often each manner comes, of all of them. */
const MANNERS: readonly (readonly [weight: number, manner: Manner])[] = [
  [3, { talk_ms: 1_500 }],
  [4, { talk_ms: 4_000 }],
  [2, { talk_ms: 9_000 }],
  [1, { talk_ms: 17_000 }],
  [1, { ring_ms: 300 }],
];

const PAYERS: readonly (readonly [weight: number, kind: PayerKind])[] = [
  [4, 'RICH'],
  [2, 'POOR'],
  [2, 'BUNDLE'],
  [1, 'POSTPAID'],
  [1, 'LIMITED'],
];

/** Two digits: what the carrier does. */
const ENDINGS: readonly (readonly [weight: number, ending: string])[] = [
  [16, '42'],
  [2, CARRIER_NUMBERS.hangsUpAfterTwoSeconds],
  [1, CARRIER_NUMBERS.busy],
  [1, CARRIER_NUMBERS.neverAnswers],
];

const SERIALS = 100_000;
const FIRST_MOBILE_DIGIT = 6;

function weighted<T>(list: readonly (readonly [number, T])[]): T[] {
  return list.flatMap(([weight, value]) => Array.from({ length: weight }, () => value));
}

/** A mobile number of area 11 that belongs to one call alone. */
function numberOf(serial: number, ending: string): string {
  const first = FIRST_MOBILE_DIGIT + Math.floor(serial / SERIALS);
  return `119${first}${String(serial % SERIALS).padStart(5, '0')}${ending}`;
}

/** All calls of a drill, in groups by what their phones do; every group is as long as its share of the rate. */
export function makeCalls(random: Random, payers: readonly Payer[], count: number): CallGroup[] {
  const manners = MANNERS.reduce((sum, [weight]) => sum + weight, 0);
  const [kinds, endings] = [weighted(PAYERS), weighted(ENDINGS)];
  const accounts = new Map(payers.map(({ kind, lines }) => [kind, lines]));
  let serial = 0;
  return MANNERS.map(([weight, manner]) => ({
    manner,
    calls: Array.from({ length: Math.ceil((count * weight) / manners) }, () => ({
      account: random.pick(accounts.get(random.pick(kinds)) ?? []),
      number: numberOf(serial++, random.pick(endings)),
    })),
  }));
}
