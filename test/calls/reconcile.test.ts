import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { factsOf } from '../../dev/world/call-facts.ts';
import type { AriChannel } from '../../src/asterisk/ari/port.ts';
import type { Switch } from '../../src/asterisk/session.ts';
import { createAdmissions } from '../../src/calls/admission.ts';
import type { Controller } from '../../src/calls/controller.ts';
import { type DriftKind, NO_DRIFT } from '../../src/calls/drift.ts';
import { type CallFacts, encodeFacts, type LiveCall, newLiveCall } from '../../src/calls/live-call.ts';
import { createReconciler } from '../../src/calls/reconcile.ts';
import type { Rebuilder } from '../../src/calls/recovery.ts';
import { createSecondSource } from '../../src/calls/second-source.ts';
import type { CallEnd } from '../../src/calls/settlement.ts';
import { NO_GRANT } from '../../src/domain/charge.ts';
import type { CallRecord } from '../../src/stores/postgres/settlements.ts';
import { callOf } from '../stores/redis/use-store.ts';
import { keepLog, useStores } from './use-stores.ts';

const stores = useStores();

const GRANT = 'T-carrier-+551133334444-62-60-';

/** A channel of a caller that was let go. */
const channelOf = (id: string): AriChannel => ({
  id,
  name: 'PJSIP/phone-00000001',
  state: 'Up',
  creationtime: '2026-11-24T12:00:00.000+0000',
  dialplan: { context: 'pabx-grant', exten: GRANT },
});

/** A server of its own with what runs on it: by the switch, by us and by Redis. */
async function bench() {
  const { db, store } = stores();
  const server_id = randomUUID();
  const [live, records, ends, log] = [
    new Map<string, LiveCall>(),
    [] as CallRecord[],
    [] as [LiveCall, CallEnd][],
    keepLog(),
  ];
  const channels: AriChannel[] = [];
  /** Rows that the switch wrote as calls were answered. */
  const begun: { readonly key: string; readonly val: string }[] = [];
  const meanwhile = { does: async () => {} };
  const link = {
    server_id,
    name: 'fake',
    ari: {
      async channels() {
        const listed = [...channels];
        await meanwhile.does();
        return listed;
      },
      startedAt: async () => Date.now(),
    },
    ami: {
      list: async ({ Family }: { readonly Family: string }) => (Family === 'pabx-begun' ? begun : []),
      send: async () => ({ timestamp: String(Date.now() / 1000) }),
    },
  } as unknown as Switch;
  const controller = {
    live,
    adopt: (call: LiveCall) => void live.set(call.facts.call_id, call),
    end(call: LiveCall, end: CallEnd) {
      ends.push([call, end]);
      live.delete(call.facts.call_id);
    },
  } as unknown as Controller;
  const rebuilder: Rebuilder = {
    fromSwitch: async (_, { call_id }) =>
      newLiveCall(factsOf({ call_id, server_id, rate: null }), NO_GRANT, 0, true),
    nameLine: async () => {},
    fromJournal: async (_, { call_id }) =>
      newLiveCall(factsOf({ call_id, server_id, rate: null }), NO_GRANT, 0, true),
  };
  const reconciler = createReconciler({
    db,
    store,
    admissions: createAdmissions(db, store, () => 60),
    controller,
    settler: { add: (record) => void records.push(record), waiting: () => 0, idle: async () => {} },
    rebuilder,
    offline: { record: async () => [], renewBudgets: async () => {} },
    second: createSecondSource(db, log),
    log,
  });
  const facts = factsOf({ server_id, rate: null });
  const { call_id } = facts;
  const places = {
    switch: async () => void channels.push(channelOf(call_id)),
    memory: async () => void live.set(call_id, newLiveCall(facts, NO_GRANT, 0, true)),
    redis: async () => void (await store.admit(inRedis(facts))),
  };
  return {
    call_id,
    places,
    live,
    records,
    ends,
    log,
    idsInRedis: () => store.idsOf(server_id),
    /** What happens while the switch is asked. */
    meanwhile,
    look: (fresh = false) => reconciler.reconcile(link, fresh),
    drift: () => reconciler.driftOf(server_id),
    channels,
    begun,
    sweep: () => reconciler.sweepJournal(link),
  };
}

const inRedis = (facts: CallFacts) =>
  callOf({ call_id: facts.call_id, server_id: facts.server_id, facts: encodeFacts(facts) });

type Place = 'switch' | 'memory' | 'redis';

describe('a call that is known to some', () => {
  test.each<[places: Place[], looks: number, kind: DriftKind, mended: Place[]]>([
    [['memory', 'redis'], 1, 'NOT_ON_SWITCH', ['redis']],
    [['switch', 'redis'], 2, 'NOT_KNOWN', ['switch', 'memory', 'redis']],
    [['switch'], 2, 'NOT_KNOWN', ['switch', 'memory', 'redis']],
    [['redis'], 2, 'ONLY_IN_REDIS', []],
    [['switch', 'memory'], 2, 'NOT_IN_REDIS', ['switch', 'memory', 'redis']],
  ])('%j: after %d looks it is %s', async (places, looks, kind, mended) => {
    const one = await bench();
    for (const place of places) await one.places[place]();
    for (let look = 1; look < looks; look += 1) {
      await one.look();
      expect(one.drift().now).toEqual(NO_DRIFT);
    }
    await one.look();
    expect(one.drift().now).toEqual({ ...NO_DRIFT, [kind]: 1 });
    expect(one.log.told.map(({ message }) => message)).toContain('calls drift');
    if (kind === 'NOT_ON_SWITCH') expect(one.ends).toMatchObject([[{}, { reason: 'LOST' }]]);
    else expect(one.live.has(one.call_id)).toBe(mended.includes('memory'));
    // One that Redis alone knew goes by its settlement.
    if (kind === 'ONLY_IN_REDIS')
      expect(one.records).toMatchObject([{ id: one.call_id, end_reason: 'LOST' }]);
    else expect(await one.idsInRedis()).toEqual(mended.includes('redis') ? [one.call_id] : []);
    if (!mended.includes('switch')) return;
    await one.look();
    expect(one.drift().now).toEqual(NO_DRIFT);
    expect(one.drift().ever).toEqual({ ...NO_DRIFT, [kind]: 1 });
  });

  test('to all of them: nothing differs, and nothing is said', async () => {
    const one = await bench();
    for (const place of ['switch', 'memory', 'redis'] as const) await one.places[place]();
    for (let look = 0; look < 3; look += 1) await one.look();
    expect([one.drift().ever, one.log.told, one.records, one.ends]).toEqual([NO_DRIFT, [], [], []]);
  });

  test('whose end is heard a moment after the list does not count', async () => {
    const one = await bench();
    for (const place of ['memory', 'redis'] as const) await one.places[place]();
    const looking = one.look();
    setTimeout(() => one.live.delete(one.call_id), 100);
    await looking;
    expect([one.drift().ever.NOT_ON_SWITCH, one.ends]).toEqual([0, []]);
  });

  test.each([false, true])('that began while we asked is not missing, fresh link: %s', async (fresh) => {
    const one = await bench();
    one.meanwhile.does = async () => {
      for (const place of ['redis', 'memory', 'switch'] as const) await one.places[place]();
      one.meanwhile.does = async () => {};
    };
    await one.look(fresh);
    expect([one.ends, one.records, [...one.live.keys()]]).toEqual([[], [], [one.call_id]]);
  });
});

describe('a call that was answered long ago, and of whose end the switch wrote nothing', () => {
  const answered_at_ms = Date.now() - 600_000;
  const row = { key: '/pabx-begun/srv-1.1', val: `v1|phone|${GRANT}|${answered_at_ms}` };

  test('is settled when nothing of it is left', async () => {
    const one = await bench();
    one.begun.push(row);
    await one.sweep();
    expect(one.records).toMatchObject([{ id: 'srv-1.1', end_reason: 'LOST' }]);
  });

  test('goes on when a transfer took its caller away', async () => {
    const one = await bench();
    one.begun.push(row);
    const channelvars = { PABX_CALL: 'srv-1.1', PABX_BY: 'phone', PABX_GRANT: GRANT };
    const dialplan = { context: 'pabx-transferring', exten: 's' };
    one.channels.push({ ...channelOf('srv-1.2'), name: 'PJSIP/carrier-00000002', dialplan, channelvars });
    await one.sweep();
    expect(one.records).toEqual([]);
  });
});
