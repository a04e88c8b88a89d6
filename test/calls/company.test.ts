import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { type RunningRedis, startRedis } from '../../dev/services/redis.ts';
import { factsOf } from '../../dev/world/call-facts.ts';
import { type Company, createCompany, type Told } from '../../src/calls/company.ts';
import type { HangUpAnswer } from '../../src/calls/hang-up.ts';
import { createLiveBoard, type LiveBoard } from '../../src/calls/live-board.ts';
import { type LiveCall, newLiveCall } from '../../src/calls/live-call.ts';
import { NO_GRANT } from '../../src/domain/charge.ts';
import { connectPeers, type Peers } from '../../src/stores/redis/peers.ts';

let server: RunningRedis;
const opened: Company[] = [];
beforeAll(async () => {
  server = await startRedis();
});
afterEach(() => {
  for (const company of opened.splice(0)) company.close();
});
afterAll(() => server.stop());

interface Process {
  readonly board: LiveBoard;
  readonly company: Company;
  readonly peers: Peers<Told>;
  readonly owned: Set<string>;
  readonly hungUp: string[];
  readonly wallets: string[];
  answer: HangUpAnswer;
}

/** One process as the others know it; it listens when this returns. */
async function process(...servers: string[]): Promise<Process> {
  const board = createLiveBoard();
  const peers = connectPeers<Told>(server.url, () => {});
  const [owned, hungUp, wallets] = [new Set(servers), [] as string[], [] as string[]];
  const one = { board, peers, owned, hungUp, wallets, answer: 'ENDED' as HangUpAnswer };
  let joined = false;
  const listening: Peers<Told> = {
    ...peers,
    listen: (heard, told) =>
      peers.listen(heard, () => {
        joined = true;
        told();
      }),
  };
  const company = createCompany({
    peers: listening,
    board,
    async hangUp(call_id) {
      hungUp.push(call_id);
      return one.answer;
    },
    owns: (id) => owned.has(id),
    compared: () => [...owned],
    onWallet: (id) => void wallets.push(id),
    onFree: () => {},
  });
  opened.push(company);
  await waitUntil(() => joined, { timeout_ms: 5_000, what: 'the process to listen' });
  return Object.assign(one, { company });
}

const callOn = (server_id: string): LiveCall => newLiveCall(factsOf({ server_id }), NO_GRANT, 0, false);

const NO_BILL = {
  charge: { bundle_seconds: 0, paid_seconds: 7, total_micros: 7n },
  wholesale: null,
  cost: null,
};

const idsOn = ({ board }: Process) =>
  board
    .rows({})
    .map(({ call_id }) => call_id)
    .sort();

const shows = (one: Process, calls: readonly LiveCall[]) => {
  const ids = calls.map(({ facts }) => facts.call_id).sort();
  return waitUntil(() => idsOn(one).join() === ids.join(), { timeout_ms: 5_000, what: 'the rows' });
};

test('a board shows the calls of every process, as they change, and how they ended', async () => {
  const [one, other] = [await process('server-1'), await process('server-2')];
  const [here, there] = [callOn('server-1'), callOn('server-2')];
  one.board.upsert(here);
  other.board.upsert(there);
  await shows(one, [here, there]);
  await shows(other, [here, there]);
  here.phase = 'RINGING';
  one.board.upsert(here);
  const rowOf = ({ board }: Process) => board.rows({}).find(({ call_id }) => call_id === here.facts.call_id);
  await waitUntil(() => rowOf(other)?.phase === 'RINGING', { timeout_ms: 5_000, what: 'the phase' });
  expect(rowOf(other)).toEqual(rowOf(one));
  const known = other.board.sequence();
  one.board.remove(here, 'HANGUP', NO_BILL as never);
  await shows(other, [there]);
  expect(other.board.since(known)).toMatchObject([
    { change: { type: 'remove', call_id: here.facts.call_id, reason: 'HANGUP', total_micros: '7' } },
  ]);
});

test('who comes later is told everything', async () => {
  const one = await process('server-1');
  const call = callOn('server-1');
  one.board.upsert(call);
  await shows(await process(), [call]);
});

test('a new owner says which rows there are: others of that server go, and viewers begin anew', async () => {
  const [old, next, third] = [await process('server-1'), await process(), await process()];
  const [kept, ended] = [callOn('server-1'), callOn('server-1')];
  old.board.upsert(kept);
  old.board.upsert(ended);
  await shows(third, [kept, ended]);
  await shows(next, [kept, ended]);
  const known = third.board.sequence();

  old.owned.delete('server-1');
  for (const call of [kept, ended]) old.board.handOver(call);
  next.owned.add('server-1');
  next.board.upsert(newLiveCall(kept.facts, NO_GRANT, 0, false));
  next.company.compared('server-1');
  for (const one of [old, next, third]) await shows(one, [kept]);
  expect(third.board.since(known)).toBeNull();
  expect([next.board.isOwn(kept.facts.call_id), old.board.isOwn(kept.facts.call_id)]).toEqual([true, false]);

  // What the old one still says of it, paused as it was, is not heard.
  const { server_id, reseller_id, subscriber_id } = kept.facts;
  const whose = { server_id, reseller_id, subscriber_id, own: true, sequence: 99 };
  old.peers.say({ type: 'changes', changes: [{ ...whose, change: removal(kept) }] });
  const later = callOn('server-1');
  next.board.upsert(later);
  await shows(third, [kept, later]);
});

const removal = (call: LiveCall) => ({
  type: 'remove' as const,
  sequence: 99,
  call_id: call.facts.call_id,
  reason: 'HANGUP' as const,
  bundle_seconds: 0,
  paid_seconds: 0,
});

test.each<HangUpAnswer>(['ENDED', 'EMERGENCY', 'UNREACHABLE', 'GONE'])(
  'a hang-up reaches the owner of the call, whose answer is %s',
  async (answer) => {
    const [one, other, third] = [await process('server-1'), await process(), await process()];
    const call = callOn('server-1');
    one.board.upsert(call);
    one.answer = answer;
    await shows(other, [call]);
    expect(await other.company.hangUp(call.facts.call_id)).toBe(answer);
    expect([one.hungUp, other.hungUp, third.hungUp]).toEqual([[call.facts.call_id], [], []]);
  },
);

test('one of ours, or of nobody, is asked of nobody else', async () => {
  const [one, other] = [await process('server-1'), await process()];
  const call = callOn('server-1');
  one.board.upsert(call);
  await shows(other, [call]);
  await one.company.hangUp(call.facts.call_id);
  await one.company.hangUp('unknown');
  expect([one.hungUp, other.hungUp]).toEqual([[call.facts.call_id, 'unknown'], []]);
});

test('money that came in is told to all others', async () => {
  const [one, other] = [await process('server-1'), await process('server-2')];
  one.company.walletChanged('payer');
  await waitUntil(() => other.wallets.length > 0, { timeout_ms: 5_000, what: 'the wallet' });
  expect([one.wallets, other.wallets]).toEqual([[], ['payer']]);
});
