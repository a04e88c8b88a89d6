import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LineFacts, NO_PRICES, type TrunkFacts } from '../../src/domain/authorize.ts';
import { CALL_CLASSES } from '../../src/domain/call-class.ts';
import { authorizeForward, claimsBeyond, destinationProblem } from '../../src/domain/forwarding.ts';
import type { LimitClaim } from '../../src/domain/limits.ts';
import { LIMIT_DIRECTIONS, LIMIT_LEVELS } from '../../src/domain/refusals.ts';

const trunk: TrunkFacts = { trunk_id: 't1', code: 'gw', max_calls: 9, reserved_in: 0, cost_versions: null };

/** Only what the decision reads about a line that may call anything for which nobody pays. */
function lineOf(changes: Partial<LineFacts> = {}): LineFacts {
  return {
    line_id: 'l1',
    sip_username: 'anna',
    extension: '201',
    area_code: '11',
    line_status: 'ACTIVE',
    allowed_classes: new Set(CALL_CLASSES),
    line_max_calls: 1,
    line_calls_per_second: null,
    max_call_seconds: null,
    max_ring_seconds: null,
    caller_id: null,
    ...changes,
    subscriber: {
      subscriber_id: 's1',
      reseller_id: 'r1',
      billing_mode: 'PREPAID',
      status: 'ACTIVE',
      max_calls: 1,
      max_calls_out: null,
      max_calls_in: null,
      reserved_in: 0,
      calls_per_second: null,
      internal_calls_take_slots: true,
      reseller_max_calls: 1,
      intl_dialing: 'NO_CSP',
      auto_ninth_digit: true,
      extensions: new Map([
        ['201', 'anna'],
        ['202', 'bento'],
      ]),
      groups: new Map(),
      slots: new Set(),
    },
  } as unknown as LineFacts;
}

/** The reason of a refusal and its detail, or how the call goes on and what is shown. */
function said(dialled: string, senders: readonly string[] = [], line = lineOf()): string {
  const verdict = authorizeForward(dialled, line, trunk, NO_PRICES, senders);
  if (!verdict.permitted) return `${verdict.refusal.reason} ${verdict.refusal.detail ?? '-'}`;
  const { route, caller_id } = verdict.permission;
  return `${route.kind} shows ${caller_id || 'who called'}`;
}

describe('a line that sends a call on', () => {
  test.each([
    ['to an extension: who called is seen', '202', [], lineOf(), 'LINE shows who called'],
    ['outside: its extension is shown', '08001234567', [], lineOf(), 'TRUNK shows 201'],
    [
      'outside, with a number of its own: that',
      '08001234567',
      [],
      lineOf({ caller_id: '+551140001000' }),
      'TRUNK shows +551140001000',
    ],
    ['as the fourth', '202', ['bento', 'clara', 'david'], lineOf(), 'FORWARD_LOOP 3'],
    ['as the third', '202', ['bento', 'clara'], lineOf(), 'LINE shows who called'],
    ['once more', '202', ['anna', 'bento'], lineOf(), 'FORWARD_LOOP SAME_LINE'],
    ['to itself', '201', [], lineOf(), 'FORWARD_LOOP SAME_LINE'],
    ['to the police, whom nobody called', '190', [], lineOf(), 'CLASS_NOT_PERMITTED EMERGENCY'],
    [
      'where it may not call',
      '202',
      [],
      lineOf({ allowed_classes: new Set() }),
      'CLASS_NOT_PERMITTED INTERNAL',
    ],
    ['for what has no price', '11987654321', [], lineOf(), 'NO_RATE MOBILE_LOCAL'],
    ['while it is blocked', '08001234567', [], lineOf({ line_status: 'BLOCKED' }), 'LINE_BLOCKED BLOCKED'],
    ['to nothing', '*97', [], lineOf(), 'INVALID_NUMBER UNKNOWN_FEATURE'],
  ])('%s', (_, dialled, senders, line, what) => expect(said(dialled, senders, line)).toBe(what));
});

const anyClaim: fc.Arbitrary<LimitClaim> = fc.record({
  level: fc.constantFrom(...LIMIT_LEVELS),
  direction: fc.constantFrom(...LIMIT_DIRECTIONS),
  id: fc.constantFrom('a', 'b'),
  limit: fc.nat(3),
  reserved: fc.constant(0),
});
const nameOf = ({ level, direction, id }: LimitClaim) => `${level} ${direction} ${id}`;

describe('what a call that is sent on claims', () => {
  test('is every slot that nobody before it holds, and its trunk’s in any case', () => {
    fc.assert(
      fc.property(fc.array(anyClaim), fc.array(anyClaim), (claims, held) => {
        const holds = new Set(held.map(nameOf));
        const left = claims.filter((claim) => claim.level === 'TRUNK' || !holds.has(nameOf(claim)));
        expect(claimsBeyond(claims, held)).toEqual(left);
      }),
    );
  });
});

describe('a destination as it is saved', () => {
  const line = {
    extension: '201',
    area_code: '11',
    extensions: new Set(['201', '202']),
    intl_dialing: 'NO_CSP',
    auto_ninth_digit: true,
  } as const;
  test.each([
    ['202', null],
    ['11987654321', null],
    ['+5511987654321', null],
    ['0012125551234', null],
    ['201', 'ITSELF'],
    ['190', 'EMERGENCY'],
    ['911', 'EMERGENCY'],
    ['203', 'NO_NUMBER'],
    ['2012345678', 'NO_NUMBER'],
    ['*97', 'NO_NUMBER'],
    ['202&PJSIP/x', 'NO_NUMBER'],
    ['1,Set(X=1)', 'NO_NUMBER'],
    ['', 'NO_NUMBER'],
  ])('%s: %s', (destination, problem) => expect(destinationProblem(destination, line)).toBe(problem));
});
