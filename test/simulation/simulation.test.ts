import './substitutes.ts';
import { randomInt } from 'node:crypto';
import { describe, expect, inject, test } from 'vitest';
import { historyOf } from './history.ts';
import { ONCE_BROKEN } from './once-broken.ts';
import { runHistory } from './run.ts';
import { firstBroken, mustHold } from './search.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** As asked for on the command line; left out in a run of all tests. */
    simulate?: { readonly seed: number; readonly histories: number };
  }
}

const asked = inject('simulate');
const HISTORIES = 1_000;

describe.skipIf(asked)('the simulation', () => {
  test.each(ONCE_BROKEN)('%s', async (_, history) => {
    await mustHold(history);
  });

  test('the same seed gives the same run', async () => {
    for (const seed of [7, 1106, 21_403]) {
      const [one, other] = [await runHistory(historyOf(seed)), await runHistory(historyOf(seed))];
      expect(other.steps).toBe(one.steps);
      expect(other.world.calls()).toEqual(one.world.calls());
      expect([...other.world.ledger.calls.values()]).toEqual([...one.world.ledger.calls.values()]);
    }
  });
});

const { seed, histories } = asked ?? { seed: randomInt(2 ** 31), histories: HISTORIES };

test(`${histories} random histories from seed ${seed} hold every rule`, async () => {
  const began_ms = performance.now();
  let steps = 0;
  for (let next = seed; next < seed + histories; next += 1) steps += (await mustHold(historyOf(next))).steps;
  const seconds = (performance.now() - began_ms) / 1000;
  const rate = Math.round((60 * histories) / seconds);
  console.log(`${histories} histories, ${steps} steps, ${seconds.toFixed(1)} s: ${rate} histories a minute`);
}, 3_600_000);

/** Faults put into the scripts on purpose: [what it is, script, what stands there, what is put in its place]. */
const FAULTS: readonly (readonly [string, string, string, string])[] = [
  ['a slot is not released', 'endCall', "redis.call('ZREM', key, ARGV[1])", ''],
  ['a hold is not released', 'settleCall', 'hold(call, grant, NOTHING)', ''],
  ['a settled call is kept', 'settleCall', "redis.call('DEL', KEYS[1])", ''],
  [
    'a limit admits one more',
    'admitCall',
    '>= claim.limit - claim.reserved',
    '> claim.limit - claim.reserved',
  ],
  ['what is kept for calls in is given away', 'admitCall', 'claim.limit - claim.reserved', 'claim.limit'],
  [
    'a second more than is paid for',
    'extendCall',
    'paid = grant.paid + add.paid,',
    'paid = grant.paid + add.paid + 1,',
  ],
  [
    'what is held is not counted',
    'admitCall',
    '- (tonumber(values[2]) or 0) - (tonumber(values[3]) or 0)',
    '',
  ],
  ['the day’s cap is ignored', 'admitCall', 'if not cap then', 'if true then'],
  ['a slice is granted and not told to be held', 'extendCall', 'hold(call, grant, new)', ''],
  [
    'a full limit refuses one too early',
    'admitCall',
    '>= claim.limit - claim.reserved',
    '>= claim.limit - claim.reserved - 1',
  ],
  [
    'a call is cut with money left',
    'extendCall',
    'local money = math.max(0, means.seconds',
    'local money = math.max(0, means.seconds - 60',
  ],
];

describe.skipIf(asked)('a fault on purpose is noticed', () => {
  test.each(FAULTS)('%s', async (_, script, right, wrong) => {
    let meddled = false;
    const broken = await firstBroken(1, 400, (name, lua) => {
      if (name !== script) return lua;
      meddled = lua.includes(right);
      return lua.replaceAll(right, wrong);
    });
    expect(meddled).toBe(true);
    expect(broken).not.toBeNull();
    console.log(`noticed by seed ${broken?.seed}: ${broken?.rule}`);
  });
});
