import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import WebSocket from 'ws';
import { waitUntil } from '../../dev/services/process.ts';
import { createDatabase, type Database } from '../../dev/world/database.ts';
import { addReseller, addSubscriber, type TestSubscriber } from '../../dev/world/tenants.ts';
import { addServer } from '../../src/admin/add-server.ts';
import { createPublisher } from '../../src/admin/publish-revisions.ts';
import { createApi } from '../../src/api/server.ts';
import { createLiveBoard } from '../../src/calls/live-board.ts';
import { type CallFacts, newLiveCall } from '../../src/calls/live-call.ts';
import type { LiveMessage } from '../../src/contract/live.ts';
import { NO_CHARGE, NO_GRANT } from '../../src/domain/charge.ts';
import { addToken, newToken, type Tenant } from '../../src/stores/postgres/tokens.ts';

const board = createLiveBoard();
const log = pino({ level: 'silent' });
let database: Database;
let app: FastifyInstance;
let ours: TestSubscriber;
let neighbour: TestSubscriber;
let stranger: TestSubscriber;
const tokens: Record<string, string> = {};

async function tokenOf(tenant: Tenant): Promise<string> {
  const token = newToken();
  await addToken(database.db, 'test', token, tenant);
  return token;
}

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  const { db } = database;
  const server = await addServer(db, {
    name: 'api',
    ari_url: 'http://127.0.0.1:1',
    ami_host: '127.0.0.1',
    ami_port: 1,
  });
  const reseller_id = await addReseller(db);
  const at = { reseller_id, server_id: server.id };
  ours = await addSubscriber(db, at, { billing_mode: 'PREPAID', balance_micros: 1_000_000n });
  neighbour = await addSubscriber(db, at, { billing_mode: 'POSTPAID' });
  const elsewhere = { reseller_id: await addReseller(db), server_id: server.id };
  stranger = await addSubscriber(db, elsewhere, { billing_mode: 'BUNDLE', bundles: { FIXED_LOCAL: 600 } });
  tokens.master = await tokenOf({ role: 'MASTER' });
  tokens.reseller = await tokenOf({ role: 'RESELLER', reseller_id });
  tokens.subscriber = await tokenOf({ role: 'SUBSCRIBER', reseller_id, subscriber_id: ours.id });
  const publisher = createPublisher({ db, secret: 's'.repeat(32), log });
  app = createApi({ db, board, publisher, logger: log, walletChanged: () => {}, health: {} });
  await app.listen({ host: '127.0.0.1', port: 0 });
});

afterAll(async () => {
  await app.close();
  await database.close();
});

async function ask(who: string | null, method: 'GET' | 'POST', url: string, payload?: object | string) {
  const authorization = who === null ? {} : { authorization: `Bearer ${tokens[who] ?? who}` };
  const headers = {
    ...authorization,
    ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const response = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return { status: response.statusCode, type: response.headers['content-type'], body: response.json() };
}

describe('who is who', () => {
  test.each([null, 'pabx_wrong', 'x'.repeat(500)])('%s is nobody', async (who) => {
    const answer = await ask(who, 'GET', '/api/v1/subscribers');
    expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(answer.type).toContain('application/problem+json');
  });

  test('an expired token is nobody', async () => {
    const token = await tokenOf({ role: 'MASTER' });
    await database.pool.query(
      "update api_tokens set expires_at = now() - interval '1 second' where created_at = (select max(created_at) from api_tokens)",
    );
    expect((await ask(token, 'GET', '/api/v1/subscribers')).status).toBe(401);
  });

  test('each sees its own subscribers', async () => {
    const ids = async (who: string) =>
      (await ask(who, 'GET', '/api/v1/subscribers')).body.items.map((item: { id: string }) => item.id).sort();
    expect(await ids('master')).toEqual([ours.id, neighbour.id, stranger.id].sort());
    expect(await ids('reseller')).toEqual([ours.id, neighbour.id].sort());
    expect(await ids('subscriber')).toEqual([ours.id]);
  });

  test('what belongs to others is not there, and what a role may not do neither', async () => {
    const topUp = { amount_micros: '1000000', reference: 'r' };
    expect(await ask('reseller', 'POST', `/api/v1/subscribers/${stranger.id}/top-ups`, topUp)).toMatchObject({
      status: 404,
    });
    expect(await ask('subscriber', 'POST', `/api/v1/subscribers/${ours.id}/top-ups`, topUp)).toMatchObject({
      status: 404,
    });
    const line = { subscriber_id: stranger.id, extension: '300', name: 'x', area_code: '11' };
    expect(await ask('reseller', 'POST', '/api/v1/lines', line)).toMatchObject({ status: 404 });
  });
});

describe('money', () => {
  test('a reference adds once', async () => {
    const url = `/api/v1/subscribers/${ours.id}/top-ups`;
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
      subscriber_id: ours.id,
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', errors: [{ field }] } });
  });

  test.each(['{"a":', '[]', '"x"', 'null'])('a body like %s', async (body) => {
    expect((await ask('reseller', 'POST', '/api/v1/lines', body)).status).toBe(400);
  });

  test.each(['0', '-5', '1.5', '1e3', '9'.repeat(30), 'abc'])('an amount of %s', async (amount_micros) => {
    const url = `/api/v1/subscribers/${ours.id}/top-ups`;
    const answer = await ask('reseller', 'POST', url, { amount_micros, reference: 'bad' });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'amount_micros' }] } });
  });

  test('a NUL in a text, an id that is none, a limit without end, and too much', async () => {
    const named = { ...line, subscriber_id: ours.id, name: 'a\u0000b' };
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
    const body = { ...line, subscriber_id: ours.id, extension: '310' };
    expect((await ask('reseller', 'POST', '/api/v1/lines', body)).status).toBe(201);
    expect(await ask('reseller', 'POST', '/api/v1/lines', body)).toMatchObject({
      status: 409,
      body: { errors: [{ field: 'extension', message: 'extension 310 is taken' }] },
    });
  });
});

describe('the live stream', () => {
  function callOf(subscriber: TestSubscriber, call_id: string) {
    const { id: subscriber_id, reseller_id } = subscriber;
    const ids = { call_id, server_id: subscriber_id, line_id: subscriber_id, plan_id: subscriber_id };
    const facts: CallFacts = {
      ...ids,
      reseller_id,
      subscriber_id,
      subscriber_name: 'x',
      extension: '201',
      trunk_id: null,
      dialled: '202',
      number: '202',
      call_class: 'INTERNAL',
      csp: null,
      rate: null,
      slot: null,
      credit_micros: 0n,
      claims: [],
      cycle_start: '2026-11-01',
      created_at_ms: 0,
    };
    return newLiveCall(facts, NO_GRANT, 0, false);
  }

  async function watch(who: string) {
    const { port } = app.server.address() as AddressInfo;
    const headers = { authorization: `Bearer ${tokens[who] ?? who}` };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`, { headers });
    const messages: LiveMessage[] = [];
    socket.on('message', (data) => messages.push(JSON.parse(data.toString()) as LiveMessage));
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return { socket, messages };
  }

  test('a viewer sees its own calls, from the snapshot to the last change', async () => {
    const before = callOf(ours, 'before');
    board.upsert(before);
    const viewers = {
      master: await watch('master'),
      reseller: await watch('reseller'),
      subscriber: await watch('subscriber'),
    };
    for (const subscriber of [ours, neighbour, stranger])
      board.upsert(callOf(subscriber, `of ${subscriber.id}`));
    board.remove(before, 'HANGUP', NO_CHARGE);
    const told = async ({ messages }: { messages: LiveMessage[] }) => {
      await waitUntil(async () => messages.at(-1)?.type === 'remove', {
        timeout_ms: 5_000,
        what: 'the last change',
      });
      expect(messages[0]).toMatchObject({ type: 'snapshot', calls: [{ call_id: 'before' }] });
      return messages.flatMap((message) => (message.type === 'upsert' ? [message.call.subscriber_id] : []));
    };
    expect(await told(viewers.master)).toEqual([ours.id, neighbour.id, stranger.id]);
    expect(await told(viewers.reseller)).toEqual([ours.id, neighbour.id]);
    expect(await told(viewers.subscriber)).toEqual([ours.id]);
    for (const { socket } of Object.values(viewers)) socket.close();
  });

  test('nobody gets in without a token, and a viewer that talks too much is shown out', async () => {
    await expect(watch('pabx_wrong')).rejects.toThrow('401');
    const { socket } = await watch('master');
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.send('x'.repeat(5_000));
    expect(await closed).toBe(1009);
  });
});
