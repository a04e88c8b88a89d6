import fc from 'fast-check';
import { expect, test } from 'vitest';
import { billCall } from '../../src/domain/bill.ts';
import { formatCadence } from '../../src/domain/cadence.ts';
import { type Grant, grantedSeconds, sourcesOf } from '../../src/domain/charge.ts';
import type { FoundRate } from '../../src/domain/rate-table.ts';
import { type RunningCall, soFar } from '../../src/domain/so-far.ts';

const rate: fc.Arbitrary<FoundRate> = fc
  .record({
    price: fc.bigInt({ min: 0n, max: 5_000_000n }),
    initial_seconds: fc.integer({ min: 1, max: 60 }),
    increment_seconds: fc.integer({ min: 1, max: 60 }),
    free_threshold_seconds: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ price, ...cadence }) => ({
    price_micros_per_minute: price,
    cadence,
    version_id: 'v',
    prefix: null,
    locality: null,
    kind: null,
  }));

const seconds = fc.integer({ min: 0, max: 120 });
const cycle = fc.record({ bundle_seconds: seconds, paid_seconds: seconds });
/** With a turn, what was granted before it reaches exactly to it. */
const grant: fc.Arbitrary<Grant> = fc
  .tuple(cycle, fc.option(cycle))
  .map(([before, after]) =>
    after
      ? { ...before, after_turn: { turn_seconds: before.bundle_seconds + before.paid_seconds, ...after } }
      : before,
  );

const ANSWERED_ms = Date.parse('2026-11-24T12:00:00.250Z');
const price = (one: FoundRate | null) =>
  one && {
    price_micros_per_minute: one.price_micros_per_minute.toString(),
    cadence: formatCadence(one.cadence),
  };

function rowOf(
  rates: { rate: FoundRate | null; wholesale: FoundRate | null; cost: FoundRate | null },
  granted: Grant,
): RunningCall {
  const told = price(rates.rate);
  return {
    answered_at: new Date(ANSWERED_ms).toISOString(),
    sources: sourcesOf(granted),
    bundle_seconds: granted.bundle_seconds + (granted.after_turn?.bundle_seconds ?? 0),
    paid_seconds: granted.paid_seconds + (granted.after_turn?.paid_seconds ?? 0),
    cut_at: new Date(ANSWERED_ms + grantedSeconds(granted) * 1000).toISOString(),
    cadence: told?.cadence ?? null,
    price_micros_per_minute: told?.price_micros_per_minute ?? null,
    wholesale: price(rates.wholesale),
    carrier: price(rates.cost),
  };
}

test('what a row has cost at any second is what its call would be billed if it ended then', () => {
  const rates = fc.record({ rate, wholesale: fc.option(rate), cost: fc.option(rate) });
  fc.assert(
    fc.property(rates, grant, (each, granted) => {
      const row = rowOf(each, granted);
      for (let talk_ms = 0; talk_ms <= (grantedSeconds(granted) + 3) * 1000; talk_ms += 500) {
        const { charge, wholesale, cost } = billCall(talk_ms, each, granted, ['a', 'b']);
        const wholesale_micros = wholesale?.total_micros ?? 0n;
        expect(soFar(row, ANSWERED_ms + talk_ms)).toMatchObject({
          talk_seconds: Math.ceil(talk_ms / 1000),
          ...charge,
          wholesale_micros,
          margin_micros: charge.total_micros - wholesale_micros,
          carrier_micros: cost?.total_micros ?? 0n,
          seconds_to_cut: Math.max(0, Math.ceil((grantedSeconds(granted) * 1000 - talk_ms) / 1000)),
        });
      }
    }),
    { numRuns: 60 },
  );
});

const free = {
  answered_at: null,
  sources: [],
  bundle_seconds: 0,
  paid_seconds: 0,
  cut_at: null,
  cadence: null,
};

test.each<[string, RunningCall, object]>([
  [
    'nothing before the answer',
    { ...free, price_micros_per_minute: null },
    { talk_seconds: 0, total_micros: 0n, seconds_to_cut: null },
  ],
  [
    'nothing of a free call',
    { ...free, answered_at: '2026-11-24T12:00:00Z', price_micros_per_minute: null, wholesale: null },
    { talk_seconds: 10, billed_seconds: 0, total_micros: 0n, margin_micros: 0n },
  ],
  [
    'no amount without the price',
    free,
    { total_micros: null, margin_micros: null, wholesale_micros: null, carrier_micros: null },
  ],
  [
    'the wholesale is not the subscriber’s to see',
    { ...free, price_micros_per_minute: '60' },
    { total_micros: 0n, wholesale_micros: null, margin_micros: null },
  ],
])('%s', (_, row, told) => {
  expect(soFar(row, Date.parse('2026-11-24T12:00:10Z'))).toMatchObject(told);
});
