import { describe, expect, test } from 'vitest';
import type { LineFacts, SubscriberFacts, TrunkFacts } from '../../src/domain/authorize.ts';
import {
  type CallWay,
  longestCall,
  longestRing,
  numberClaims,
  paceClaims,
  slotClaims,
} from '../../src/domain/limits.ts';

const TRUNK: TrunkFacts = { trunk_id: 't1', code: 'c', max_calls: 30, reserved_in: 4, cost_versions: null };

type Changes = Partial<Omit<LineFacts, 'subscriber'>> & { subscriber?: Partial<SubscriberFacts> };

/** Only what limits read. */
function lineOf({ subscriber, ...line }: Changes = {}): LineFacts {
  return {
    line_id: 'l1',
    line_max_calls: 2,
    line_calls_per_second: null,
    max_call_seconds: null,
    max_ring_seconds: null,
    ...line,
    subscriber: {
      subscriber_id: 's1',
      reseller_id: 'r1',
      max_calls: 10,
      max_calls_out: 6,
      max_calls_in: 5,
      reserved_in: 3,
      calls_per_second: null,
      internal_calls_take_slots: true,
      reseller_max_calls: 100,
      ...subscriber,
    },
  } as LineFacts;
}

/** `LEVEL DIRECTION id limit-reserved`, in their order. */
const said = (way: CallWay, trunk: TrunkFacts | null, changes: Changes = {}) =>
  slotClaims(lineOf(changes), trunk, way).map(
    ({ level, direction, id, limit, reserved }) =>
      `${level} ${direction} ${id} ${limit}${reserved ? `-${reserved}` : ''}`,
  );

const LINE = 'LINE TOTAL l1 2';
const RESELLER = 'RESELLER TOTAL r1 100';

describe('slots', () => {
  const free = { subscriber: { max_calls_out: null, max_calls_in: null } };
  test.each<[string, CallWay, TrunkFacts | null, Changes, string[]]>([
    [
      'out leaves free what is kept for calls in, at subscriber and trunk',
      'OUT',
      TRUNK,
      {},
      [LINE, 'SUBSCRIBER TOTAL s1 10-3', 'SUBSCRIBER OUT s1 6', RESELLER, 'TRUNK TOTAL t1 30-4'],
    ],
    [
      'in may take all',
      'IN',
      TRUNK,
      {},
      [LINE, 'SUBSCRIBER TOTAL s1 10', 'SUBSCRIBER IN s1 5', RESELLER, 'TRUNK TOTAL t1 30'],
    ],
    [
      'no limit by direction, no slot of it',
      'OUT',
      TRUNK,
      free,
      [LINE, 'SUBSCRIBER TOTAL s1 10-3', RESELLER, 'TRUNK TOTAL t1 30-4'],
    ],
    [
      'internal is neither out nor in, and takes none of the kept',
      'INTERNAL',
      null,
      {},
      [LINE, 'SUBSCRIBER TOTAL s1 10-3', RESELLER],
    ],
    [
      'internal takes none where it is told so',
      'INTERNAL',
      null,
      { subscriber: { internal_calls_take_slots: false } },
      [],
    ],
    [
      'that option is of internal calls only',
      'IN',
      null,
      { subscriber: { internal_calls_take_slots: false } },
      [LINE, 'SUBSCRIBER TOTAL s1 10', 'SUBSCRIBER IN s1 5', RESELLER],
    ],
  ])('%s', (_, way, trunk, changes, claims) => expect(said(way, trunk, changes)).toEqual(claims));
});

test('paces are those that are set, the line first', () => {
  expect(paceClaims(lineOf())).toEqual([]);
  const set = lineOf({ line_calls_per_second: 2, subscriber: { calls_per_second: 9 } });
  expect(paceClaims(set)).toEqual([
    { level: 'LINE', id: 'l1', calls_per_second: 2 },
    { level: 'SUBSCRIBER', id: 's1', calls_per_second: 9 },
  ]);
});

describe('a number', () => {
  test.each<['OUT' | 'IN', total: number | null, out: number | null, inwards: number | null, string[]]>([
    ['IN', 4, 2, 3, ['TOTAL 4', 'IN 3']],
    ['OUT', 4, 2, 3, ['TOTAL 4', 'OUT 2']],
    ['OUT', null, null, 3, []],
    ['IN', null, 2, null, []],
    ['IN', 0, null, null, ['TOTAL 0']],
  ])('%s of %s in all, %s out and %s in', (way, max_calls, max_calls_out, max_calls_in, expected) => {
    const claims = numberClaims({ did_id: 'd1', max_calls, max_calls_out, max_calls_in }, way);
    expect(claims.map(({ direction, limit }) => `${direction} ${limit}`)).toEqual(expected);
    for (const claim of claims) expect(claim).toMatchObject({ level: 'NUMBER', id: 'd1', reserved: 0 });
  });
});

test.each([
  ['FIXED_LDN', null, 14_400],
  ['INTL_MOBILE', null, 3_600],
  ['INTL_SPECIAL', null, 3_600],
  ['INTERNAL', 60, 60],
  ['INTL_FIXED', 14_400, 3_600],
  ['EMERGENCY', 1, 14_400],
] as const)('a call %s of a line with %s s lasts %i s at most', (call_class, max_call_seconds, longest) => {
  expect(longestCall(call_class, { max_call_seconds })).toBe(longest);
});

test.each([
  ['FIXED_LOCAL', null, 60],
  ['FIXED_LOCAL', 5, 5],
  ['EMERGENCY', 5, 60],
] as const)('a call %s of a line with %s s rings %i s at most', (call_class, max_ring_seconds, longest) => {
  expect(longestRing(call_class, { max_ring_seconds })).toBe(longest);
});
