import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type LineFacts,
  STATUSES,
  type SubscriberFacts,
  type TrunkFacts,
} from '../../src/domain/authorize.ts';
import {
  authorizeInbound,
  calledNumber,
  callerNumber,
  type NumberFacts,
} from '../../src/domain/authorize-inbound.ts';

describe('the number that a carrier means', () => {
  test.each([
    ['+551140001000', '+551140001000'],
    ['551140001000', '+551140001000'],
    ['5511940001000', '+5511940001000'],
    ['1140001000', '+551140001000'],
    ['11940001000', '+5511940001000'],
    ['01140001000', '+551140001000'],
    ['011940001000', '+5511940001000'],
    ['+55 (11) 4000-1000', '+551140001000'],
    // The area code 55 is in Rio Grande do Sul.
    ['5532201234', '+555532201234'],
    ['+12125551234', '+12125551234'],
    ['351211234567', '+351211234567'],
    ['40001000', null],
    ['190', null],
    ['', null],
    ['+', null],
    ['+0551140001000', null],
    ['++551140001000', null],
    ['551140001000#', null],
    ['551140001000,1,Hangup()', null],
    ['5511400010001234', null],
    ['s', null],
  ])('%s is %s', (dialled, number) => expect(calledNumber(dialled)).toBe(number));

  test('is E.164 or none, whatever was dialled', () => {
    const dialled = fc.oneof(fc.string(), fc.stringMatching(/^[+0-9 ()-]{0,20}$/));
    fc.assert(fc.property(dialled, (text) => /^\+[1-9]\d{7,14}$/.test(calledNumber(text) ?? '+10000000')));
  });
});

describe('what is shown of a caller', () => {
  test.each([
    ['+5521999998888', '+5521999998888'],
    ['21999998888', '21999998888'],
    ['anonymous', ''],
    ['', ''],
    ['+', ''],
    ['5521;ext=1', '55211'],
    ['55+21', '5521'],
    ['9'.repeat(16), '9'.repeat(16)],
    ['9'.repeat(17), ''],
  ])('%s: %s', (sent, shown) => expect(callerNumber(sent)).toBe(shown));

  test('is digits with a leading + at most, whatever was sent', () => {
    fc.assert(fc.property(fc.string(), (sent) => /^(\+?\d{1,16})?$/.test(callerNumber(sent))));
  });
});

const trunk: TrunkFacts = {
  trunk_id: 't1',
  code: 'carrier',
  max_calls: 30,
  reserved_in: 9,
  cost_versions: null,
};

const number: NumberFacts = {
  did_id: 'd1',
  max_calls: null,
  max_calls_out: null,
  max_calls_in: null,
  number: '+551140001000',
  active: true,
  reseller_id: 'r1',
  subscriber_id: 's1',
  server_id: 'server',
  sip_username: 'anna',
  group_code: null,
};

function lineFacts(line: Partial<LineFacts> = {}, subscriber: Partial<SubscriberFacts> = {}): LineFacts {
  return {
    line_id: 'l1',
    sip_username: 'anna',
    extension: '201',
    area_code: '11',
    line_status: 'ACTIVE',
    // What it may dial has nothing to do with what reaches it.
    allowed_classes: new Set(),
    line_max_calls: 2,
    line_calls_per_second: 1,
    max_call_seconds: 600,
    max_ring_seconds: 20,
    caller_id: null,
    caller_id_limits: null,
    plan_id: 'p1',
    sale_versions: [],
    ...line,
    subscriber: {
      subscriber_id: 's1',
      reseller_id: 'r1',
      name: 'Padaria',
      billing_mode: 'PREPAID',
      status: 'ACTIVE',
      max_calls: 10,
      max_calls_out: 0,
      max_calls_in: 3,
      reserved_in: 2,
      calls_per_second: 1,
      internal_calls_take_slots: false,
      warn_seconds: 10,
      switch_tone: false,
      daily_cap_micros: 0n,
      reseller_max_calls: 100,
      credit_limit_micros: 0n,
      reseller_credit_micros: 0n,
      wholesale_versions: null,
      allow_loss_calls: false,
      intl_dialing: 'NO_CSP',
      auto_ninth_digit: true,
      cycle_day: 1,
      ldn_fixed_uses_local: false,
      ldn_mobile_uses_local: false,
      slots: new Set(),
      extensions: new Map([['201', 'anna']]),
      groups: new Map(),
      ...subscriber,
    },
  };
}

/** The reason of a refusal and its detail, or who rings. */
function say(of: NumberFacts | null, line: LineFacts | null, by: TrunkFacts | null = trunk): string {
  const verdict = authorizeInbound('+5521999998888', of, line, by, 'server', null);
  if (!verdict.permitted) return `${verdict.refusal.reason} ${verdict.refusal.detail ?? '-'}`;
  const { route } = verdict.permission;
  return route.kind === 'INBOUND' ? `rings ${route.sip_username}` : route.kind;
}

describe('a call from outside', () => {
  test.each<[string, NumberFacts | null, LineFacts | null, TrunkFacts | null, string]>([
    ['a number with a line', number, lineFacts(), trunk, 'rings anna'],
    ['a number of nobody’s', null, null, trunk, 'UNKNOWN_NUMBER -'],
    ['one out of use', { ...number, active: false }, lineFacts(), trunk, 'UNKNOWN_NUMBER INACTIVE'],
    ['one in stock', { ...number, subscriber_id: null }, null, trunk, 'UNKNOWN_NUMBER IN_STOCK'],
    ['one without a line', { ...number, sip_username: null }, null, trunk, 'UNKNOWN_NUMBER NO_LINE'],
    [
      'a line of another server',
      { ...number, server_id: 'other' },
      lineFacts(),
      trunk,
      'NO_ROUTE OTHER_SERVER',
    ],
    ['a trunk that is gone', number, lineFacts(), null, 'NO_ROUTE -'],
    [
      'out of use and suspended',
      { ...number, active: false },
      lineFacts({}, { status: 'SUSPENDED' }),
      trunk,
      'UNKNOWN_NUMBER INACTIVE',
    ],
    [
      'both suspended',
      number,
      lineFacts({ line_status: 'BLOCKED' }, { status: 'SUSPENDED' }),
      trunk,
      'SUBSCRIBER_SUSPENDED SUSPENDED',
    ],
  ])('%s', (_, of, line, by, said) => expect(say(of, line, by)).toBe(said));

  test.each(STATUSES)('reaches a subscriber and a line only when they are active: %s', (status) => {
    const active = status === 'ACTIVE';
    expect(say(number, lineFacts({}, { status }))).toBe(
      active ? 'rings anna' : `SUBSCRIBER_SUSPENDED ${status}`,
    );
    expect(say(number, lineFacts({ line_status: status }))).toBe(
      active ? 'rings anna' : `LINE_BLOCKED ${status}`,
    );
  });

  test('is paid by nobody, and takes a slot at every level, those kept for calls in too', () => {
    const verdict = authorizeInbound('+5521999998888', number, lineFacts(), trunk, 'server', null);
    expect(verdict).toMatchObject({
      permission: {
        destination: { class: 'INBOUND', number: '+551140001000' },
        rate: null,
        wholesale: null,
        cost: null,
        slot: null,
        caller_id: '+5521999998888',
        claims: [
          { level: 'LINE', direction: 'TOTAL', id: 'l1', limit: 2, reserved: 0 },
          { level: 'SUBSCRIBER', direction: 'TOTAL', id: 's1', limit: 10, reserved: 0 },
          { level: 'SUBSCRIBER', direction: 'IN', id: 's1', limit: 3, reserved: 0 },
          { level: 'RESELLER', direction: 'TOTAL', id: 'r1', limit: 100, reserved: 0 },
          { level: 'TRUNK', direction: 'TOTAL', id: 't1', limit: 30, reserved: 0 },
        ],
        paces: [],
        longest_seconds: 600,
        ring_seconds: 20,
      },
    });
  });

  test('takes a slot of its number, where that is limited', () => {
    const limited = { ...number, max_calls: 5, max_calls_out: 0, max_calls_in: 4 };
    const verdict = authorizeInbound('', limited, lineFacts(), trunk, 'server', null);
    if (!verdict.permitted) throw new Error(verdict.refusal.reason);
    expect(verdict.permission.claims.slice(-2)).toEqual([
      { level: 'NUMBER', direction: 'TOTAL', id: 'd1', limit: 5, reserved: 0 },
      { level: 'NUMBER', direction: 'IN', id: 'd1', limit: 4, reserved: 0 },
    ]);
  });
});
