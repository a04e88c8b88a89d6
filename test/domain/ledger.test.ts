import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUNDLE_SLOTS, type BundleSlot } from '../../src/domain/call-class.ts';
import {
  accounts,
  type CallPart,
  callEntries,
  carrierEntries,
  correctionEntries,
  feeEntries,
  type Holder,
  type LedgerEntry,
  renewalEntries,
  topUpEntries,
  transferEntries,
  wholesaleEntries,
} from '../../src/domain/ledger.ts';

const payer = { subscriber_id: 's1', reseller_id: 'r1' };

function sums(entries: readonly LedgerEntry[]): Record<LedgerEntry['unit'], bigint> {
  const total = { MICROS: 0n, SECONDS: 0n };
  for (const { unit, amount } of entries) total[unit] += amount;
  return total;
}

const say = (entries: readonly LedgerEntry[]) =>
  entries.map(({ account, unit, amount }) => `${account} ${amount} ${unit}`);

const CYCLE = '2026-11-01';

const part = (slot: BundleSlot | null, bundle_seconds: number, total_micros: bigint): CallPart => ({
  cycle_start: CYCLE,
  slot,
  bundle_seconds,
  total_micros,
});

describe('entries of a call in one cycle', () => {
  test.each([
    ['nothing', part(null, 0, 0n), []],
    [
      'money',
      part(null, 0, 60_000n),
      ['subscriber:s1:money -60000 MICROS', 'reseller:r1:revenue 60000 MICROS'],
    ],
    [
      'minutes, of the cycle that it ran in',
      part('FIXED_LOCAL', 36, 0n),
      ['subscriber:s1:seconds:FIXED_LOCAL:2026-11-01 -36 SECONDS', 'reseller:r1:seconds 36 SECONDS'],
    ],
    [
      'both',
      part('MOBILE_LOCAL', 100, 103_333n),
      [
        'subscriber:s1:seconds:MOBILE_LOCAL:2026-11-01 -100 SECONDS',
        'reseller:r1:seconds 100 SECONDS',
        'subscriber:s1:money -103333 MICROS',
        'reseller:r1:revenue 103333 MICROS',
      ],
    ],
    [
      'money although it had a slot',
      part('FIXED_LOCAL', 0, 50_000n),
      ['subscriber:s1:money -50000 MICROS', 'reseller:r1:revenue 50000 MICROS'],
    ],
  ] as const)('that cost %s', (_, cost, entries) => {
    expect(say(callEntries(payer, cost))).toEqual(entries);
  });
});

describe('entries of', () => {
  const reseller = { subscriber_id: null, reseller_id: 'r1' };
  test.each<[string, LedgerEntry[], string[]]>([
    [
      'what a reseller pays for a call',
      wholesaleEntries('r1', 40_000n),
      ['reseller:r1:wholesale -40000 MICROS', 'platform:revenue 40000 MICROS'],
    ],
    ['a call that costs the reseller nothing', wholesaleEntries('r1', 0n), []],
    [
      'what a carrier gets for a call',
      carrierEntries('t1', 30_000n),
      ['trunk:t1:payable -30000 MICROS', 'platform:cost 30000 MICROS'],
    ],
    [
      'money that a subscriber pays in',
      topUpEntries(payer, 5_000_000n),
      ['reseller:r1:cash -5000000 MICROS', 'subscriber:s1:money 5000000 MICROS'],
    ],
    [
      'money that a reseller pays in',
      topUpEntries(reseller, 5n),
      ['platform:cash -5 MICROS', 'reseller:r1:wholesale 5 MICROS'],
    ],
    [
      'a correction down',
      correctionEntries(payer, -7n),
      ['reseller:r1:corrections 7 MICROS', 'subscriber:s1:money -7 MICROS'],
    ],
    [
      'a correction of a reseller',
      correctionEntries(reseller, 7n),
      ['platform:corrections -7 MICROS', 'reseller:r1:wholesale 7 MICROS'],
    ],
    [
      'the end of a transfer that gives',
      transferEntries(payer, -9n),
      ['reseller:r1:transfers 9 MICROS', 'subscriber:s1:money -9 MICROS'],
    ],
    [
      'the price of a franquia',
      feeEntries(payer, 19_900_000n),
      ['subscriber:s1:money -19900000 MICROS', 'reseller:r1:fees 19900000 MICROS'],
    ],
    [
      'the minutes of a cycle',
      renewalEntries(payer, 'FIXED_LDN', CYCLE, 6_000),
      ['reseller:r1:seconds -6000 SECONDS', 'subscriber:s1:seconds:FIXED_LDN:2026-11-01 6000 SECONDS'],
    ],
  ])('%s', (_, entries, expected) => {
    expect(say(entries)).toEqual(expected);
  });
});

test('entries sum to zero per unit, are never 0, and name each account once', () => {
  const amount = fc.bigInt(-(10n ** 15n), 10n ** 15n);
  const slot = fc.constantFrom(...BUNDLE_SLOTS);
  const seconds = fc.nat(1_000_000);
  const holder = fc.constantFrom<Holder>(payer, { subscriber_id: null, reseller_id: 'r1' });
  const entries = fc.oneof(
    fc.tuple(holder, amount).map((all) => topUpEntries(...all)),
    fc.tuple(holder, amount).map((all) => correctionEntries(...all)),
    amount.map((micros) => transferEntries(payer, micros)),
    amount.map((micros) => feeEntries(payer, micros)),
    amount.map((micros) => wholesaleEntries('r1', micros)),
    amount.map((micros) => carrierEntries('t1', micros)),
    fc.tuple(slot, seconds).map(([some, included]) => renewalEntries(payer, some, CYCLE, included)),
    fc.tuple(fc.option(slot), seconds, amount).map((all) => callEntries(payer, part(...all))),
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
  const of = (id: string) => [
    accounts.subscriberMoney(id),
    ...BUNDLE_SLOTS.flatMap((slot) => [
      accounts.subscriberSeconds(id, slot, CYCLE),
      accounts.subscriberSeconds(id, slot, '2026-12-01'),
    ]),
    accounts.resellerRevenue(id),
    accounts.resellerFees(id),
    accounts.resellerCash(id),
    accounts.resellerCorrections(id),
    accounts.resellerTransfers(id),
    accounts.resellerSeconds(id),
    accounts.resellerWholesale(id),
    accounts.trunkPayable(id),
  ];
  const platform = [
    accounts.platformRevenue,
    accounts.platformCost,
    accounts.platformCash,
    accounts.platformCorrections,
  ];
  const names = [...of('x'), ...of('y'), ...platform];
  expect(new Set(names).size).toBe(names.length);
});
