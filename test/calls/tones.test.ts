import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { factsOf } from '../../dev/world/call-facts.ts';
import type { Tone } from '../../src/asterisk/ari/port.ts';
import type { Switch } from '../../src/asterisk/session.ts';
import { type CallFacts, type LiveCall, newLiveCall } from '../../src/calls/live-call.ts';
import { createTones } from '../../src/calls/tones.ts';
import { BY_THE_SECOND } from '../stores/postgres/use-tenants.ts';
import { keepLog } from './use-stores.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** How a switch takes a tone. */
type Whisper = (channel_id: string, tone: Tone) => Promise<boolean>;

interface Setup {
  readonly facts?: Partial<CallFacts>;
  readonly granted?: LiveCall['grant'];
  readonly more_seconds?: number;
  readonly talked_seconds?: number;
  /** What looking at the payer's means changes. */
  readonly look?: (call: LiveCall) => Promise<void>;
  readonly whisper?: Whisper;
}

/** An answered call, and what its payer hears: `second of talk: frequency` each. */
function answered(setup: Setup = {}) {
  const { granted = { bundle_seconds: 0, paid_seconds: 60 }, more_seconds = 0, talked_seconds = 0 } = setup;
  const facts = factsOf({ rate: BY_THE_SECOND, warn_seconds: 10, ...setup.facts });
  const call = newLiveCall(facts, granted, more_seconds, true);
  call.phase = 'ANSWERED';
  call.answered_mono_ms = performance.now() - talked_seconds * 1000;
  call.callee = { channel_id: 'callee', channel_name: 'PJSIP/callee' };
  const heard: string[] = [];
  const whisper: Whisper = async (channel_id, { cadence }) => {
    const second = Math.round((performance.now() - (call.answered_mono_ms ?? 0)) / 100) / 10;
    heard.push(
      `${second}: ${/\d+/.exec(cadence)?.[0]}${channel_id === facts.call_id ? '' : ` ${channel_id}`}`,
    );
    return true;
  };
  const log = keepLog();
  const tones = createTones({
    sharing: { look: async () => setup.look?.(call) },
    log,
    switchOf: () => ({ ari: { whisper: setup.whisper ?? whisper } }) as unknown as Switch,
  });
  tones.changed(call);
  return { call, tones, heard, log, pass: (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000) };
}

describe('a warning', () => {
  test.each<[string, Setup, string[]]>([
    ['comes once, 10 s before the end', {}, ['50: 1400']],
    ['before the end of all that its payer can add, not of a slice', { more_seconds: 30 }, ['80: 1400']],
    ['before the longest call is cut', { more_seconds: 1_000, facts: { longest_seconds: 70 } }, ['60: 1400']],
    [
      'before the longest call is cut that nobody pays for',
      { facts: { rate: null, longest_seconds: 70 } },
      ['60: 1400'],
    ],
    [
      'of a call from outside: at the line',
      { facts: { rate: null, direction: 'IN', longest_seconds: 70 } },
      ['60: 1400 callee'],
    ],
    ['at once, if there is less time', { granted: { bundle_seconds: 0, paid_seconds: 6 } }, ['0: 1400']],
    ['not at all, if it would be no help', { granted: { bundle_seconds: 0, paid_seconds: 1 } }, []],
    ['not at all, if it is not wanted', { facts: { warn_seconds: 0 } }, []],
    ['not in emergency calls', { facts: { rate: null, call_class: 'EMERGENCY', longest_seconds: 70 } }, []],
    ['of a call taken over from another process', { talked_seconds: 20 }, ['50: 1400']],
  ])('%s', async (_, setup, expected) => {
    const { heard, pass } = answered(setup);
    await pass(300);
    expect(heard).toEqual(expected);
  });

  test('never with plenty there: what is known is looked up before', async () => {
    const { heard, pass } = answered({
      look: async (call) => {
        call.more_seconds = 40;
      },
    });
    await pass(89);
    expect(heard).toEqual([]);
    await pass(2);
    expect(heard).toEqual(['90: 1400']);
  });

  test('comes by what was known last when nothing can be looked up', async () => {
    const { heard, log, pass } = answered({ look: () => Promise.reject(new Error('Redis is away')) });
    await pass(60);
    expect(heard).toEqual(['50: 1400']);
    expect(log.told).toMatchObject([{ level: 'warn', fields: { err: { message: 'Redis is away' } } }]);
  });

  test('is looked up once, though that tells of the call again', async () => {
    let looks = 0;
    const { call, tones, heard, pass } = answered({
      look: async () => {
        looks += 1;
        tones.changed(call);
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
    });
    await pass(70);
    expect({ looks, heard }).toEqual({ looks: 1, heard: ['50: 1400'] });
  });

  test('comes again before a later end, when money came meanwhile', async () => {
    const { call, tones, heard, pass } = answered();
    await pass(55);
    call.more_seconds = 25;
    tones.changed(call);
    await pass(60);
    expect(heard).toEqual(['50: 1400', '75: 1400']);
  });

  test('comes earlier when another call takes of the same money', async () => {
    const { call, tones, heard, pass } = answered({ more_seconds: 60 });
    await pass(30);
    call.more_seconds = 0;
    tones.changed(call);
    await pass(100);
    expect(heard).toEqual(['50: 1400']);
  });

  test('is not for a call that ended, even while it was being looked at', async () => {
    let looked = () => {};
    const { call, tones, heard, pass } = answered({
      look: () =>
        new Promise<void>((resolve) => {
          looked = resolve;
        }),
    });
    await pass(50);
    tones.stop(call);
    looked();
    tones.changed(call);
    await pass(100);
    expect(heard).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the tone of money after minutes', () => {
  const granted = { bundle_seconds: 20, paid_seconds: 100 };
  const facts = { switch_tone: true, warn_seconds: 0 };
  test.each<[string, Setup, string[]]>([
    ['comes on the second', { granted, facts }, ['20: 1000']],
    ['not, if it is not wanted', { granted, facts: { warn_seconds: 0 } }, []],
    ['not for what was switched before it was taken over', { granted, facts, talked_seconds: 21 }, []],
    ['besides a warning', { granted, facts: { switch_tone: true } }, ['20: 1000', '110: 1400']],
  ])('%s', async (_, setup, expected) => {
    const { heard, pass } = answered(setup);
    await pass(300);
    expect(heard).toEqual(expected);
  });

  test('comes when the money is granted after the minutes have ended', async () => {
    const { call, tones, heard, pass } = answered({
      granted: { bundle_seconds: 20, paid_seconds: 0 },
      facts,
    });
    await pass(20.5);
    call.grant = granted;
    tones.changed(call);
    await pass(60);
    expect(heard).toEqual(['20.5: 1000']);
  });
});

test('a switch that refuses a tone harms nothing: the next one is played', async () => {
  const asked: string[] = [];
  const { log, pass } = answered({
    granted: { bundle_seconds: 20, paid_seconds: 40 },
    facts: { switch_tone: true },
    whisper: async (_, { cadence }) => {
      asked.push(cadence);
      throw new Error('ARI answered 500');
    },
  });
  await pass(100);
  expect(asked).toHaveLength(2);
  expect(log.told.map(({ message }) => message)).toEqual(['a tone was not played', 'a tone was not played']);
});
