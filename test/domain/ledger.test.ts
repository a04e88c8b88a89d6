import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUNDLE_SLOTS } from '../../src/domain/call-class.ts';
import {
  accounts,
  callEntries,
  type LedgerEntry,
  renewalEntries,
  topUpEntries,
} from '../../src/domain/ledger.ts';

const payer = { subscriber_id: 's1', reseller_id: 'r1' };

function sums(entries: readonly LedgerEntry[]): Record<LedgerEntry['unit'], bigint> {
  const total = { MICROS: 0n, SECONDS: 0n };
  for (const { unit, amount } of entries) total[unit] += amount;
  return total;
}

const say = (entries: readonly LedgerEntry[]) =>
  entries.map(({ account, unit, amount }) => `${account} ${amount} ${unit}`);

const charge = (bundle_seconds: number, paid_seconds: number, total_micros: bigint) => ({
  billed_seconds: bundle_seconds + paid_seconds,
  bundle_seconds,
  paid_seconds,
  total_micros,
});

describe('entries of a call', () => {
  test.each([
    ['nothing', null, charge(0, 0, 0n), []],
    [
      'money',
      null,
      charge(0, 36, 60_000n),
      ['subscriber:s1:money -60000 MICROS', 'reseller:r1:revenue 60000 MICROS'],
    ],
    [
      'minutes',
      'FIXED_LOCAL',
      charge(36, 0, 0n),
      ['subscriber:s1:seconds:FIXED_LOCAL -36 SECONDS', 'reseller:r1:seconds 36 SECONDS'],
    ],
    [
      'both',
      'MOBILE_LOCAL',
      charge(100, 62, 103_333n),
      [
        'subscriber:s1:seconds:MOBILE_LOCAL -100 SECONDS',
        'reseller:r1:seconds 100 SECONDS',
        'subscriber:s1:money -103333 MICROS',
        'reseller:r1:revenue 103333 MICROS',
      ],
    ],
    [
      'money although it had a slot',
      'FIXED_LOCAL',
      charge(0, 30, 50_000n),
      ['subscriber:s1:money -50000 MICROS', 'reseller:r1:revenue 50000 MICROS'],
    ],
    ['seconds at price 0', null, charge(0, 30, 0n), []],
  ] as const)('that cost %s', (_, slot, cost, entries) => {
    expect(say(callEntries(payer, slot, cost))).toEqual(entries);
  });
});

test('a top-up brings money from the cash to the subscriber, and a negative one takes it back', () => {
  expect(say(topUpEntries(payer, 5_000_000n))).toEqual([
    'reseller:r1:cash -5000000 MICROS',
    'subscriber:s1:money 5000000 MICROS',
  ]);
  expect(say(topUpEntries(payer, -1n))).toEqual([
    'reseller:r1:cash 1 MICROS',
    'subscriber:s1:money -1 MICROS',
  ]);
});

test.each([
  // left, included, what the slot gets
  [0, 6_000, 6_000n],
  [30, 6_000, 5_970n],
  [6_000, 6_000, null],
  [6_000, 600, -5_400n],
  [-5, 600, 605n],
  [30, 0, -30n],
])('a renewal with %i s left and %i s included moves %s', (left, included, amount) => {
  const entries = renewalEntries(payer, 'FIXED_LDN', left, included);
  const moved = entries.find(({ account }) => account === accounts.subscriberSeconds('s1', 'FIXED_LDN'));
  expect(moved?.amount ?? null).toBe(amount);
  expect(BigInt(left) + (moved?.amount ?? 0n)).toBe(BigInt(included));
});

test('entries sum to zero per unit, are never 0, and name each account once', () => {
  const amount = fc.bigInt(-(10n ** 15n), 10n ** 15n);
  const slot = fc.constantFrom(...BUNDLE_SLOTS);
  const seconds = fc.nat(1_000_000);
  const entries = fc.oneof(
    amount.map((micros) => topUpEntries(payer, micros)),
    fc.tuple(slot, seconds, seconds).map((all) => renewalEntries(payer, ...all)),
    fc
      .tuple(fc.option(slot), seconds, seconds, fc.bigInt(0n, 10n ** 15n))
      .map(([some, bundle, paid, micros]) =>
        callEntries(payer, some, charge(some ? bundle : 0, paid, micros)),
      ),
  );
  fc.assert(
    fc.property(entries, (all) => {
      expect(sums(all)).toEqual({ MICROS: 0n, SECONDS: 0n });
      expect(all.every((entry) => entry.amount !== 0n)).toBe(true);
      expect(new Set(all.map((entry) => entry.account)).size).toBe(all.length);
    }),
  );
});

test('no two accounts share a name', () => {
  const names = [
    accounts.subscriberMoney('x'),
    ...BUNDLE_SLOTS.map((slot) => accounts.subscriberSeconds('x', slot)),
    accounts.resellerRevenue('x'),
    accounts.resellerCash('x'),
    accounts.resellerSeconds('x'),
    accounts.subscriberMoney('y'),
    accounts.resellerCash('y'),
  ];
  expect(new Set(names).size).toBe(names.length);
});
