import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Grant } from '../../src/domain/charge.ts';
import type { FoundRate } from '../../src/domain/rate-table.ts';
import { type ReceiptFacts, receiptOf } from '../../src/domain/receipt.ts';

function rateOf(version_id: string, price: bigint, cadence: string): FoundRate {
  const [initial_seconds = 0, increment_seconds = 0, free_threshold_seconds = 0] = cadence
    .split('/')
    .map(Number);
  return {
    version_id,
    price_micros_per_minute: price,
    cadence: { initial_seconds, increment_seconds, free_threshold_seconds },
    prefix: '5511',
    locality: 'São Paulo',
    kind: 'FIXED',
  };
}

const SALE = rateOf('sale', 120_000n, '30/6/3');
const WHOLESALE = rateOf('wholesale', 60_000n, '60/60/0');
const CARRIER = rateOf('carrier', 30_000n, '1/1/0');

const paid = (bundle_seconds: number, paid_seconds: number): Grant => ({ bundle_seconds, paid_seconds });

/** A call of `talk` seconds from a subscriber with minutes of FIXED_LOCAL, by the sale price alone. */
function facts(talk: number, grant: Grant, more: Partial<ReceiptFacts> = {}): ReceiptFacts {
  return {
    talk_ms: talk * 1000,
    rate: SALE,
    wholesale: null,
    cost: null,
    slot: 'FIXED_LOCAL',
    grant,
    cycles: ['2026-10-31', '2026-11-30'],
    ...more,
  };
}

const SOLD = { wholesale: WHOLESALE };
const BOUGHT = { wholesale: WHOLESALE, cost: CARRIER };
const FREE = { rate: null, slot: null };
const turning: Grant = {
  ...paid(30, 15),
  after_turn: { turn_seconds: 45, bundle_seconds: 20, paid_seconds: 40 },
};

/** A receipt as two lines: what the call and each of its slices took, and what was earned. */
function say(one: ReceiptFacts): [taken: string, earned: string] {
  const receipt = receiptOf(one);
  const { talk_seconds, billed_seconds, bundle_seconds, paid_seconds, total_micros, slices } = receipt;
  const paidBy = slices.map(
    ({ cycle_start, source, slot, seconds, total_micros: micros }) =>
      `${cycle_start} ${source} ${slot ?? '-'} ${seconds}s ${micros}`,
  );
  const whole = `${talk_seconds}s ${billed_seconds}=${bundle_seconds}+${paid_seconds}s ${total_micros}`;
  const above = [receipt.wholesale, receipt.carrier].map((cost) =>
    cost ? `${cost.version_id} ${cost.billed_seconds}s ${cost.total_micros}` : '-',
  );
  return [
    [whole, ...paidBy].join(' | '),
    [...above, receipt.margin_micros ?? '-', receipt.platform_margin_micros ?? '-'].join(' | '),
  ];
}

describe('the receipt of a call', () => {
  const NOTHING = '- | - | - | -';
  test.each<[string, ReceiptFacts, taken: string, earned: string]>([
    ['that is free', facts(61, paid(0, 0), FREE), '61s 0=0+0s 0', NOTHING],
    [
      'that is free, and costs the platform',
      facts(61, paid(0, 0), { ...FREE, cost: CARRIER }),
      '61s 0=0+0s 0',
      '- | carrier 61s 30500 | - | -',
    ],
    ['that was not answered', facts(0, paid(30, 0)), '0s 0=0+0s 0', NOTHING],
    ['below the threshold', facts(2, paid(0, 30)), '2s 0=0+0s 0', NOTHING],
    [
      'below the threshold of the subscriber alone: the reseller loses',
      facts(2, paid(0, 60), BOUGHT),
      '2s 0=0+0s 0',
      'wholesale 60s 60000 | carrier 2s 1000 | -60000 | 59000',
    ],
    [
      'paid by minutes',
      facts(31, paid(60, 0)),
      '31s 36=36+0s 0 | 2026-10-31 BUNDLE FIXED_LOCAL 36s 0',
      NOTHING,
    ],
    [
      'paid by money alone, though it had a slot',
      facts(31, paid(0, 60)),
      '31s 36=0+36s 72000 | 2026-10-31 MONEY - 36s 72000',
      NOTHING,
    ],
    [
      'paid by minutes, and then by money',
      facts(95, paid(30, 66)),
      '95s 96=30+66s 132000 | 2026-10-31 BUNDLE FIXED_LOCAL 30s 0 | 2026-10-31 MONEY - 66s 132000',
      NOTHING,
    ],
    [
      'a second that has begun counts',
      facts(30.001, paid(0, 60)),
      '31s 36=0+36s 72000 | 2026-10-31 MONEY - 36s 72000',
      NOTHING,
    ],
    [
      'longer than was granted',
      facts(100, paid(0, 36), BOUGHT),
      '100s 36=0+36s 72000 | 2026-10-31 MONEY - 36s 72000',
      'wholesale 60s 60000 | carrier 100s 50000 | 12000 | 10000',
    ],
    [
      'whose cycle turned: each pays its own',
      facts(71, turning),
      [
        '71s 72=50+22s 44000',
        '2026-10-31 BUNDLE FIXED_LOCAL 30s 0 | 2026-10-31 MONEY - 15s 30000',
        '2026-11-30 BUNDLE FIXED_LOCAL 20s 0 | 2026-11-30 MONEY - 7s 14000',
      ].join(' | '),
      NOTHING,
    ],
    [
      'that ended before the turn it was granted seconds beyond',
      facts(29, turning),
      '29s 30=30+0s 0 | 2026-10-31 BUNDLE FIXED_LOCAL 30s 0',
      NOTHING,
    ],
    [
      'with the margin of the reseller, the carrier being unknown',
      facts(60, paid(0, 60), SOLD),
      '60s 60=0+60s 120000 | 2026-10-31 MONEY - 60s 120000',
      'wholesale 60s 60000 | - | 60000 | -',
    ],
    [
      'with both margins',
      facts(61, paid(0, 66), BOUGHT),
      '61s 66=0+66s 132000 | 2026-10-31 MONEY - 66s 132000',
      'wholesale 120s 120000 | carrier 61s 30500 | 12000 | 89500',
    ],
    [
      'with no margin that is known, the reseller being charged nothing',
      facts(61, paid(0, 66), { cost: CARRIER }),
      '61s 66=0+66s 132000 | 2026-10-31 MONEY - 66s 132000',
      '- | carrier 61s 30500 | - | -',
    ],
    [
      'at a loss of both',
      facts(60, paid(0, 60), {
        wholesale: rateOf('wholesale', 200_000n, '60/60/0'),
        cost: rateOf('carrier', 300_000n, '1/1/0'),
      }),
      '60s 60=0+60s 120000 | 2026-10-31 MONEY - 60s 120000',
      'wholesale 60s 200000 | carrier 60s 300000 | -80000 | -100000',
    ],
    [
      'paid by minutes, which earn no money',
      facts(60, paid(60, 0), SOLD),
      '60s 60=60+0s 0 | 2026-10-31 BUNDLE FIXED_LOCAL 60s 0',
      'wholesale 60s 60000 | - | -60000 | -',
    ],
  ])('%s', (_, one, taken, earned) => {
    expect(say(one)).toEqual([taken, earned]);
  });

  test('shows what it was rated by above, and where that was found', () => {
    const { wholesale, carrier } = receiptOf(facts(60, paid(0, 60), BOUGHT));
    expect(wholesale).toEqual({ ...WHOLESALE, billed_seconds: 60, total_micros: 60_000n });
    expect(carrier).toEqual({ ...CARRIER, billed_seconds: 60, total_micros: 30_000n });
  });
});

test('slices are never empty, in the order of time, and add up to the receipt', () => {
  const cycle = fc.record({ bundle_seconds: fc.nat(300), paid_seconds: fc.nat(300) });
  const grants = fc.tuple(cycle, fc.option(cycle)).map(([first, next]): Grant => {
    const turn_seconds = first.bundle_seconds + first.paid_seconds;
    return next ? { ...first, after_turn: { turn_seconds, ...next } } : first;
  });
  fc.assert(
    fc.property(fc.nat(1_500), grants, (talk, grant) => {
      const { slices, billed_seconds, bundle_seconds, total_micros } = receiptOf(facts(talk, grant));
      const places = slices.map(({ cycle_start, source }) => `${cycle_start} ${source}`);
      const secondsOf = (some: typeof slices) => some.reduce((sum, { seconds }) => sum + seconds, 0);
      expect(slices.every(({ seconds }) => seconds > 0)).toBe(true);
      expect(places).toEqual([...new Set(places)].sort());
      expect(secondsOf(slices)).toBe(billed_seconds);
      expect(secondsOf(slices.filter(({ source }) => source === 'BUNDLE'))).toBe(bundle_seconds);
      expect(slices.reduce((sum, slice) => sum + slice.total_micros, 0n)).toBe(total_micros);
    }),
  );
});
