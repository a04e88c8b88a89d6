import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CONTEXTS } from '../../src/asterisk/ari/events.ts';
import { type CallFacts, decodeFacts, encodeFacts, formatGranted } from '../../src/calls/live-call.ts';
import { seenCalls } from '../../src/calls/recovery.ts';
import { BILLING_MODES } from '../../src/domain/authorize.ts';
import { DIRECTIONS } from '../../src/domain/authorize-inbound.ts';
import { BUNDLE_SLOTS, CALL_CLASSES } from '../../src/domain/call-class.ts';
import type { Grant } from '../../src/domain/charge.ts';
import { RATE_KINDS } from '../../src/domain/rate-table.ts';
import { LIMIT_DIRECTIONS, LIMIT_LEVELS } from '../../src/domain/refusals.ts';

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
  direction: fc.constantFrom(...DIRECTIONS),
  caller_number: fc.option(text),
  forwarded_from: fc.option(text),
  ring_group_id: fc.option(text),
  ring_group_name: fc.option(text),
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
  daily_cap_micros: fc.option(amount),
  claims: fc.array(
    fc.record({
      level: fc.constantFrom(...LIMIT_LEVELS),
      direction: fc.constantFrom(...LIMIT_DIRECTIONS),
      id: text,
      limit: fc.nat(),
      reserved: fc.nat(),
    }),
  ),
  paces: fc.array(
    fc.record({
      level: fc.constantFrom('LINE' as const, 'SUBSCRIBER' as const),
      id: text,
      calls_per_second: fc.nat(),
    }),
  ),
  longest_seconds: fc.nat(),
  warn_seconds: fc.nat(),
  switch_tone: fc.boolean(),
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

/** What is read back from the channel that a grant was told to. */
function readBack(granted: string): Grant | null | undefined {
  const dialplan = { context: CONTEXTS.grant, exten: 'T-a-1-1-1-' };
  const channel = { state: 'Up', creationtime: '2026-11-10T12:00:00.000+0000', dialplan };
  const channelvars = { PABX_CALL: 'caller', PABX_GRANTED: granted };
  const seen = seenCalls([
    { ...channel, id: 'caller', name: 'PJSIP/ana-0001' },
    { ...channel, id: 'callee', name: 'PJSIP/carrier-0002', channelvars },
  ]);
  return seen[0]?.granted;
}

test('a call that is sent on is one of the line whose channel it leaves by, and younger than the first', () => {
  const at = (second: number) => ({
    state: 'Up',
    creationtime: `2026-11-10T12:00:0${second}.000+0000`,
    dialplan: { context: CONTEXTS.grant, exten: 'T-a-1-1-1-' },
  });
  const far = { PABX_CALL: 'second', PABX_FORWARDED_FROM: 'first' };
  const seen = seenCalls([
    { ...at(2), id: 'second', name: 'Local/ana-+5511@pabx-forward-0001;2', channelvars: far },
    {
      ...at(2),
      id: 'near',
      name: 'Local/ana-+5511@pabx-forward-0001;1',
      channelvars: { PABX_CALL: 'first' },
    },
    { ...at(1), id: 'first', name: 'PJSIP/in-0001', channelvars: { PABX_CALL: 'first' } },
    {
      ...at(3),
      id: 'out',
      name: 'PJSIP/carrier-0002',
      dialplan: { context: CONTEXTS.fromTrunk, exten: '' },
      channelvars: { PABX_CALL: 'second' },
    },
  ]);
  const told = seen.map((call) => [
    call.call_id,
    call.sip_username,
    call.callee?.channel_id,
    call.forwarded_from,
  ]);
  expect(told).toEqual([
    ['first', 'in', 'near', null],
    ['second', 'ana', 'out', 'first'],
  ]);
});

test('a grant that a switch was told comes back as it was, its turn too', () => {
  const cycle = fc.record({ bundle_seconds: fc.nat(1_000_000_000), paid_seconds: fc.nat(1_000_000_000) });
  const turn_seconds = fc.nat(1_000_000_000);
  const grant: fc.Arbitrary<Grant> = fc
    .tuple(cycle, fc.option(fc.tuple(turn_seconds, cycle)))
    .map(([before, next]) =>
      next ? { ...before, after_turn: { turn_seconds: next[0], ...next[1] } } : before,
    );
  fc.assert(
    fc.property(grant, (some) => {
      expect(readBack(formatGranted(some))).toEqual(some);
    }),
  );
});

test.each([
  ['30:60', { bundle_seconds: 30, paid_seconds: 60 }],
  [
    '30:0:30:0:6',
    {
      bundle_seconds: 30,
      paid_seconds: 0,
      after_turn: { turn_seconds: 30, bundle_seconds: 0, paid_seconds: 6 },
    },
  ],
  // nothing was told, or not by us
  ['', null],
  ['30', null],
  ['30:60:90', null],
  ['30:60:90:1', null],
  ['30:-6', null],
  ['30:60 ', null],
])('the variable %j is read as %j', (granted, grant) => {
  expect(readBack(granted)).toEqual(grant);
});
