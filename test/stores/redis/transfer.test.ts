import { describe, expect, test } from 'vitest';
import { callOf, claim, holders, leftovers, newId, SERVER, useStore } from './use-store.ts';

const bench = useStore();

/** A call that holds the only slot of everything, and what a call after it wants. */
async function fullHouse() {
  const claims = [
    claim('LINE', newId('line'), 1),
    claim('SUBSCRIBER', newId('subscriber'), 1),
    claim('TRUNK', newId('trunk'), 2),
  ];
  const root = callOf({ claims });
  expect(await bench().store.admit(root)).toMatchObject({ code: 'ADMITTED' });
  const held = () => Promise.all(claims.map((one) => holders(bench().redis, one)));
  return { claims, root, held };
}

describe('a call that goes on with another one', () => {
  test('takes its slots over, and a channel of its own of the trunk', async () => {
    const { claims, root, held } = await fullHouse();
    const { store } = bench();
    expect(await store.admit(callOf({ claims }))).toMatchObject({ code: 'LIMIT' });
    const next = callOf({ claims, root: root.call_id });
    expect(await store.admit(next)).toMatchObject({ code: 'ADMITTED' });
    expect(await held()).toEqual([[next.call_id], [next.call_id], [root.call_id, next.call_id].sort()]);
    expect(await store.admit(callOf({ claims, root: root.call_id }))).toMatchObject({ code: 'LIMIT' });
    // Whichever ends first, and whatever is renewed after that, each keeps and frees its own.
    await store.renew(SERVER, [root.call_id, next.call_id], true);
    await store.end(root.call_id, SERVER);
    expect(await held()).toEqual([[next.call_id], [next.call_id], [next.call_id]]);
    await store.end(next.call_id, SERVER);
    expect(await held()).toEqual([[], [], []]);
    for (const call of [root, next]) await store.settle(call, null, null);
    expect(await leftovers(bench().redis)).toEqual([]);
  });

  test.each(['ended', 'settled', 'unknown'])('one that is %s has nothing to give', async (state) => {
    const { claims, root, held } = await fullHouse();
    const { store } = bench();
    const other = callOf({ claims });
    if (state === 'unknown') {
      const stranger = callOf({ claims, root: newId('call') });
      expect(await store.admit(stranger)).toMatchObject({ code: 'LIMIT' });
      await store.settle(root, null, null);
      return;
    }
    await store.end(root.call_id, SERVER);
    if (state === 'settled') await store.settle(root, null, null);
    expect(await store.admit(other)).toMatchObject({ code: 'ADMITTED' });
    expect(await store.admit(callOf({ claims, root: root.call_id }))).toMatchObject({ code: 'LIMIT' });
    expect(await held()).toEqual([[other.call_id], [other.call_id], [other.call_id]]);
    for (const call of [root, other]) await store.settle(call, null, null);
  });
});
