import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { viewOf } from '../../src/api/live-scope.ts';
import { createLiveViewers, type Pipe } from '../../src/api/live-viewers.ts';
import { createLiveBoard } from '../../src/calls/live-board.ts';
import type { LiveCall } from '../../src/calls/live-call.ts';
import { hearLive, type LiveMessage, type LiveState, NO_LIVE_STATE } from '../../src/contract/live.ts';
import type { Tenant } from '../../src/domain/tenant.ts';
import { callOf, NO_BILL } from './live-rows.ts';

afterEach(() => void vi.useRealTimers());

const [reseller_id, subscriber_id] = [randomUUID(), randomUUID()];
const OWNERS = [
  { reseller_id, subscriber_id },
  { reseller_id, subscriber_id: randomUUID() },
  { reseller_id: randomUUID(), subscriber_id: randomUUID() },
];
const TENANTS: readonly Tenant[] = [
  { role: 'MASTER' },
  { role: 'RESELLER', reseller_id },
  { role: 'SUBSCRIBER', reseller_id, subscriber_id },
];

/** A viewer on a line that lets through as much as it is told to, and breaks. */
function viewerOf(viewers: ReturnType<typeof createLiveViewers>, tenant: Tenant) {
  let state: LiveState = NO_LIVE_STATE;
  let waiting: Buffer[] = [];
  let leave = () => {};
  const sequences: number[] = [];
  const read = (count: number) => {
    for (const data of waiting.splice(0, count)) {
      const message = JSON.parse(data.toString()) as LiveMessage;
      sequences.push(message.sequence);
      state = hearLive(state, message);
    }
  };
  const connect = () => {
    leave();
    // What was under way is lost.
    waiting = [];
    const own = waiting;
    // As if each message were large: two of them are more than is let pile up.
    const pipe: Pipe = {
      get bufferedAmount() {
        return own.length * 400_000;
      },
      send: (data) => void own.push(data),
    };
    const known = state.board === '' ? null : { board: state.board, sequence: state.sequence };
    leave = viewers.add(pipe, viewOf(tenant, null), known).leave;
  };
  connect();
  return { connect, read, sequences, rows: () => [...state.calls.values()], waits: () => waiting.length };
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
}

const step = fc.record({
  what: fc.constantFrom('upsert', 'upsert', 'remove', 'replace', 'read', 'reconnect', 'pass', 'storm'),
  which: fc.integer({ min: 0, max: 5 }),
  ms: fc.integer({ min: 0, max: 250 }),
});

const inOrder = (rows: readonly { call_id: string }[]) =>
  [...rows].sort((a, b) => (a.call_id < b.call_id ? -1 : 1));

test('whatever happens in which order, every viewer comes to see what the board shows, and no row sticks', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      vi.useFakeTimers();
      const board = createLiveBoard(16);
      const viewers = createLiveViewers(board);
      const watching = TENANTS.map((tenant) => ({ tenant, ...viewerOf(viewers, tenant) }));
      const make = (which: number) => callOf(at(OWNERS, which % 3), `call-${which}`);
      const calls: LiveCall[] = [0, 1, 2, 3, 4, 5].map(make);
      const over = new Set<LiveCall>();
      const upsert = (call: LiveCall) => {
        call.phase = call.phase === 'DIALLING' ? 'RINGING' : 'DIALLING';
        board.upsert(call);
      };
      for (const { what, which, ms } of steps) {
        const call = at(calls, which);
        const viewer = at(watching, which % 3);
        if (what === 'upsert') upsert(call);
        if (what === 'storm') for (let count = 0; count < 20; count += 1) upsert(call);
        if (what === 'remove') {
          board.remove(call, 'HANGUP', NO_BILL);
          over.add(call);
        }
        if (what === 'replace') calls[which] = make(which);
        if (what === 'read') viewer.read(1);
        if (what === 'reconnect') viewer.connect();
        if (what === 'pass') vi.advanceTimersByTime(ms);
      }
      // Events of calls that are over, as late as can be.
      for (const call of over) board.upsert(call);
      for (const { tenant, read, rows, sequences, waits } of watching) {
        for (let round = 0; round < 20; round += 1) {
          expect(waits()).toBeLessThanOrEqual(2);
          read(10);
          vi.advanceTimersByTime(150);
        }
        const { scope, mask } = viewOf(tenant, null);
        expect(inOrder(rows())).toEqual(inOrder(board.rows(scope).map((row) => mask(row))));
        expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
      }
      const shown = board.rows({}).map(({ call_id }) => call_id);
      for (const call of calls) if (over.has(call)) expect(shown).not.toContain(call.facts.call_id);
      viewers.close();
      vi.useRealTimers();
    }),
    { numRuns: 150 },
  );
});
