import { expect, test } from 'vitest';
import { callOf, claim, holders, newId, SERVER, useStore } from './use-store.ts';

const bench = useStore();

test('the line that answers takes its slot past its limit, once, and gives it back with the call', async () => {
  const { store, redis } = bench();
  const line = claim('LINE', newId('line'), 0);
  const subscriber = claim('SUBSCRIBER', newId('subscriber'), 1);
  const call = callOf({ claims: [subscriber] });
  expect(await store.admit(call)).toMatchObject({ code: 'ADMITTED' });
  for (let again = 0; again < 2; again += 1) await store.joinLine(call.call_id, SERVER, line, 'of the line');
  expect(await holders(redis, line)).toEqual([call.call_id]);
  expect(await store.holders([line, subscriber, claim('LINE', 'nobody', 1)])).toEqual([
    [call.call_id],
    [call.call_id],
    [],
  ]);
  expect((await store.callsOf(SERVER)).map(({ facts }) => facts)).toEqual(['of the line']);
  await store.end(call.call_id, SERVER);
  expect(await store.holders([line, subscriber])).toEqual([[], []]);
});

test('a call without any slot takes the one of its line', async () => {
  const { store } = bench();
  const [call, line] = [callOf({ claims: [] }), claim('LINE', newId('line'), 1)];
  await store.admit(call);
  await store.joinLine(call.call_id, SERVER, line, 'facts');
  expect(await store.holders([line])).toEqual([[call.call_id]]);
  await store.renew(SERVER, [call.call_id], true);
  await store.end(call.call_id, SERVER);
  expect(await store.holders([line])).toEqual([[]]);
});

test('a call that is over or unknown takes nothing', async () => {
  const { store, redis } = bench();
  const [call, line] = [
    callOf({ claims: [claim('LINE', newId('line'), 1)] }),
    claim('LINE', newId('line'), 1),
  ];
  await store.joinLine('unknown', SERVER, line, 'facts');
  await store.admit(call);
  await store.end(call.call_id, SERVER);
  await store.joinLine(call.call_id, SERVER, line, 'facts');
  expect(await holders(redis, line)).toEqual([]);
});
