import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CallFacts, decodeFacts, encodeFacts } from '../../src/calls/live-call.ts';
import { BILLING_MODES } from '../../src/domain/authorize.ts';
import { BUNDLE_SLOTS, CALL_CLASSES } from '../../src/domain/call-class.ts';
import { RATE_KINDS } from '../../src/domain/rate-table.ts';
import { LIMIT_LEVELS } from '../../src/domain/refusals.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  // what could be taken for an amount
  fc.constantFrom('0n', '123n', '12345678901234567890n', '__proto__', '', 'n', '"5n"'),
);
const amount = fc.bigInt(0n, 2n ** 70n);
const seconds = fc.nat(3_600);

const rate = fc.record({
  version_id: text,
  prefix: fc.option(text),
  locality: fc.option(text),
  kind: fc.option(fc.constantFrom(...RATE_KINDS)),
  price_micros_per_minute: amount,
  cadence: fc.record({
    initial_seconds: seconds,
    increment_seconds: seconds,
    free_threshold_seconds: seconds,
  }),
});

const facts: fc.Arbitrary<CallFacts> = fc.record({
  call_id: text,
  server_id: text,
  reseller_id: text,
  subscriber_id: text,
  subscriber_name: text,
  line_id: text,
  extension: text,
  trunk_id: fc.option(text),
  dialled: text,
  number: text,
  call_class: fc.constantFrom(...CALL_CLASSES),
  csp: fc.option(text),
  plan_id: text,
  rate: fc.option(rate),
  wholesale: fc.option(rate),
  cost: fc.option(rate),
  loss: fc.boolean(),
  area_code: text,
  billing_mode: fc.constantFrom(...BILLING_MODES),
  slot: fc.option(fc.constantFrom(...BUNDLE_SLOTS)),
  credit_micros: amount,
  reseller_credit_micros: amount,
  claims: fc.array(fc.record({ level: fc.constantFrom(...LIMIT_LEVELS), id: text, limit: fc.nat() })),
  cycle_start: text,
  next_cycle_start: text,
  created_at_ms: fc.nat(Number.MAX_SAFE_INTEGER),
});

test('facts come back from their text as they were, amounts to the last digit', () => {
  fc.assert(
    fc.property(facts, (some) => {
      expect(decodeFacts(encodeFacts(some))).toEqual(some);
    }),
  );
});

test('what is no amount does not become one', () => {
  const [some] = fc.sample(facts, 1);
  if (!some) throw new Error('no sample');
  const digits = { ...some, dialled: '190n', number: '190n', subscriber_name: '5n', csp: '15n' };
  expect(decodeFacts(encodeFacts(digits))).toEqual(digits);
});
