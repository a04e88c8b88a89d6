import Fastify from 'fastify';
import { Registry } from 'prom-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { addHealth } from '../../src/api/health.ts';
import { addMetrics } from '../../src/api/metrics.ts';
import { answerWithProblems } from '../../src/api/problems.ts';
import { addServerMetrics } from '../../src/api/server-metrics.ts';
import { createDecisionTimes } from '../../src/calls/decision-times.ts';
import { NO_DRIFT } from '../../src/calls/drift.ts';
import { createLiveBoard } from '../../src/calls/live-board.ts';
import { problemSchema } from '../../src/contract/problem.ts';
import { ROUTES } from '../../src/contract/routes.ts';
import { addTown, type Town } from './tenants.ts';
import { type Asking, useApi } from './use-api.ts';

const api = useApi();
let town: Town;

beforeAll(async () => {
  town = await addTown(api());
});

const open = (url: string, asking?: Asking) => api().ask(null, 'GET', url, asking);

describe('the OpenAPI document', () => {
  interface Operation {
    operationId: string;
    summary: string;
    tags: string[];
    parameters: { name: string; in: string; required: boolean; schema: object }[];
    requestBody?: { content: object };
    responses: Record<string, { description: string; content?: object }>;
  }
  // biome-ignore lint/suspicious/noExplicitAny: it is walked as plain JSON
  let document: any;
  let operations: [path: string, method: string, operation: Operation][];
  beforeAll(async () => {
    const answer = await open('/openapi.json');
    expect(answer.status).toBe(200);
    document = answer.body;
    operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
      ([path, methods]) =>
        Object.entries(methods).map(([method, one]) => [path, method, one] as (typeof operations)[0]),
    );
  });

  /** Every object of the document with where it is. */
  function* walk(value: unknown, at = '#'): Generator<[string, Record<string, unknown>]> {
    if (value === null || typeof value !== 'object') return;
    if (!Array.isArray(value)) yield [at, value as Record<string, unknown>];
    for (const [key, inner] of Object.entries(value)) yield* walk(inner, `${at}/${key}`);
  }

  test('is 3.1.0 with one operation per route', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'PABX Virtual', version: expect.any(String) },
    });
    const ids = operations.map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.sort()).toEqual(ROUTES.map(({ name }) => name).sort());
    for (const [path, method, one] of operations) {
      expect(['get', 'post', 'put', 'patch', 'delete']).toContain(method);
      expect(one.summary.length, path).toBeGreaterThan(5);
      expect(one.tags).toHaveLength(1);
    }
  });

  test('every reference leads somewhere, and nothing of the library is left in it', () => {
    let references = 0;
    for (const [at, { $ref }] of walk(document)) {
      if (typeof $ref !== 'string') continue;
      references += 1;
      expect($ref).toMatch(/^#\//);
      const target = $ref
        .slice(2)
        .split('/')
        .reduce<unknown>((inner, key) => (inner as Record<string, unknown>)?.[key], document);
      expect(target, `${at} → ${$ref}`).toBeTypeOf('object');
    }
    expect(references).toBeGreaterThan(100);
    for (const [at, object] of walk(document))
      for (const key of ['~standard', '$schema', '$defs', '_zod', 'def', 'nullable'])
        expect(Object.hasOwn(object, key) && !at.endsWith('/properties'), `${at} ${key}`).toBe(false);
    expect(JSON.stringify(document).includes('\u241E')).toBe(false);
  });

  test('path parameters are those of the path, and answers say what they are', () => {
    for (const [path, , { parameters, responses, operationId }] of operations) {
      const named = parameters.filter((one) => one.in === 'path');
      expect(
        named.map(({ name }) => name),
        path,
      ).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(named.every(({ required }) => required)).toBe(true);
      const both = parameters.map((one) => `${one.in} ${one.name}`);
      expect(new Set(both).size, operationId).toBe(both.length);
      const statuses = Object.keys(responses);
      expect(
        statuses.filter((status) => status.startsWith('2')),
        operationId,
      ).toHaveLength(1);
      for (const status of statuses.filter((status) => !status.startsWith('2')))
        expect(Object.keys(responses[status]?.content ?? {})).toEqual(['application/problem+json']);
    }
  });

  test('patterns are those of ECMA 262, in the mode that JSON Schema asks for', () => {
    for (const [at, { pattern }] of walk(document))
      if (typeof pattern === 'string') expect(() => new RegExp(pattern, 'u'), at).not.toThrow();
  });
});

describe('the page to try it', () => {
  test('loads its own scripts and styles, and nothing else may', async () => {
    const page = await open('/docs');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(/script-src[^;]*unsafe/.test(policy)).toBe(false);
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
    expect(links).toHaveLength(3);
    for (const link of links) {
      const file = await open(link);
      expect([file.status, file.headers['content-type']], link).toEqual([
        200,
        link.endsWith('css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8',
      ]);
      expect(file.text.length, link).toBeGreaterThan(50);
    }
    expect(/<script(?![^>]*src=)/.test(page.text), 'no script of the page itself').toBe(false);
    expect((await open('/docs/start.js')).text).toContain("url: '/openapi.json'");
    expect((await open('/docs/../package.json')).status).toBe(404);
  });
});

describe('health', () => {
  test('the process answers, and all that it needs is there', async () => {
    expect(await open('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await open('/health/ready')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  test('what is away is named, with 503', async () => {
    const app = Fastify({ logger: false });
    addHealth(app, { postgres: async () => null, redis: async () => 'no connection' });
    const answer = await app.inject('/health/ready');
    expect([answer.statusCode, answer.json()]).toEqual([
      503,
      { status: 'degraded', postgres: 'ok', redis: 'no connection' },
    ]);
    expect((await app.inject('/health/live')).statusCode).toBe(200);
  });
});

describe('metrics', () => {
  function metrics(token: string | null, trustProxy: boolean) {
    const app = Fastify({ logger: false, trustProxy });
    answerWithProblems(app);
    addMetrics(app, {
      board: createLiveBoard(),
      decisionTimes: createDecisionTimes(),
      system: api().database.db,
      servers: () => [],
      token,
    });
    return async (remoteAddress: string, headers: Record<string, string> = {}) =>
      (await app.inject({ url: '/metrics', remoteAddress, headers })).statusCode;
  }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const FAR = '203.0.113.9';
  const forged = { 'x-forwarded-for': '127.0.0.1' };
  const cases: [string, string | null, boolean, string, Record<string, string>, number][] = [
    ['this machine', null, false, '127.0.0.1', {}, 200],
    ['this machine by IPv6', null, false, '::1', {}, 200],
    ['another machine', null, false, FAR, {}, 404],
    ['another that says it is this one', null, false, FAR, forged, 404],
    ['another behind a proxy elsewhere', null, true, FAR, forged, 404],
    ['another behind a proxy of this machine', null, true, '127.0.0.1', { 'x-forwarded-for': FAR }, 404],
    [
      'one behind that proxy who made an address up',
      null,
      true,
      '127.0.0.1',
      { 'x-forwarded-for': `127.0.0.1, ${FAR}` },
      404,
    ],
    ['the same in the new header', null, true, '127.0.0.1', { forwarded: `for=${FAR}` }, 404],
    ['this machine without the token', 'a long enough token', false, '127.0.0.1', {}, 404],
    ['this machine with another token', 'a long enough token', false, '127.0.0.1', bearer('x'), 404],
    ['another machine with the token', 'a long enough token', false, FAR, bearer('a long enough token'), 200],
  ];
  test.each(cases)('%s', async (_, token, trusts, address, headers, status) => {
    expect(await metrics(token, trusts)(address, headers)).toBe(status);
  });

  test('count requests by route and status, never by id', async () => {
    await api().ask(town.keys.master, 'GET', `/api/v1/lines/${town.ours.line_id}`);
    await open('/wp-login.php');
    const { text, headers } = await open('/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toMatch(/_count\{method="GET",route="\/api\/v1\/lines\/:line_id",status="200"\} 1/);
    expect(text).toMatch(/route="unknown",status="404"/);
    expect(text).toMatch(/^pabx_live_calls 0$/m);
    for (const trace of [town.ours.line_id, 'wp-login']) expect(text.includes(trace)).toBe(false);
  });

  test('decisions are told by how long they took', async () => {
    const app = Fastify({ logger: false });
    const decisionTimes = createDecisionTimes();
    addMetrics(app, {
      board: createLiveBoard(),
      decisionTimes,
      system: api().database.db,
      servers: () => [],
      token: null,
    });
    for (const took_ms of [0.4, 0.9, 4, 30]) decisionTimes.add(took_ms);
    const { payload } = await app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' });
    const upTo = (seconds: string) =>
      Number(payload.split(`pabx_decision_seconds_bucket{le="${seconds}"} `)[1]?.split('\n', 1)[0]);
    expect(['0.0005', '0.001', '0.005', '+Inf'].map(upTo)).toEqual([1, 2, 3, 4]);
  });
});

test('metrics of servers: whose they are, and of ours whether all is well', async () => {
  const registry = new Registry();
  const drift = { now: { ...NO_DRIFT, NOT_KNOWN: 2 }, ever: { ...NO_DRIFT, NOT_KNOWN: 7 } };
  const none = { now: NO_DRIFT, ever: NO_DRIFT };
  const states = [
    { server_id: '1', name: 'ours', owned: true, compared: true, well: true, drift },
    { server_id: '2', name: 'away', owned: true, compared: true, well: false, drift: none },
    { server_id: '3', name: 'theirs', owned: false, compared: false, well: true, drift: none },
  ];
  addServerMetrics(registry, () => states);
  // Twice: what is gathered anew each time must not add up.
  await registry.metrics();
  const told = (await registry.metrics()).split('\n').filter((line) => line && !line.startsWith('#'));
  expect(told.filter((line) => !line.endsWith(' 0'))).toEqual([
    'pabx_server_owned{server="ours"} 1',
    'pabx_server_owned{server="away"} 1',
    'pabx_server_reachable{server="ours"} 1',
    'pabx_drift_calls{server="ours",kind="NOT_KNOWN"} 2',
    'pabx_drift_calls_total{server="ours",kind="NOT_KNOWN"} 7',
  ]);
  expect(told).toContain('pabx_server_owned{server="theirs"} 0');
  expect(told).toContain('pabx_server_reachable{server="away"} 0');
  expect(told.filter((line) => line.includes('theirs'))).toHaveLength(1);
});

describe('HTTP', () => {
  test('answers carry what keeps a browser careful', async () => {
    for (const url of ['/api/v1/subscribers', '/docs', '/openapi.json', '/nothing']) {
      const { headers } = await api().ask(town.keys.master, 'GET', url);
      expect(headers, url).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'referrer-policy': 'no-referrer',
        'strict-transport-security': expect.stringContaining('max-age='),
      });
      expect(headers['x-powered-by']).toBeUndefined();
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await api().ask(town.keys.master, 'GET', '/api/v1/lines')).headers['cache-control']).toBe(
      'no-store',
    );
  });

  const METHODS = ['OPTIONS', 'TRACE', 'PROPFIND', 'PUT', 'PATCH', 'DELETE', 'POST', 'SEARCH', 'LOCK'];
  const URLS = [
    '/',
    '/api/v1/subscribers',
    '/docs',
    '/metrics',
    '/health/live',
    '/api/v1/live',
    '/openapi.json',
  ];
  test.each(METHODS)('%s fails nowhere, with a key and without', async (method) => {
    for (const url of [...URLS, `/api/v1/lines/${crypto.randomUUID()}`]) {
      for (const key of [town.keys.subscriber, null]) {
        const answer = await api().ask(key, method, url);
        expect(answer.status, `${method} ${url}: ${answer.text}`).toBeGreaterThanOrEqual(400);
        expect(answer.status, `${method} ${url}: ${answer.text}`).toBeLessThan(500);
        problemSchema.strict().parse(answer.body);
      }
    }
  });

  test('HEAD is GET without its body, as CSV too', async () => {
    for (const url of URLS) {
      for (const accept of ['application/json', 'text/csv']) {
        for (const authorization of [`Bearer ${town.keys.master}`, 'Bearer nobody']) {
          const asking = { url, headers: { accept, authorization } };
          const [head, get] = [
            await api().app.inject({ ...asking, method: 'HEAD' }),
            await api().app.inject({ ...asking, method: 'GET' }),
          ];
          expect([head.statusCode, head.body], url).toEqual([get.statusCode, '']);
        }
      }
    }
  });

  const body = JSON.stringify({ name: 'x', rates: [] });
  const bodies: [string, Asking, number, string][] = [
    ['too much', { body: `{"name":"${'x'.repeat(257 * 1024)}"}` }, 413, 'TOO_LARGE'],
    ['XML', { body: '<a/>', headers: { 'content-type': 'text/xml' } }, 400, 'INVALID_REQUEST'],
    [
      'a form',
      { body: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      400,
      'INVALID_REQUEST',
    ],
    ['JSON called text', { body, headers: { 'content-type': 'text/plain' } }, 400, 'INVALID_REQUEST'],
    ['no type that is one', { body, headers: { 'content-type': 'nonsense' } }, 400, 'INVALID_REQUEST'],
    ['JSON that ends early', { body: '{"name":' }, 400, 'INVALID_REQUEST'],
    ['nothing', { headers: { 'content-type': 'application/json' } }, 400, 'INVALID_REQUEST'],
    ['less than it says', { body, headers: { 'content-length': '5' } }, 400, 'INVALID_REQUEST'],
  ];
  test.each(bodies)('%s in a body is a problem', async (_, asking, status, code) => {
    const answer = await api().ask(town.keys.reseller, 'POST', '/api/v1/sales-plans', asking);
    expect([answer.status, answer.body.code], answer.text).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  });

  const paths = ['/api/v1/lines/%00', '/api/v1/lines/..%2f..%2fetc', '//', '/API/V1/lines', '/api/v1/lines/'];
  test.each(paths)('%s is a problem', async (path) => {
    const answer = await api().ask(town.keys.master, 'GET', path);
    expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
    expect(answer.status, answer.text).toBeLessThan(500);
    problemSchema.strict().parse(answer.body);
  });
});
