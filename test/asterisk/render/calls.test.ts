import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../../dev/services/process.ts';
import type { RunningSipp } from '../../../dev/services/sipp.ts';
import { REFUSAL_REASONS, REFUSALS } from '../../../src/domain/refusals.ts';
import { EMERGENCY_NUMBERS } from '../../../src/domain/short-codes.ts';
import { placeCall } from './phones.ts';
import { PHONE1, type Switchboard, startSwitchboard } from './switchboard.ts';

let board: Switchboard;

beforeAll(async () => {
  board = await startSwitchboard();
}, 900_000);
afterAll(() => board.stop());
beforeEach(async () => {
  await board.quiet();
  if (board.control.closed()) board.control = await board.connect();
  board.control.events.length = 0;
  board.control.decide = () => null;
});

/** The status a call ends with when it is sent on like this, and what the control plane saw of it. */
async function sentOn(dialled: string, context: string, extension: string) {
  board.control.decide = () => ({ context, extension });
  const call = await placeCall(board.shop, PHONE1, dialled, { hangUpAfter_ms: 200 });
  return { status: await call.final(), messages: call.messages() };
}
const stasisStarts = () => board.control.events.filter(({ type }) => type === 'StasisStart');
const invitesOf = (sipp: RunningSipp | undefined) => textOf(sipp).match(/^INVITE \S+/gm) ?? [];
const textOf = (sipp: RunningSipp | undefined) => {
  const file = sipp?.files.messages ?? '';
  return existsSync(file) ? readFileSync(file, 'latin1') : '';
};

describe('what is dialled', () => {
  test.each([
    ['011987654321', '011987654321'],
    ['+5511987654321', '+5511987654321'],
    ['*72', '*72'],
    ['%23', '#'],
    ['7', '7'],
    ['nobody', 'nobody'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a caller dials
    ['%24%7BSHELL(id)%7D', '${SHELL(id)}'],
    ['1,2&3,4', '1,2&3,4'],
    ['1%2C1,Hangup%28%29', '1,1,Hangup()'],
    ['1%0D%0AAction%3A%20Logoff', '1\r\nAction: Logoff'],
    ['_X.', '_X.'],
    ['9'.repeat(2000), '9'.repeat(79)],
    ['x'.repeat(2000), 'x'.repeat(79)],
  ])('%.40s reaches the control plane as it is, and is refused as it says', async (dialled, seen) => {
    const { status } = await sentOn(dialled, 'pabx-refused', 'R-28');
    expect(stasisStarts().map(({ channel, args }) => [channel?.dialplan.exten, args])).toEqual([[seen, []]]);
    expect(status).toBe(484);
  });

  test.each(['h', 'i', 't', 's', 'o', '-', '--', '%00', '!'])('%s is nobody’s number', async (dialled) => {
    const { status } = await sentOn(dialled, 'pabx-refused', 'R-28');
    expect([status, stasisStarts()]).toEqual([404, []]);
  });

  test('an extension is known by its context', async () => {
    await sentOn('202', 'pabx-refused', 'R-21');
    const [start] = stasisStarts();
    expect(start?.channel?.dialplan).toMatchObject({ context: 'pabx-internal', exten: '202' });
  });
});

describe('a refusal', () => {
  test.each(REFUSAL_REASONS)('%s has its own SIP status and reason', async (reason) => {
    const { q850, sip } = REFUSALS[reason];
    const { status, messages } = await sentOn('011987654321', 'pabx-refused', `R-${q850}`);
    expect(status).toBe(sip);
    expect(messages).toMatch(new RegExp(`^Reason: Q.850;cause=${q850}\\b`, 'm'));
  });

  test.each(['R-', 'R-0', 'R-x', 'R-1234', 'R', 'x'])('%s is refused as 38', async (extension) => {
    const { status } = await sentOn('011987654321', 'pabx-refused', extension);
    expect(status).toBe(500);
  });
});

describe('a grant', () => {
  const dialled = '011987654321';

  test('dials the trunk with the given caller, and ends at its own time', { timeout: 15_000 }, async () => {
    const [carrier] = await board.callees([board.ports.carrier, {}]);
    board.control.decide = () => ({
      context: 'pabx-grant',
      extension: 'T-carrier-5511987654321-1-30-551140001000',
    });
    const call = await placeCall(board.shop, PHONE1, dialled, { displayName: '"Forged" ' });
    const leg = await board.channel('the callee', ({ channelvars }) => Boolean(channelvars?.PABX_ANSWERED));
    const caller = await board.channel('the caller', ({ id }) => id === leg.channelvars?.PABX_CALL);
    expect(caller.dialplan).toMatchObject({
      context: 'pabx-grant',
      exten: 'T-carrier-5511987654321-1-30-551140001000',
    });
    expect(await call.final()).toBe(200);
    const invite = textOf(carrier);
    expect(invite).toMatch(/^INVITE sip:5511987654321@127\.0\.0\.1/m);
    expect(invite).toMatch(/^From: <sip:551140001000@127\.0\.0\.1>/m);
    expect(invite).not.toMatch(/Forged|Line 201/);
  });

  test('without a caller id shows the extension, and to a colleague the name too', {
    timeout: 15_000,
  }, async () => {
    const [phone2] = await board.callees([board.ports.phone2, {}]);
    const { status } = await sentOn('202', 'pabx-grant', 'L-phone2-202-60-30-');
    expect(status).toBe(200);
    expect(textOf(phone2)).toMatch(/^From: "Line 201" <sip:201@/m);
  });

  test.each([
    ['+5521999998888', /^From: <sip:\+5521999998888@/m],
    ['', /^From: <sip:anonymous@/m],
  ])(
    'from outside shows the given digits and nothing else: %j',
    { timeout: 15_000 },
    async (caller, from) => {
      const [phone2] = await board.callees([board.ports.phone2, {}]);
      const { status } = await sentOn('202', 'pabx-grant', `I-phone2-+551140001000-60-30-${caller}`);
      expect(status).toBe(200);
      expect(textOf(phone2)).toMatch(from);
      expect(textOf(phone2)).not.toMatch(/Line 201|sip:201@/);
    },
  );

  test.each([
    'I-phone2-+551140001000-0-30-',
    'I-phone2-+551140001000-60-30-a',
    'T-carrier-5511987654321--30-',
    'T-carrier-5511987654321-0-30-',
    'T-carrier-5511987654321-00-30-',
    'T-carrier-5511987654321--1-30-',
    'T-carrier-5511987654321-6x-30-',
    'T-carrier-5511987654321-1.5-30-',
    'T-carrier-5511987654321-123456-30-',
    'T-carrier-5511987654321-60--',
    'T-carrier-5511987654321-60-0-',
    'T-carrier-5511987654321-60-30',
    'T-carrier-5511987654321-60-30-1-1',
    'T-carrier--60-30-',
    'T-carrier-1&2-60-30-',
    'T-carrier-1,2-60-30-',
    'T--5511987654321-60-30-',
    'L-phone2-202-0-30-',
    'L-phone2-202--30-',
    'T-',
    'X-carrier-5511987654321-60-30-',
    '',
  ])('%j is refused: nothing malformed means no limit', { timeout: 15_000 }, async (extension) => {
    const [carrier, phone2] = await board.callees([board.ports.carrier, {}], [board.ports.phone2, {}]);
    const { status } = await sentOn(dialled, 'pabx-grant', extension);
    expect(status).toBe(500);
    for (const sipp of [carrier, phone2]) expect(invitesOf(sipp)).toEqual([]);
  });

  test('for a phone that is not registered is answered 480', async () => {
    expect((await sentOn('203', 'pabx-grant', 'L-phone3-203-60-30-')).status).toBe(480);
  });

  test.each([
    [{ refuseWith: '486 Busy Here' }, 486],
    [{ refuseWith: '404 Not Found' }, 404],
    [{ refuseWith: '503 Service Unavailable' }, 503],
    [{ refuseWith: '603 Decline' }, 403],
    [{ refuseWith: '302 Moved Temporarily' }, 480],
    [{ neverAnswer: true }, 480],
  ])('the answer of the trunk %j reaches the caller as %i', { timeout: 15_000 }, async (callee, expected) => {
    await board.callees([board.ports.carrier, callee]);
    expect((await sentOn(dialled, 'pabx-grant', 'T-carrier-5511987654321-60-1-')).status).toBe(expected);
  });

  test('a phone cannot send the call elsewhere', { timeout: 15_000 }, async () => {
    const redirect = { refuseWith: '302 Moved Temporarily', contact: 'sip:0011234567@127.0.0.1' };
    const [, carrier] = await board.callees([board.ports.phone2, redirect], [board.ports.carrier, {}]);
    const { status } = await sentOn('202', 'pabx-grant', 'L-phone2-202-60-30-');
    expect(status).toBe(480);
    expect(stasisStarts()).toHaveLength(1);
    expect(invitesOf(carrier)).toEqual([]);
  });
});

describe('without the control plane', () => {
  test.each(EMERGENCY_NUMBERS)('%s is reached', { timeout: 15_000 }, async (number) => {
    const [carrier] = await board.callees([board.ports.carrier, {}]);
    await board.control.close();
    const call = await placeCall(board.shop, PHONE1, number, { hangUpAfter_ms: 50 });
    expect(await call.final()).toBe(200);
    expect(invitesOf(carrier)[0]).toContain(`sip:${number}@`);
  });

  test('an emergency call takes the next trunk when one refuses', { timeout: 15_000 }, async () => {
    const down = { refuseWith: '503 Service Unavailable' };
    const [, backup] = await board.callees([board.ports.carrier, down], [board.ports.backup, {}]);
    const call = await placeCall(board.shop, PHONE1, '190', { hangUpAfter_ms: 50 });
    expect(await call.final()).toBe(200);
    expect(invitesOf(backup)[0]).toContain('sip:190@');
  });

  test('an extension is reached at once, anything else refused at once', { timeout: 15_000 }, async () => {
    await board.callees([board.ports.phone2, {}]);
    await board.control.close();
    const inside = await placeCall(board.shop, PHONE1, '202', { hangUpAfter_ms: 50 });
    expect(await inside.final()).toBe(200);
    const outside = await placeCall(board.shop, PHONE1, '011987654321');
    expect(await outside.final()).toBe(500);
    const absent = await placeCall(board.shop, PHONE1, '203');
    expect(await absent.final()).toBe(480);
  });

  test('and one that never decides counts as away after 5 s', { timeout: 20_000 }, async () => {
    await board.callees([board.ports.phone2, {}]);
    const started_ms = Date.now();
    const inside = await placeCall(board.shop, PHONE1, '202', { hangUpAfter_ms: 50 });
    const outside = await placeCall(board.shop, PHONE1, '011987654321');
    expect([await inside.final(), await outside.final()]).toEqual([200, 500]);
    expect(Date.now() - started_ms).toBeGreaterThan(4500);
    expect(Date.now() - started_ms).toBeLessThan(8000);
    expect(stasisStarts()).toHaveLength(2);
  });

  test('a call that it had admitted goes on, and ends by itself', { timeout: 15_000 }, async () => {
    await board.callees([board.ports.carrier, {}]);
    board.control.decide = () => ({ context: 'pabx-grant', extension: 'T-carrier-5511987654321-2-30-' });
    const call = await placeCall(board.shop, PHONE1, '011987654321');
    const leg = await board.channel('the callee', ({ channelvars }) => Boolean(channelvars?.PABX_ANSWERED));
    await board.control.close();
    expect(await call.final()).toBe(200);
    await waitUntil(
      async () => (await board.journal()).some(({ call }) => call === leg.channelvars?.PABX_CALL),
      {
        timeout_ms: 5000,
        what: 'its journal',
      },
    );
    const row = (await board.journal()).find(({ call }) => call === leg.channelvars?.PABX_CALL);
    expect(Number(row?.fields[4])).toBeGreaterThan(1900);
    expect(Number(row?.fields[4])).toBeLessThan(2500);
  });
});
