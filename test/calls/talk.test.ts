import { expect, test } from 'vitest';
import { talkTime, watchPauses } from '../../src/calls/talk.ts';

test.each([
  ['both agree', 5_000, 5_020, 0, 5_000],
  ['the end was heard a second late', 5_000, 6_000, 0, 5_000],
  ["the switch's clock was set back by an hour", 5_000 - 3_600_000, 5_000, 0, 5_000],
  ["the switch's clock was put forward by an hour", 5_000 + 3_600_000, 5_000, 0, 5_000],
  ['we stood still, and heard of the end after it', 5_000, 15_000, 10_200, 5_000],
  ['we stood still, and its clock was set back as well', 5_000 - 3_600_000, 15_000, 10_200, 15_000],
  ['we stood still, and its clock was put forward', 60_000, 15_000, 10_200, 15_000],
])('%s', (_, told_ms, seen_ms, paused_ms, talk_ms) => {
  expect(talkTime(told_ms, seen_ms, paused_ms)).toBe(talk_ms);
});

test('a pause is noticed by the first who asks after it, and remembered for a while', async () => {
  const pauses = watchPauses();
  expect(pauses.longest_ms()).toBeLessThan(500);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
  expect(pauses.longest_ms()).toBeGreaterThan(1_200);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(pauses.longest_ms()).toBeGreaterThan(1_200);
});
