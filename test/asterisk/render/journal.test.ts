import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { waitUntil } from '../../../dev/services/process.ts';
import { placeCall } from './phones.ts';
import { PHONE1, type Switchboard, startSwitchboard } from './switchboard.ts';

/*
 * The switch's own record must be written in every way in which an answered call can end, for each kind of call.
 */

let board: Switchboard;

beforeAll(async () => {
  board = await startSwitchboard();
}, 900_000);
afterAll(() => board.stop());
beforeEach(async () => {
  await board.quiet();
  await board.manager.action('DBDelTree', { Family: 'pabx' });
  if (board.control.closed()) board.control = await board.connect();
});

interface Kind {
  readonly letter: string;
  readonly dialled: string;
  /** Where the control plane sends the call, or null when it is away. */
  readonly grant: string | null;
  /** What the journal names it. */
  readonly exten: string;
  /** Which channel is the callee's. */
  readonly callee: string;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'trunk call': {
    letter: 'G',
    dialled: '011987654321',
    grant: 'T-carrier-5511987654321-60-30-1140001000',
    exten: 'T-carrier-5511987654321-60-30-1140001000',
    callee: 'PJSIP/carrier-',
  },
  'internal call': {
    letter: 'G',
    dialled: '202',
    grant: 'L-phone2-202-60-30-201',
    exten: 'L-phone2-202-60-30-201',
    callee: 'PJSIP/phone2-',
  },
  'call from outside': {
    letter: 'G',
    dialled: '202',
    grant: 'I-phone2-+551140001000-60-30-+5521999998888',
    exten: 'I-phone2-+551140001000-60-30-+5521999998888',
    callee: 'PJSIP/phone2-',
  },
  'internal call without the control plane': {
    letter: 'O',
    dialled: '202',
    grant: null,
    exten: 'L-phone2-202',
    callee: 'PJSIP/phone2-',
  },
  'emergency call': {
    letter: 'E',
    dialled: '190',
    grant: null,
    exten: 'E-carrier-190',
    callee: 'PJSIP/carrier-',
  },
};

interface Ending {
  readonly callerHangsUpAfter_ms?: number;
  readonly calleeHangsUpAfter_ms?: number;
  readonly by?: (caller: string, callee: string) => Promise<unknown>;
}

const hangUpByAri = (id: string) => board.control.request('DELETE', `/channels/${id}?reason_code=21`);
const TALK_MS = 400;

const ENDINGS: Readonly<Record<string, Ending>> = {
  'the caller hangs up': { callerHangsUpAfter_ms: TALK_MS },
  'the callee hangs up': { calleeHangsUpAfter_ms: TALK_MS },
  'the absolute time-out of the callee’s leg': {
    by: async (_caller, callee) => {
      const timeout = { Channel: await nameOf(callee), Variable: 'TIMEOUT(absolute)', Value: '0.4' };
      expect(await board.manager.action('Setvar', timeout)).toContain('Response: Success');
    },
  },
  'ARI hangs up the caller': { by: hangUpByAri },
  'ARI hangs up the callee': { by: (_caller, callee) => hangUpByAri(callee) },
  'AMI hangs up the caller': {
    by: async (caller) => board.manager.action('Hangup', { Channel: await nameOf(caller) }),
  },
  'AMI hangs up the callee': {
    by: async (_caller, callee) => board.manager.action('Hangup', { Channel: await nameOf(callee) }),
  },
};

async function nameOf(id: string): Promise<string> {
  return (await board.channel(`channel ${id}`, (channel) => channel.id === id)).name;
}

const cases = Object.keys(KINDS).flatMap((kind) => Object.keys(ENDINGS).map((ending) => [kind, ending]));

test.each(cases)('%s: %s', { timeout: 20_000 }, async (kindName, endingName) => {
  const kind = KINDS[kindName as string] as Kind;
  const ending = ENDINGS[endingName as string] as Ending;
  const calleeHangsUp = ending.calleeHangsUpAfter_ms;
  const callee = calleeHangsUp === undefined ? {} : { hangUpAfter_ms: calleeHangsUp };
  await board.callees([board.ports.carrier, callee], [board.ports.phone2, callee]);
  const { grant } = kind;
  if (grant === null) await board.control.close();
  else board.control.decide = () => ({ context: 'pabx-grant', extension: grant });
  const callerHangsUp = ending.callerHangsUpAfter_ms;
  const dial = callerHangsUp === undefined ? {} : { hangUpAfter_ms: callerHangsUp };
  const call = await placeCall(board.shop, PHONE1, kind.dialled, dial);
  const peer = await board.channel('the callee’s leg to be up', (channel) =>
    Boolean(channel.name.startsWith(kind.callee) && channel.channelvars?.PABX_ANSWERED),
  );
  const id = peer.channelvars?.PABX_CALL ?? '';
  const answered_at_ms = Number(peer.channelvars?.PABX_ANSWERED);
  await board.channel('the caller’s leg to be up', (channel) => channel.id === id && channel.state === 'Up');
  await ending.by?.(id, peer.id);
  expect(await call.final()).toBe(200);

  await waitUntil(async () => (await board.journal()).length > 0, { timeout_ms: 5000, what: 'the journal' });
  const rows = await board.journal();
  expect(rows).toHaveLength(1);
  const [row] = rows;
  const [version, letter, endpoint, exten, talk, ended, cause] = row?.fields ?? [];
  expect([row?.call, version, letter, endpoint, exten]).toEqual([
    id,
    'v1',
    kind.letter,
    'phone1',
    kind.exten,
  ]);
  const ended_at_ms = Number(ended);
  expect(Math.abs(ended_at_ms - Date.now())).toBeLessThan(5000);
  expect(Math.abs(Number(talk) - (ended_at_ms - answered_at_ms))).toBeLessThan(250);
  expect(row?.bucket).toBe(String(Math.floor(ended_at_ms / 100_000)));
  // As the leg that writes had it: of a paid call the called one.
  const writer = kind.exten.startsWith('T-') ? 'callee' : 'caller';
  expect(cause).toBe(endingName === `ARI hangs up the ${writer}` ? '21' : '16');
});
