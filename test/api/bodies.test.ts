import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Route } from '../../src/contract/route.ts';
import { ROUTES } from '../../src/contract/routes.ts';
import { arbitraryOf, type Schema } from './arbitrary.ts';
import { addTown, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi();
let town: Town;
let serial = 0;

beforeAll(async () => {
  town = await addTown(api());
});

const schemaOf = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as unknown as Schema;

const takesBody = (route: Route) => !route.body.safeParse(undefined).success;
const written = ROUTES.filter(takesBody).map((route) => [route.name, route] as const);

/** Ids of our own things, so that bodies reach as far as they can. */
function idOf(name: string): string {
  const ids: Record<string, string> = { ...town.ours, server_id: town.server_id, trunk_id: town.trunk_id };
  return ids[name] ?? town.ours.subscriber_id;
}

function urlOf(route: Route): string {
  return route.path.replace(/:(\w+)/g, (_, name: string) =>
    name === 'username' ? 'nobody.here' : name === 'postal_code' ? '01001000' : idOf(name),
  );
}

async function send(route: Route, body: unknown, query = '') {
  const answer = await api().ask(town.keys.master, route.method, `${urlOf(route)}${query}`, {
    body,
    headers: { 'if-match': '"1"', 'idempotency-key': `body-${++serial}` },
  });
  return answer;
}

const HOSTILE: readonly unknown[] = [
  '{"a":',
  '[]',
  '"x"',
  '12',
  'true',
  '{"__proto__":{"admin":true}}',
  '{"constructor":{"prototype":{}}}',
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
];

describe('whatever is sent', () => {
  test.each(written)('%s answers generated bodies without failing', async (_, route) => {
    const bodies = arbitraryOf(schemaOf(route.body));
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const answer = await send(route, body);
        expect(answer.status, answer.text).toBeLessThan(500);
        if (answer.status >= 400) expect(answer.body.code, answer.text).toMatch(/^[A-Z_]+$/);
      }),
      { numRuns: 25, seed: 11 },
    );
  });

  test.each(written)('%s answers any JSON at all without failing', async (_, route) => {
    // An empty object is a change of nothing, and well.
    const garbage = fc.jsonValue().filter((value) => JSON.stringify(value) !== '{}');
    await fc.assert(
      fc.asyncProperty(garbage, async (body) => {
        const answer = await send(route, JSON.stringify(body));
        expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
        expect(answer.status, answer.text).toBeLessThan(500);
      }),
      { numRuns: 20, seed: 13 },
    );
    for (const body of HOSTILE) {
      const answer = await send(route, body);
      expect(answer.status, `${String(body).slice(0, 40)}: ${answer.text}`).toBeGreaterThanOrEqual(400);
      expect(answer.status, answer.text).toBeLessThan(500);
    }
  });

  test.each(written)('%s takes no field that it does not know', async (_, route) => {
    const [body] = fc.sample(arbitraryOf(schemaOf(route.body)), { numRuns: 1, seed: 17 });
    const answer = await send(route, { ...(body as object), nobody_knows_me: 1 });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  });

  const read = ROUTES.filter(({ method }) => method === 'GET').map((route) => [route.name, route] as const);
  test.each(read)('%s takes no query that it does not know, and no hostile one', async (_, route) => {
    const queries = [
      '?nobody_knows_me=1',
      '?limit=-1',
      '?limit=1e9',
      '?cursor=%00',
      "?sort=name'--",
      '?q=%00',
      '?limit=1&limit=2',
    ];
    for (const query of queries) {
      const answer = await api().ask(town.keys.master, 'GET', `${urlOf(route)}${query}`);
      expect(answer.status, `${query}: ${answer.text}`).toBeLessThan(500);
    }
    const unknown = await api().ask(town.keys.master, 'GET', `${urlOf(route)}?nobody_knows_me=1`);
    expect(unknown.status).toBe(400);
  });
});

describe('nothing secret', () => {
  test('is in any reply or in the log', async () => {
    const { rows } = await api().database.pool.query<{ secret: string }>(
      `select password_hash as secret from users union all select sip_ha1 from lines
       union all select encode(key_sha256, 'hex') from api_keys`,
    );
    expect(rows.length).toBeGreaterThan(5);
    const said = [...api().logged];
    for (const [, route] of ROUTES.filter(({ method }) => method === 'GET').map(
      (route) => ['', route] as const,
    )) {
      said.push((await api().ask(town.keys.master, 'GET', urlOf(route))).text);
    }
    const all = said.join('\n');
    for (const { secret } of rows) expect(all.includes(secret)).toBe(false);
    for (const key of Object.values(town.keys)) expect(api().logged.join('\n').includes(key)).toBe(false);
  });
});
