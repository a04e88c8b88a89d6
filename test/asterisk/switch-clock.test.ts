import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSwitchClock, type SwitchClock } from '../../src/asterisk/switch-clock.ts';

/** The switch is an hour and a quarter of a second ahead of this machine. */
const AHEAD_ms = 3_600_250;

let clock: SwitchClock;
let set_ms = 0;
const shown = () => Date.now() + AHEAD_ms + set_ms;
const pass = (ms: number) => vi.advanceTimersByTime(ms);
/** An event comes every three seconds, and so much later than it was sent. */
function run(ms: number, late_ms = 0): void {
  for (let passed = 0; passed < ms; passed += 3_000) {
    pass(3_000);
    clock.heard(shown() - late_ms);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: 1_800_000_000_000 });
  pass(1_000_000);
  set_ms = 0;
  clock = createSwitchClock();
});
afterEach(() => void vi.useRealTimers());

test('before anything is heard, the two clocks are taken to agree', () => {
  expect(clock.now_ms()).toBe(Date.now());
  expect(clock.mono_ms(Date.now() - 700)).toBeCloseTo(performance.now() - 700, 3);
});

test('it shows what the switch shows, also between events and while they come late', () => {
  run(30_000);
  pass(1_234);
  expect(clock.now_ms()).toBeCloseTo(shown(), 3);
  run(9_000, 2_400);
  expect(clock.now_ms()).toBeCloseTo(shown(), 3);
  expect(clock.mono_ms(shown() - 2_400)).toBeCloseTo(performance.now() - 2_400, 3);
  expect(clock.set_ms(0)).toBe(0);
});

test('a process that stood still for longer than the window takes no late event for a clock that was set', () => {
  run(30_000);
  const sent = shown();
  pass(45_000);
  for (const after_ms of [0, 10, 20]) clock.heard(sent + after_ms);
  expect(clock.set_ms(0)).toBe(0);
  expect(clock.mono_ms(sent)).toBeCloseTo(performance.now() - 45_000, 3);
});

test.each([
  ['forward', 3_600_000],
  ['back', -3_600_000],
])('a clock that is set %s is noticed, and counts for calls that ran then alone', (_, by_ms) => {
  run(30_000);
  const before = performance.now();
  set_ms = by_ms;
  pass(500);
  const after = performance.now();
  run(30_000);
  expect(clock.set_ms(before - 20_000)).toBeCloseTo(by_ms, 3);
  expect(clock.set_ms(after + 3_500)).toBe(0);
  expect(clock.now_ms()).toBeCloseTo(shown(), 3);
});

test('when all that was heard so far came late, the first that comes in time is no clock that was set', () => {
  clock.heard(shown() - 62_500);
  clock.heard(shown() - 62_400);
  clock.heard(shown());
  expect(clock.set_ms(0)).toBe(0);
  expect(clock.now_ms()).toBeCloseTo(shown(), 3);
});

test('a moment that cannot be is now', () => {
  run(30_000);
  expect(clock.mono_ms(shown() + 5_000)).toBe(performance.now());
  expect(clock.mono_ms(shown() - 3_600_000)).toBe(performance.now());
});
