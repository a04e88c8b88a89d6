import { describe, expect, test } from 'vitest';
import type { CallEvent } from '../../src/asterisk/ari/events.ts';
import type { Switch } from '../../src/asterisk/session.ts';
import { guardSwitch } from '../../src/calls/guard.ts';
import { NotOwner } from '../../src/stores/redis/ownership.ts';

const gone = (channel_id: string): CallEvent => ({ type: 'GONE', at_ms: 0, channel_id, q850: 16 });

/** A switch, and an owner of it whose lease and whose place at the switch the test sets. */
function guarded({ holds = true, ours = true, listening = true }) {
  const state = { holds, ours, listening };
  const done: string[] = [];
  const asked: ((listening: boolean) => void)[] = [];
  const link = {
    server_id: 'server-1',
    name: 'fake',
    ari: {
      channels: async () => done.push('channels') && [],
      continueAt: async () => done.push('continueAt') > 0,
      hangUp: async () => done.push('hangUp') > 0,
      isListening: () => new Promise<boolean>((resolve) => asked.push(resolve)),
      close: () => {},
    },
    ami: { send: async () => done.push('send') && {}, list: async () => [], close: () => {} },
  } as unknown as Switch;
  const heard: string[] = [];
  const guard = guardSwitch(link, { holds: () => state.holds, isOurs: () => state.ours }, (_, event) =>
    heard.push(event.type === 'GONE' ? event.channel_id : ''),
  );
  /** The switch answers everything that it was asked so far. */
  const answer = async () => {
    await Promise.resolve();
    for (const resolve of asked.splice(0)) resolve(state.listening);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { guard, state, done, heard, answer, asked };
}

const ACTS: [string, (link: Switch) => Promise<unknown>][] = [
  ['continueAt', ({ ari }) => ari.continueAt('a', 'b', 'c')],
  ['hangUp', ({ ari }) => ari.hangUp('a', 16)],
  ['send', ({ ami }) => ami.send({ Action: 'Setvar' })],
];

describe.each(ACTS)('to act: %s', (name, act) => {
  test.each([
    ['while the lease holds, without asking', { listening: false }, true],
    ['its lease over, when the switch sends its events to us', { holds: false }, true],
    ['its lease over, when it sends them to another one', { holds: false, listening: false }, false],
    ['once another owner is known', { holds: false, ours: false }, false],
  ])('%s', async (_, state, done) => {
    const guard = guarded(state);
    const outcome = act(guard.guard.link).then(
      () => 'DONE',
      (error) => error,
    );
    await guard.answer();
    if (done) expect(await outcome).toBe('DONE');
    else expect(await outcome).toBeInstanceOf(NotOwner);
    expect(guard.done).toEqual(done ? [name] : []);
  });

  test('not when the server was lost while the switch was asked', async () => {
    const { guard, state, done, answer } = guarded({ holds: false });
    const outcome = act(guard.link).catch((error) => error);
    state.ours = false;
    await answer();
    expect(await outcome).toBeInstanceOf(NotOwner);
    expect(done).toEqual([]);
  });
});

describe('events', () => {
  test('are handed on at once while the lease holds', () => {
    const { guard, heard } = guarded({});
    guard.hear(gone('a'));
    expect(heard).toEqual(['a']);
  });

  test('wait for the switch when it is over, and come in their order', async () => {
    const { guard, state, heard, answer, asked } = guarded({ holds: false });
    guard.hear(gone('a'));
    state.holds = true;
    guard.hear(gone('b'));
    expect(heard).toEqual([]);
    await Promise.resolve();
    expect(asked).toHaveLength(1);
    await answer();
    expect(heard).toEqual(['a', 'b']);
    guard.hear(gone('c'));
    expect(heard).toEqual(['a', 'b', 'c']);
  });

  test('are dropped when they were sent before another one took the switch over', async () => {
    const { guard, heard, answer } = guarded({ holds: false, listening: false });
    guard.hear(gone('a'));
    guard.hear(gone('b'));
    await answer();
    expect(heard).toEqual([]);
  });
});

test('looking is free', async () => {
  const { guard, done } = guarded({ holds: false, ours: false });
  await guard.link.ari.channels();
  expect(done).toEqual(['channels']);
});
