import { z } from 'zod';
import { PROBLEM_CODES, problemSchema } from './problem.ts';
import type { Route } from './route.ts';

type Json = { readonly [key: string]: unknown };

/** Schemas as JSON Schema 2020-12, which is what OpenAPI 3.1 is made of. Messages of ours are not part of it. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    target: 'draft-2020-12',
  });
  return json as Json;
}

function parameters(route: Route, where: 'path' | 'query'): Json[] {
  const schema = schemaOf(where === 'path' ? route.params : route.query, 'input');
  const required = (schema.required ?? []) as string[];
  return Object.entries((schema.properties ?? {}) as Record<string, Json>).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }));
}

const header = (name: string, required: boolean, description: string): Json => ({
  name,
  in: 'header',
  required,
  description,
  schema: { type: 'string' },
});

function headers(route: Route): Json[] {
  const all = [header('Accept-Language', false, 'pt or en: the language of messages')];
  if (route.edits) all.push(header('If-Match', true, 'the ETag that was read'));
  if (route.idempotent)
    all.push(header('Idempotency-Key', true, 'the same key again gives the first answer'));
  return all;
}

function takesBody(route: Route): boolean {
  return !route.body.safeParse(undefined).success;
}

/** A file has no schema: its rows are checked when it is read. */
function contentOf(route: Route): Json {
  if (route.upload) return { 'text/csv': { schema: { type: 'string' } } };
  return { 'application/json': { schema: schemaOf(route.body, 'input') } };
}

function success(route: Route): Json {
  if (route.status === 204) return { description: 'Done' };
  const content: Record<string, Json> = { 'application/json': { schema: schemaOf(route.reply, 'output') } };
  if (route.csv) content['text/csv'] = { schema: { type: 'string' } };
  return { description: 'Done', content };
}

/** Statuses of refusals that a route can answer with. */
function refusals(route: Route): number[] {
  const { INVALID_REQUEST, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, UNAVAILABLE } = PROBLEM_CODES;
  const { PRECONDITION_FAILED, PRECONDITION_REQUIRED, IDEMPOTENCY_KEY_REUSED, TOO_MANY_REQUESTS } =
    PROBLEM_CODES;
  return [
    INVALID_REQUEST,
    UNAUTHENTICATED,
    FORBIDDEN,
    ...(route.roles.length === 0 ? [TOO_MANY_REQUESTS] : [NOT_FOUND]),
    ...(route.method === 'GET' ? [] : [CONFLICT]),
    ...(route.upload ? [PROBLEM_CODES.TOO_LARGE] : []),
    ...(route.edits ? [PRECONDITION_FAILED, PRECONDITION_REQUIRED] : []),
    ...(route.idempotent ? [IDEMPOTENCY_KEY_REUSED] : []),
    UNAVAILABLE,
  ];
}

function operationOf(route: Route): Json {
  const problem = {
    description: 'Refused: RFC 9457 problem details with a stable code',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return {
    operationId: route.name,
    tags: [route.tag],
    summary: route.summary,
    'x-roles': route.roles,
    'x-scope': route.scope,
    ...(route.section ? { 'x-section': route.section } : {}),
    security: route.roles.length === 0 ? [] : [{ session: [] }, { key: [] }],
    parameters: [...parameters(route, 'path'), ...parameters(route, 'query'), ...headers(route)],
    ...(takesBody(route)
      ? {
          requestBody: {
            required: true,
            content: contentOf(route),
          },
        }
      : {}),
    responses: {
      [route.status]: success(route),
      ...Object.fromEntries(refusals(route).map((status) => [status, problem])),
    },
  };
}

/** The OpenAPI 3.1 document of these routes, from the very schemas that validate them. */
export function openApiOf(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'PABX Virtual', version },
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: '__Host-pabx' },
        key: { type: 'http', scheme: 'bearer' },
      },
    },
  };
}
