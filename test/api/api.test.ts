import { beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { waitUntil } from '../../dev/services/process.ts';
import type { LiveChange, LiveMessage } from '../../src/contract/live.ts';
import { NO_CHARGE } from '../../src/domain/charge.ts';
import { hashToken } from '../../src/stores/postgres/api-keys.ts';
import { callOf as callOfHousehold } from './live-rows.ts';
import { addTown, type Household, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi();
let town: Town;
let ours: Household;

beforeAll(async () => {
  town = await addTown(api());
  ours = town.ours;
});

const keyOf = (who: string | null) => (who === null ? null : (town.keys[who as keyof Town['keys']] ?? who));
let serial = 0;

const ask = (who: string | null, method: 'GET' | 'POST', url: string, body?: object | string) =>
  api().ask(keyOf(who), method, url, {
    ...(body === undefined ? {} : { body }),
    headers: { 'idempotency-key': `k-${++serial}` },
  });

describe('who is who', () => {
  test.each([null, 'pabx_wrong', 'x'.repeat(500)])('%s is nobody', async (who) => {
    const answer = await ask(who, 'GET', '/api/v1/subscribers');
    expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  test('an expired token is nobody', async () => {
    const token = await api().key({ role: 'MASTER' });
    await api().database.pool.query(
      "update api_keys set expires_at = now() - interval '1 second' where created_at = (select max(created_at) from api_keys)",
    );
    expect((await ask(token, 'GET', '/api/v1/subscribers')).status).toBe(401);
  });

  test('each sees its own subscribers', async () => {
    const ids = async (who: string) =>
      (await ask(who, 'GET', '/api/v1/subscribers')).body.items.map((item: { id: string }) => item.id).sort();
    const [own, near, far] = [ours, town.neighbour, town.stranger].map((one) => one.subscriber_id);
    expect(await ids('master')).toEqual([own, near, far].sort());
    expect(await ids('reseller')).toEqual([own, near].sort());
    expect(await ids('subscriber')).toEqual([own]);
  });

  test('what belongs to others is not there, and what a role may not do neither', async () => {
    const topUp = { amount_micros: '1000000', reference: 'r' };
    expect(
      await ask('reseller', 'POST', `/api/v1/subscribers/${town.stranger.subscriber_id}/top-ups`, topUp),
    ).toMatchObject({
      status: 404,
    });
    expect(
      await ask('subscriber', 'POST', `/api/v1/subscribers/${ours.subscriber_id}/top-ups`, topUp),
    ).toMatchObject({
      status: 404,
    });
    const line = { subscriber_id: town.stranger.subscriber_id, extension: '300', name: 'x', area_code: '11' };
    expect(await ask('reseller', 'POST', '/api/v1/lines', line)).toMatchObject({ status: 404 });
  });
});

describe('money', () => {
  test('a reference adds once', async () => {
    const url = `/api/v1/subscribers/${ours.subscriber_id}/top-ups`;
    const body = { amount_micros: '2500000', reference: 'pix 7' };
    expect(await ask('reseller', 'POST', url, body)).toMatchObject({
      status: 201,
      body: { balance_micros: '3500000' },
    });
    expect(await ask('reseller', 'POST', url, body)).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT' },
    });
    const { items } = (await ask('subscriber', 'GET', '/api/v1/subscribers')).body;
    expect(items[0].balance_micros).toBe('3500000');
  });
});

describe('bad input is named', () => {
  const line = { extension: '300', name: 'Recepção', area_code: '11' };
  const cases: [string, object | string, string][] = [
    ['a short code as extension', { ...line, extension: '190' }, 'extension'],
    ['letters as extension', { ...line, extension: 'abc' }, 'extension'],
    ['no area code', { ...line, area_code: '20' }, 'area_code'],
    ['an empty name', { ...line, name: '  ' }, 'name'],
    ['an unknown class', { ...line, allowed_classes: ['MOON'] }, 'allowed_classes.0'],
    ['a negative limit', { ...line, max_concurrent_calls: -1 }, 'max_concurrent_calls'],
    ['a field nobody knows', { ...line, admin: true }, 'body'],
  ];
  test.each(cases)('%s', async (_, body, field) => {
    const answer = await ask('reseller', 'POST', '/api/v1/lines', {
      ...(body as object),
      subscriber_id: ours.subscriber_id,
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', errors: [{ field }] } });
  });

  test.each(['{"a":', '[]', '"x"', 'null'])('a body like %s', async (body) => {
    expect((await ask('reseller', 'POST', '/api/v1/lines', body)).status).toBe(400);
  });

  test.each(['0', '-5', '1.5', '1e3', '9'.repeat(30), 'abc'])('an amount of %s', async (amount_micros) => {
    const url = `/api/v1/subscribers/${ours.subscriber_id}/top-ups`;
    const answer = await ask('reseller', 'POST', url, { amount_micros, reference: 'bad' });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'amount_micros' }] } });
  });

  test('a NUL in a text, an id that is none, a limit without end, and too much', async () => {
    const named = { ...line, subscriber_id: ours.subscriber_id, name: 'a\u0000b' };
    expect((await ask('reseller', 'POST', '/api/v1/lines', named)).status).toBe(400);
    expect(
      (await ask('reseller', 'POST', '/api/v1/subscribers/x/top-ups', { amount_micros: '1', reference: 'r' }))
        .status,
    ).toBe(400);
    expect((await ask('reseller', 'GET', '/api/v1/calls?limit=100000')).status).toBe(400);
    expect(
      (await ask('reseller', 'POST', '/api/v1/lines', { ...line, name: 'x'.repeat(300_000) })).status,
    ).toBe(413);
    expect((await ask('reseller', 'GET', '/api/v1/nothing')).status).toBe(404);
  });

  test('an extension is given once', async () => {
    const body = { ...line, subscriber_id: ours.subscriber_id, extension: '310' };
    expect((await ask('reseller', 'POST', '/api/v1/lines', body)).status).toBe(201);
    expect(await ask('reseller', 'POST', '/api/v1/lines', body)).toMatchObject({
      status: 409,
      body: { errors: [{ field: 'extension', message: 'extension 310 is taken' }] },
    });
  });
});

describe('the live stream', () => {
  const inside = { subscriber_name: 'x', dialled: '202', number: '202', call_class: 'INTERNAL' } as const;
  const callOf = (household: Household, call_id: string) => callOfHousehold(household, call_id, inside);

  async function watch(who: string) {
    const headers = { authorization: `Bearer ${keyOf(who)}` };
    const socket = new WebSocket(`ws://127.0.0.1:${api().port}/api/v1/live`, { headers });
    const messages: (LiveMessage | LiveChange)[] = [];
    socket.on('message', (data) => {
      const message = JSON.parse(data.toString()) as LiveMessage;
      messages.push(...(message.type === 'changes' ? message.changes : [message]));
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return { socket, messages };
  }

  test('a viewer sees its own calls, from the snapshot to the last change', async () => {
    const { board } = api();
    const { neighbour, stranger } = town;
    const before = callOf(ours, 'before');
    board.upsert(before);
    const viewers = {
      master: await watch('master'),
      reseller: await watch('reseller'),
      subscriber: await watch('subscriber'),
    };
    for (const subscriber of [ours, neighbour, stranger])
      board.upsert(callOf(subscriber, `of ${subscriber.subscriber_id}`));
    board.remove(before, 'HANGUP', { charge: NO_CHARGE, parts: [], wholesale: null, cost: null });
    const told = async ({ messages }: { messages: (LiveMessage | LiveChange)[] }) => {
      await waitUntil(async () => messages.at(-1)?.type === 'remove', {
        timeout_ms: 5_000,
        what: 'the last change',
      });
      expect(messages[0]).toMatchObject({ type: 'snapshot', calls: [{ call_id: 'before' }] });
      return messages.flatMap((message) => (message.type === 'upsert' ? [message.call.subscriber_id] : []));
    };
    expect(await told(viewers.master)).toEqual([
      ours.subscriber_id,
      neighbour.subscriber_id,
      stranger.subscriber_id,
    ]);
    expect(await told(viewers.reseller)).toEqual([ours.subscriber_id, neighbour.subscriber_id]);
    expect(await told(viewers.subscriber)).toEqual([ours.subscriber_id]);
    for (const { socket } of Object.values(viewers)) socket.close();
  });

  test('a viewer whose key expires is shown out', async () => {
    const { reseller_id } = ours;
    const key = await api().key({ role: 'RESELLER', reseller_id });
    const { socket } = await watch(key);
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await api().database.pool.query('update api_keys set expires_at = now() where key_sha256 = $1', [
      hashToken(key),
    ]);
    expect(await closed).toBe(4001);
  });

  test('nobody gets in without a token, and a viewer that talks too much is shown out', async () => {
    await expect(watch('pabx_wrong')).rejects.toThrow('401');
    const { socket } = await watch('master');
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.send('x'.repeat(5_000));
    expect(await closed).toBe(1009);
  });
});
