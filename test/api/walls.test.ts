import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/contract/routes.ts';
import { arbitraryOf, type Schema } from './arbitrary.ts';
import { addCall, addTown, type Household, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

/*
 * Every route of the OpenAPI document, as every role, against what belongs to others. The document is read from the
 * service, so a route that comes later is in this walk by itself; one whose parameter nobody knows fails it.
 */

interface Operation {
  readonly operationId: string;
  readonly 'x-roles': readonly string[];
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: Schema }[];
  readonly requestBody?: { content: Record<string, { schema: Schema }> };
}
interface Step {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const api = useApi();
let town: Town;
let steps: Step[] = [];

beforeAll(async () => {
  town = await addTown(api());
  for (const household of [town.ours, town.neighbour, town.stranger])
    await addCall(api(), town.server_id, household);
  const document = (await api().ask(null, 'GET', '/openapi.json')).body as {
    paths: Record<string, Record<string, Operation>>;
  };
  steps = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});

/** Path parameters that name nothing which belongs to a tenant. */
const PUBLIC: Readonly<Record<string, string>> = {
  username: 'somebody.free',
  postal_code: '01001000',
  session_id: 'a'.repeat(64),
};

function foreignId(name: string, of: Household): string {
  const own = (of as unknown as Record<string, string>)[name];
  const id = own ?? { server_id: town.server_id, trunk_id: town.trunk_id }[name];
  if (id === undefined) throw new Error(`the walk knows no ${name}: give every household one`);
  return id;
}

function urlOf(step: Step, of: Household): string {
  return step.path.replace(/\{(\w+)\}/g, (_, name: string) => PUBLIC[name] ?? foreignId(name, of));
}

/** References in a body, by the name of what they refer to. */
const REFERENCES: Readonly<Record<string, string>> = {
  bundle_id: 'minute_bundle_id',
  target_line_id: 'line_id',
  target_group_id: 'ring_group_id',
  overflow_line_id: 'line_id',
  caller_id_did_id: 'did_id',
  from_subscriber_id: 'subscriber_id',
  to_subscriber_id: 'subscriber_id',
};

function fillIds(value: unknown, of: Household): unknown {
  if (Array.isArray(value)) return value.map((item) => fillIds(item, of));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const known = REFERENCES[name] ?? name;
      if (!known.endsWith('_id') || typeof inner !== 'string') return [name, fillIds(inner, of)];
      return [name, foreignId(known, of)];
    }),
  );
}

function bodyOf(step: Step, of: Household): unknown {
  const content = step.operation.requestBody?.content ?? {};
  if (content['text/csv']) return Buffer.from('5511;SP;F;0,10;30/6/3;1');
  const schema = content['application/json']?.schema;
  if (!schema) return undefined;
  const [sample] = fc.sample(arbitraryOf(schema), { numRuns: 1, seed: 7 });
  return fillIds(sample, of);
}

const HEADERS = { 'if-match': '"1"' };
let serial = 0;

function send(key: string, step: Step, of: Household) {
  const body = bodyOf(step, of);
  return api().ask(key, step.method, urlOf(step, of), {
    ...(body === undefined ? {} : { body }),
    headers: {
      ...HEADERS,
      ...(body instanceof Uint8Array ? { 'content-type': 'text/csv' } : {}),
      'idempotency-key': `walk-${++serial}`,
    },
  });
}

/** Everything that gives a household away. */
const traces = ({ name: _, ...ids }: Household, others: Household) =>
  Object.entries(ids)
    .filter(([key, id]) => (others as unknown as Record<string, string>)[key] !== id)
    .map(([, id]) => id);

const namesSomebody = ({ path }: Step) =>
  [...path.matchAll(/\{(\w+)\}/g)].some(([, name = '']) => !(name in PUBLIC));

describe('the walk', () => {
  test('knows every route of the contract', () => {
    expect(steps.map(({ operation }) => operation.operationId).sort()).toEqual(
      ROUTES.map(({ name }) => name).sort(),
    );
    expect(steps.length).toBeGreaterThan(50);
  });

  const visits: [who: 'reseller' | 'subscriber', whose: 'stranger' | 'neighbour'][] = [
    ['reseller', 'stranger'],
    ['subscriber', 'stranger'],
    ['subscriber', 'neighbour'],
  ];

  test.each(visits)('a %s finds nothing of a %s by its ids', async (who, whose) => {
    const of = town[whose];
    const wrong: string[] = [];
    for (const step of steps.filter(namesSomebody)) {
      const answer = await send(town.keys[who], step, of);
      // What is wrong in the body is told before anything is looked up, and tells nothing.
      const ok = answer.status === 404 || (answer.status === 400 && answer.body.code === 'INVALID_REQUEST');
      const trace = traces(of, town.ours).find((id) => answer.text.includes(id));
      if (!ok || trace)
        wrong.push(`${step.operation.operationId}: ${answer.status} ${answer.text.slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
  });

  test.each(visits)('a %s sees nothing of a %s in any list', async (who, whose) => {
    const wrong: string[] = [];
    for (const step of steps.filter((step) => step.method === 'GET' && !namesSomebody(step))) {
      const answer = await send(town.keys[who], step, town.ours);
      const trace = traces(town[whose], town.ours).find((id) => answer.text.includes(id));
      if (trace || answer.status >= 500) wrong.push(`${step.operation.operationId}: ${answer.status}`);
    }
    expect(wrong).toEqual([]);
  });

  test.each(visits)('a %s cannot refer to what is a %s’s in a body', async (who, whose) => {
    const wrong: string[] = [];
    for (const step of steps) {
      const body = bodyOf(step, town[whose]);
      if (!JSON.stringify(body ?? null).match(/[0-9a-f]{8}-/)) continue;
      const own = {
        ...step,
        path: step.path.replace(
          /\{(\w+)\}/g,
          (_, name: string) => PUBLIC[name] ?? foreignId(name, town.ours),
        ),
      };
      const answer = await send(town.keys[who], own, town[whose]);
      if (answer.status < 400 || answer.status >= 500)
        wrong.push(`${step.operation.operationId}: ${answer.status} ${answer.text.slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
  });

  test('what a role may not do is not there', async () => {
    const wrong: string[] = [];
    for (const step of steps) {
      const roles = step.operation['x-roles'];
      if (roles.length === 0) continue;
      for (const who of ['reseller', 'subscriber'] as const) {
        if (roles.includes(who.toUpperCase())) continue;
        const answer = await send(town.keys[who], step, town.ours);
        if (answer.status !== 404) wrong.push(`${who} ${step.operation.operationId}: ${answer.status}`);
      }
      const nobody = await api().ask(null, step.method, urlOf(step, town.ours));
      if (nobody.status !== 401) wrong.push(`nobody ${step.operation.operationId}: ${nobody.status}`);
    }
    expect(wrong).toEqual([]);
  });

  test('the walk itself sees: with the right ids reading works, for the very same steps', async () => {
    const wrong: string[] = [];
    for (const step of steps.filter((step) => step.method === 'GET' && namesSomebody(step))) {
      if (!step.operation['x-roles'].includes('RESELLER')) continue;
      const answer = await send(town.keys.reseller, step, town.ours);
      if (answer.status !== 200) wrong.push(`${step.operation.operationId}: ${answer.status} ${answer.text}`);
    }
    expect(wrong).toEqual([]);
  });

  test('nothing of the others has changed by it all', async () => {
    const { rows } = await api().database.pool.query(
      `select object_type, action from audit_log where (subscriber_id = any($1) or reseller_id = $2)
       and actor ->> 'role' in ('RESELLER', 'SUBSCRIBER') and actor ->> 'as_reseller_id' = $3`,
      [[town.stranger.subscriber_id], town.stranger.reseller_id, town.ours.reseller_id],
    );
    expect(rows).toEqual([]);
  });
});
