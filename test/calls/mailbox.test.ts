import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMailboxes } from '../../src/calls/mailbox.ts';

/** A task that waits for its key. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { task: () => promise, open: resolve };
}

const noError = (error: Error) => {
  throw error;
};

test('tasks of one call run in order, one at a time; those of another do not wait', async () => {
  const mailboxes = createMailboxes(noError);
  const seen: string[] = [];
  const [slow, other] = [gate(), gate()];
  mailboxes.post('a', async () => {
    seen.push('a1 begins');
    await slow.task();
    seen.push('a1 ends');
  });
  mailboxes.post('a', async () => {
    seen.push('a2');
    other.open();
  });
  mailboxes.post('b', async () => {
    seen.push('b1');
    slow.open();
  });
  await other.task();
  await mailboxes.idle();
  expect(seen).toEqual(['a1 begins', 'b1', 'a1 ends', 'a2']);
});

test('a task that fails is reported with its call, and the next one runs', async () => {
  const errors: [string, string][] = [];
  const mailboxes = createMailboxes((error, call_id) => errors.push([call_id, error.message]));
  const seen: string[] = [];
  mailboxes.post('a', async () => {
    throw new Error('later');
  });
  mailboxes.post('a', () => {
    throw new Error('at once');
  });
  mailboxes.post('a', async () => {
    seen.push('a3');
  });
  await mailboxes.idle();
  expect(errors).toEqual([
    ['a', 'later'],
    ['a', 'at once'],
  ]);
  expect(seen).toEqual(['a3']);
});

test('idle waits for what tasks post, and is at once when there is nothing', async () => {
  const mailboxes = createMailboxes(noError);
  await mailboxes.idle();
  const seen: number[] = [];
  const again = (left: number) => async () => {
    seen.push(left);
    if (left > 0) mailboxes.post(`call ${left % 2}`, again(left - 1));
  };
  mailboxes.post('call 0', again(5));
  await mailboxes.idle();
  expect(seen).toEqual([5, 4, 3, 2, 1, 0]);
});

test('a task posted by a task of its own call runs after those that were there', async () => {
  const mailboxes = createMailboxes(noError);
  const seen: string[] = [];
  mailboxes.post('a', async () => {
    mailboxes.post('a', async () => {
      seen.push('third');
    });
    seen.push('first');
  });
  mailboxes.post('a', async () => {
    seen.push('second');
  });
  await mailboxes.idle();
  expect(seen).toEqual(['first', 'second', 'third']);
});

test('whatever is posted: every task runs once, in order per call, never two of a call together', async () => {
  const posts = fc.array(fc.record({ call: fc.nat(3), ticks: fc.nat(4), fails: fc.boolean() }), {
    maxLength: 40,
  });
  const run = async (all: { call: number; ticks: number; fails: boolean }[]) => {
    let failures = 0;
    const mailboxes = createMailboxes(() => {
      failures += 1;
    });
    const running = new Set<number>();
    const order = new Map<number, number[]>();
    all.forEach(({ call, ticks, fails }, index) => {
      mailboxes.post(String(call), async () => {
        expect(running.has(call)).toBe(false);
        running.add(call);
        for (let i = 0; i < ticks; i += 1) await null;
        running.delete(call);
        order.set(call, [...(order.get(call) ?? []), index]);
        if (fails) throw new Error('as wished');
      });
    });
    await mailboxes.idle();
    expect(failures).toBe(all.filter(({ fails }) => fails).length);
    for (const indexes of order.values()) expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
    expect([...order.values()].flat()).toHaveLength(all.length);
  };
  await fc.assert(fc.asyncProperty(posts, run));
});
