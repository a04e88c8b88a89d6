import { describe, expect, test } from 'vitest';
import { CONTEXTS } from '../../src/asterisk/ari/events.ts';
import type { AriChannel } from '../../src/asterisk/ari/port.ts';
import { runningIds, seenCalls } from '../../src/calls/recovery.ts';

const creationtime = '2026-11-10T12:00:00.000+0000';

function channel(id: string, name: string, context: string, channelvars: Record<string, string>): AriChannel {
  return { id, name, state: 'Up', creationtime, dialplan: { context, exten: 's' }, channelvars };
}

const OUT = {
  PABX_CALL: 'a1',
  PABX_BY: 'ana',
  PABX_GRANT: 'T-carrier-551133334444-5-60-',
  PABX_ANSWERED: '1000',
  PABX_GRANTED: '0:5',
};
const carrier = {
  ...channel('b', 'PJSIP/carrier-02', 'pabx-transferring', OUT),
  creationtime: '2026-11-10T11:59:00.000+0000',
};

/** Ana called outside, and transferred that to Bia. */
const TRANSFERRED = [
  channel('l2', 'Local/ana-202@pabx-transferred-0a;2', CONTEXTS.grant, {
    PABX_CALL: 'l2',
    PABX_ROOT: 'a1',
    PABX_BY: 'ana',
    PABX_GRANT: 'L-bia-202-14400-60-201',
  }),
  channel('l1', 'Local/ana-202@pabx-transferred-0a;1', 'pabx-transferred', {}),
  channel('c', 'PJSIP/bia-03', 'from-x', { PABX_CALL: 'l2', PABX_ANSWERED: '3000' }),
  carrier,
];

describe('after a blind transfer of a paid call', () => {
  test('both calls are seen, the one that was transferred first, without its caller', () => {
    expect(seenCalls(TRANSFERRED)).toMatchObject([
      {
        call_id: 'a1',
        sip_username: 'ana',
        exten: OUT.PABX_GRANT,
        root: null,
        callee: { channel_id: 'b' },
        caller_gone: true,
        answered_at_ms: 1000,
        granted: { bundle_seconds: 0, paid_seconds: 5 },
      },
      { call_id: 'l2', sip_username: 'ana', root: 'a1', callee: { channel_id: 'c' }, caller_gone: false },
    ]);
  });

  test('none of them is taken for over', () => {
    const ids = runningIds(TRANSFERRED);
    expect([ids.has('a1'), ids.has('l2')]).toEqual([true, true]);
    expect(runningIds([]).has('a1')).toBe(false);
  });
});

test('a call from outside is known by its caller, wherever the transfer took it', () => {
  const grant = 'I-ana-+551140001000-14400-60-';
  const own = { PABX_CALL: 'x', PABX_BY: 'in0', PABX_GRANT: grant, PABX_ANSWERED: '1000' };
  const x = channel('x', 'PJSIP/in0-01', 'pabx-transferring', own);
  // The other half dials for Ana, and has from the caller what it has not from its own grant yet.
  const inherited = { PABX_CALL: 'x', PABX_BY: 'in0', PABX_GRANT: grant, PABX_ROOT: 'x' };
  const halves = ['1', '2'].map((half) =>
    channel(`l${half}`, `Local/ana-1133334444@pabx-transferred-0a;${half}`, 'from-x', inherited),
  );
  expect(seenCalls([...halves, x])).toMatchObject([
    {
      call_id: 'x',
      sip_username: 'in0',
      exten: grant,
      callee: null,
      caller_gone: false,
      answered_at_ms: 1000,
    },
  ]);
  expect(runningIds(halves).has('x')).toBe(false);
});

test('a switch whose configuration is older tells by context and extension', () => {
  const dialplan = { context: CONTEXTS.grant, exten: 'T-carrier-551133334444-5-60-' };
  const old = { ...channel('a1', 'PJSIP/ana-01', '', { PABX_CALL: 'a1' }), dialplan };
  const leg = channel('b', 'PJSIP/carrier-02', '', { PABX_CALL: 'a1', PABX_ANSWERED: '1000' });
  expect(seenCalls([old, leg])).toMatchObject([
    { call_id: 'a1', sip_username: 'ana', exten: dialplan.exten, callee: { channel_id: 'b' }, root: null },
  ]);
});
