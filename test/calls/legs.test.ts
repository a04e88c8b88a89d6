import { describe, expect, test } from 'vitest';
import { createLegs, endsWith, legToHangUp } from '../../src/calls/legs.ts';
import { type CallFacts, type LiveCall, newLiveCall } from '../../src/calls/live-call.ts';
import { NO_GRANT } from '../../src/domain/charge.ts';

const KINDS = {
  out: { direction: 'OUT', trunk_id: 'trunk' },
  in: { direction: 'IN', trunk_id: 'trunk' },
  inside: { direction: 'OUT', trunk_id: null },
} as const;

function callOf(kind: keyof typeof KINDS, phase: LiveCall['phase']): LiveCall {
  const facts = { call_id: 'caller', ...KINDS[kind] } as CallFacts;
  const call = newLiveCall(facts, NO_GRANT, 0, true);
  call.phase = phase;
  call.callee = { channel_id: 'callee', channel_name: 'PJSIP/callee-1' };
  return call;
}

describe('a call is over with', () => {
  test.each([
    // a transfer may have put another one in the caller's place
    ['out', 'RINGING', ['caller', 'callee'], 'callee'],
    ['out', 'RINGING', ['callee', 'caller'], 'caller'],
    ['in', 'RINGING', ['callee', 'caller'], 'caller'],
    ['inside', 'DIALLING', ['callee', 'caller'], 'caller'],
    // whoever pays for the leg may have been transferred away from it
    ['out', 'ANSWERED', ['caller', 'callee'], 'callee'],
    ['out', 'ANSWERED', ['callee', 'caller'], 'callee'],
    // the line may have transferred whoever called
    ['in', 'ANSWERED', ['callee', 'caller'], 'caller'],
    ['in', 'ANSWERED', ['caller', 'callee'], 'caller'],
    ['inside', 'ANSWERED', ['caller', 'callee'], 'callee'],
    ['inside', 'ANSWERED', ['callee', 'caller'], 'caller'],
    // somebody else's, or one of a trunk that was tried before
    ['out', 'ANSWERED', ['other', 'callee'], 'callee'],
  ] as const)('%s, %s: of %j the %s', (kind, phase, gone, last) => {
    const call = callOf(kind, phase);
    expect(gone.find((channel_id, index) => endsWith(call, channel_id, index === 0))).toBe(last);
  });

  test('its caller, when nobody knows the called leg', () => {
    const call = callOf('out', 'ANSWERED');
    call.callee = null;
    expect(endsWith(call, 'caller', false)).toBe(true);
  });
});

test('a call is hung up at its caller, or at the leg that is left', () => {
  const call = callOf('out', 'ANSWERED');
  expect(legToHangUp(call)).toBe('caller');
  expect(endsWith(call, 'caller', true)).toBe(false);
  expect(legToHangUp(call)).toBe('callee');
});

test('a leg is known until it is gone or its call is over', () => {
  const legs = createLegs();
  expect(legs.add('first', 'call')).toBe('call');
  expect(legs.add('second', 'call')).toBe('call');
  expect(legs.add('second', 'whoever took the place of its caller')).toBe('call');
  expect([legs.take('first'), legs.take('first'), legs.take('call')]).toEqual(['call', 'first', 'call']);
  expect(legs.has('call')).toBe(true);
  legs.drop('call');
  legs.drop('call');
  expect(legs.has('call')).toBe(false);
  expect(legs.take('second')).toBe('second');
});
