import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { type RunningRedis, startRedis } from '../../dev/services/redis.ts';
import { factsOf } from '../../dev/world/call-facts.ts';
import { createDatabase, type Database } from '../../dev/world/database.ts';
import { type CallControl, createCallControl } from '../../src/calls/call-control.ts';
import { newLiveCall } from '../../src/calls/live-call.ts';
import { NO_GRANT } from '../../src/domain/charge.ts';
import { connectRedis } from '../../src/stores/redis/connect.ts';
import { connectPeers } from '../../src/stores/redis/peers.ts';
import { type FakeServer, startFakeServer } from './fake-server.ts';
import { type CuttableLink, startProxy } from './proxy.ts';
import { keepLog } from './use-stores.ts';

/** Longer than a lease and the looks for it. */
const PATIENCE = { timeout_ms: 15_000 };

let server: RunningRedis;
let database: Database;
const fakes = new Map<string, FakeServer>();
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startRedis();
  database = await createDatabase(inject('postgresUrl'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  fakes.clear();
  const redis = connectRedis(server.url, () => {});
  await once(redis, 'ready');
  await redis.flushall();
  redis.disconnect();
});
afterAll(async () => {
  await database.close();
  await server.stop();
});

async function fake(id: string): Promise<FakeServer> {
  const started = await startFakeServer(id);
  fakes.set(id, started);
  closing.push(started.close);
  return started;
}

interface Process {
  readonly calls: CallControl;
  readonly toRedis: CuttableLink;
  readonly log: ReturnType<typeof keepLog>;
  owned(): string[];
}

/** A control plane with its own links, that hears of these servers. */
async function process(servers: readonly FakeServer[]): Promise<Process> {
  const toRedis = await startProxy(server.url);
  const redis = connectRedis(toRedis.url, () => {});
  const log = keepLog();
  const calls = createCallControl({
    db: database.db,
    redis,
    peers: connectPeers(toRedis.url, () => {}),
    connectAri: (options) => {
      const of = fakes.get(new URL(options.url).hostname);
      if (!of) throw new Error(`no server ${options.url}`);
      return of.connectAri(options);
    },
    times: { slice_seconds: 60, lead_seconds: 10, grace_seconds: 2 },
    braking: { mode: 'OFF', night: { from: 22, to: 6 } },
    log,
  });
  closing.push(async () => {
    await toRedis.heal();
    await calls.close();
    redis.disconnect();
  });
  await once(redis, 'ready');
  calls.switches.set(servers.map(({ address }) => address));
  const owned = () =>
    calls.switches.states().flatMap(({ owned: ours, well, name }) => (ours && well ? [name] : []));
  return { calls, toRedis, log, owned };
}

const owns = (one: Process, names: readonly string[]) =>
  waitUntil(() => one.owned().join() === names.join() && one.calls.store.ready(), {
    ...PATIENCE,
    what: `a process to own ${names.join()}`,
  });

describe('two processes', () => {
  test('of which one owns a server: the other does not come near it', async () => {
    const one = await fake('server-1');
    const first = await process([one]);
    await owns(first, ['server-1']);
    const second = await process([one]);
    await waitUntil(() => second.calls.store.ready(), { ...PATIENCE, what: 'the epoch' });
    expect(second.calls.switches.states()).toMatchObject([{ owned: false, well: true }]);
    expect([one.clients(), second.calls.switches.get('server-1')]).toEqual([1, null]);
  });

  test('admit nothing in an emptied Redis before both have shown what runs on their servers', async () => {
    const [one, other] = [await fake('server-1'), await fake('server-2')];
    const first = await process([one]);
    await owns(first, ['server-1']);
    const second = await process([one, other]);
    await owns(second, ['server-2']);
    first.calls.switches.set([one.address, other.address]);
    // The second cannot tell: whatever the first does, it is not open to anybody.
    await second.toRedis.cut();
    const redis = connectRedis(server.url, () => {});
    await once(redis, 'ready');
    await redis.flushall();
    await waitUntil(() => !first.calls.store.ready(), { ...PATIENCE, what: 'the loss to be noticed' });
    await waitUntil(async () => (await redis.scard('pabx:shown')) === 1, {
      ...PATIENCE,
      what: 'one to be shown',
    });
    expect(first.calls.store.ready()).toBe(false);
    await second.toRedis.heal();
    // Or the first took it over meanwhile: one of them showed it.
    await waitUntil(() => first.calls.store.ready() && second.calls.store.ready(), {
      ...PATIENCE,
      what: 'admission to open',
    });
    expect([...first.owned(), ...second.owned()].sort()).toEqual(['server-1', 'server-2']);
    redis.disconnect();
  });

  test('of which one is stopped: the other owns its servers at once', async () => {
    const servers = [await fake('server-1'), await fake('server-2')];
    const first = await process(servers);
    await owns(first, ['server-1', 'server-2']);
    const second = await process(servers);
    await waitUntil(() => second.calls.store.ready(), { ...PATIENCE, what: 'the epoch' });
    const stopped_ms = performance.now();
    await first.calls.close();
    await owns(second, ['server-1', 'server-2']);
    // Far less than a lease.
    expect(performance.now() - stopped_ms).toBeLessThan(2_000);
  });
});

describe('a process that Redis does not hear', () => {
  test('loses its server, and knows it before it has heard: it does nothing and lets go of its calls', async () => {
    const one = await fake('server-1');
    const first = await process([one]);
    await owns(first, ['server-1']);
    const second = await process([one]);
    const link = first.calls.switches.get('server-1');
    const call = newLiveCall(factsOf({ server_id: 'server-1', rate: null }), NO_GRANT, 0, false);
    first.calls.controller.adopt(call);
    const { call_id } = call.facts;
    one.channels = [
      { id: call_id, name: '', state: '', creationtime: '', dialplan: { context: '', exten: '' } },
    ];

    await first.toRedis.cut();
    await owns(second, ['server-1']);
    expect(one.clients()).toBe(2);
    // Nobody has told it anything; its own clock has, and the switch.
    expect(await first.calls.hangUp(call_id)).toBe('UNREACHABLE');
    await expect(link?.ari.hangUp(call_id, 16)).rejects.toThrow('not ours');
    await expect(link?.ami.send({ Action: 'Setvar' })).rejects.toThrow('not ours');
    expect(one.hungUp).toEqual([]);
    expect(first.calls.controller.live.has(call_id)).toBe(true);

    await first.toRedis.heal();
    await waitUntil(() => first.owned().length === 0 && first.calls.store.ready(), {
      ...PATIENCE,
      what: 'it to be told',
    });
    expect([...first.calls.controller.live.keys()]).toEqual([]);
    expect(first.calls.settler.waiting()).toBe(0);
    // It never took the switch back, not for a moment.
    expect(one.clients()).toBe(2);
    expect(second.owned()).toEqual(['server-1']);
  });

  test('goes on with what runs when nobody else can have taken its server', async () => {
    const one = await fake('server-1');
    const first = await process([one]);
    await owns(first, ['server-1']);
    const call = newLiveCall(factsOf({ server_id: 'server-1', rate: null }), NO_GRANT, 0, false);
    first.calls.controller.adopt(call);
    const { call_id: id } = call.facts;
    one.channels = [{ id, name: '', state: '', creationtime: '', dialplan: { context: '', exten: '' } }];
    const link = first.calls.switches.get('server-1');
    await first.toRedis.cut();
    await waitUntil(() => first.log.told.some(({ message }) => message.includes('whose the servers are')), {
      ...PATIENCE,
      what: 'the loss to be noticed',
    });
    expect(first.calls.switches.get('server-1')).toBe(link);
    expect(await first.calls.hangUp(id)).toBe('ENDED');
    expect(one.hungUp).toEqual([id]);
    await first.toRedis.heal();
    await owns(first, ['server-1']);
    expect(one.clients()).toBe(1);
  });
});
