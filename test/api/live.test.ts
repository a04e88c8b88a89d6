import { beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { callOf, NO_BILL, watchLive } from './live-rows.ts';
import { addTown, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi();
let town: Town;

beforeAll(async () => {
  town = await addTown(api());
});

const until = (condition: () => boolean, what: string) => waitUntil(condition, { timeout_ms: 15_000, what });
const watch = (who: keyof Town['keys'], query = '') => watchLive(api(), town.keys[who], query);
const remove = (call: ReturnType<typeof callOf>) => api().board.remove(call, 'HANGUP', NO_BILL);

describe('changes', () => {
  test('of one row are told at most ten times a second, and the last one counts', async () => {
    const viewer = await watch('subscriber');
    const call = callOf(town.ours, 'busy');
    const started = performance.now();
    for (let count = 0; performance.now() < started + 1_000; count += 1) {
      call.more_seconds = count;
      call.phase = count % 2 === 0 ? 'RINGING' : 'DIALLING';
      api().board.upsert(call);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    call.phase = 'ANSWERED';
    api().board.upsert(call);
    await until(() => viewer.state().calls.get('busy')?.phase === 'ANSWERED', 'the last state');
    const told = viewer.messages.filter(({ type }) => type === 'changes');
    expect(told.length).toBeGreaterThan(3);
    expect(told.length).toBeLessThanOrEqual(13);
    remove(call);
    await until(() => viewer.state().calls.size === 0, 'the end');
    const sequences = viewer.messages.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    viewer.socket.close();
  });
});

describe('resuming', () => {
  async function seen() {
    const viewer = await watch('reseller');
    const [stays, goes] = [callOf(town.ours, 'stays'), callOf(town.ours, 'goes')];
    api().board.upsert(stays);
    api().board.upsert(goes);
    await until(() => viewer.ids().length === 2, 'both calls');
    viewer.socket.close();
    const { board, sequence } = viewer.state();
    return { stays, goes, board, sequence };
  }

  test('by board and number gives what was missed and nothing else', async () => {
    const { stays, goes, board, sequence } = await seen();
    remove(goes);
    const comes = callOf(town.ours, 'comes');
    api().board.upsert(comes);
    const again = await watch('reseller', `?after=${sequence}&board=${board}`);
    await until(() => again.messages.length === 2, 'what was missed');
    expect(again.messages).toMatchObject([
      { type: 'resumed', board, sequence },
      {
        type: 'changes',
        changes: [
          { type: 'remove', call_id: 'goes' },
          { type: 'upsert', call: { call_id: 'comes' } },
        ],
      },
    ]);
    again.socket.close();
    for (const call of [stays, comes]) remove(call);
  });

  const strange: [string, (known: { board: string; sequence: number }) => string][] = [
    ['a number that never was', ({ board, sequence }) => `?after=${sequence + 9_999}&board=${board}`],
    ['another board', ({ sequence }) => `?after=${sequence}&board=other`],
    ['no board', ({ sequence }) => `?after=${sequence}`],
    ['no number', ({ board }) => `?after=x&board=${board}`],
  ];
  test.each(strange)('by %s gives a snapshot', async (_, query) => {
    const { stays, goes, ...known } = await seen();
    const again = await watch('reseller', query(known));
    await until(() => again.messages.length > 0, 'a message');
    expect(again.messages[0]).toMatchObject({ type: 'snapshot', part: 0, complete: true });
    expect(again.ids()).toEqual(['goes', 'stays']);
    again.socket.close();
    for (const call of [stays, goes]) remove(call);
  });

  test('by what somebody else was told gives a snapshot', async () => {
    const { stays, goes, board, sequence } = await seen();
    const other = await watch('subscriber', `?after=${sequence}&board=${board}`);
    await until(() => other.messages.length > 0, 'a message');
    expect(other.messages[0]).toMatchObject({ type: 'snapshot' });
    other.socket.close();
    for (const call of [stays, goes]) remove(call);
  });
});

test('a viewer that may see more or less from now on is shown everything anew', async () => {
  const call = callOf(town.ours, 'masked');
  api().board.upsert(call);
  const viewer = await watch('subscriber');
  await until(() => viewer.state().calls.get('masked')?.number !== undefined, 'the number');
  await api().database.pool.query('update subscribers set permissions = $1 where id = $2', [
    JSON.stringify({ 'call.number': { level: 'HIDDEN' } }),
    town.ours.subscriber_id,
  ]);
  await until(() => viewer.state().calls.get('masked')?.number === undefined, 'it hidden');
  expect(viewer.messages.at(-1)).toMatchObject({ type: 'snapshot' });
  viewer.socket.close();
  remove(call);
});
