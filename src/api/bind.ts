import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { z } from 'zod';
import { type Language, preferredLanguage, say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import { MOST_UPLOADED_bytes, type Route } from '../contract/route.ts';
import type { Permissions } from '../domain/permissions.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { onceByKey } from '../stores/postgres/idempotency.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { changeAs, readAs } from '../stores/postgres/tenancy.ts';
import type { Authenticate } from './authenticate.ts';
import { sendCsv, wantsCsv } from './csv.ts';
import { readPermissions, requireSection } from './permissions.ts';
import { parse } from './problems.ts';
import type { Viewer } from './viewer.ts';

/** What every handler is given of its request, validated. */
export interface Asked<R extends Route> {
  readonly params: z.output<R['params']>;
  readonly query: z.output<R['query']>;
  readonly body: z.output<R['body']>;
  readonly address: string;
  readonly language: Language;
  readonly request: FastifyRequest;
  readonly response: FastifyReply;
}

export interface Input<R extends Route> extends Asked<R> {
  readonly viewer: Viewer;
  /** Under the viewer's own role of the database: what it does not own does not exist here. */
  readonly tx: Tx;
  /** What a subscriber's users may see and do; null for everybody else, who may all. */
  readonly permissions: Permissions | null;
  /** The version that If-Match names; 0 where the route edits nothing. */
  readonly if_match: number;
  /** Runs once what was changed is there for everybody. */
  afterCommit(work: () => void): void;
  /** Runs when the transaction has ended, and is told whether what it changed is there now. */
  afterEnd(work: (committed: boolean) => void): void;
}

type Handler<I, R extends Route> = (input: I) => Promise<z.input<R['reply']>>;

/** Joins routes of the contract with what they do. */
export interface Binder {
  bind<R extends Route>(route: R, handler: Handler<Input<R>, R>): void;
  /** For routes that anybody may call: there is no viewer, and no transaction. */
  bindOpen<R extends Route>(route: R, handler: Handler<Asked<R>, R>): void;
  /** Every route that was bound. */
  readonly bound: readonly Route[];
}

export interface BinderDependencies {
  readonly app: FastifyInstance;
  /** A pool whose connections are nobody until a transaction takes a tenant's role. */
  readonly tenants: Db;
  readonly authenticate: Authenticate;
}

function askedOf<R extends Route>(route: R, request: FastifyRequest, response: FastifyReply): Asked<R> {
  return {
    params: parse(route.params, request.params, 'path'),
    query: parse(route.query, request.query, 'query'),
    body: parse(route.body, request.body, 'body'),
    address: request.ip,
    language: preferredLanguage(request.headers['accept-language']),
    request,
    response,
  } as Asked<R>;
}

function ifMatch(route: Route, request: FastifyRequest): number {
  if (!route.edits) return 0;
  const version = /^(?:W\/)?"(\d{1,9})"$/.exec(request.headers['if-match'] ?? '')?.[1];
  if (version === undefined)
    throw new ProblemError(
      'PRECONDITION_REQUIRED',
      say('send If-Match with the ETag that was read', 'envie If-Match com o ETag que foi lido'),
    );
  return Number(version);
}

/** Names the request for its idempotency key: the same key must mean the same thing. */
function fingerprint(route: Route, request: FastifyRequest): Buffer {
  const parts = [route.name, request.params, request.query, request.body];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}

function idempotencyKey(request: FastifyRequest): string {
  const key = request.headers['idempotency-key'];
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  const detail = say(
    'send an Idempotency-Key of 1 to 200 visible characters: it makes a repeated request move money once',
    'envie um Idempotency-Key de 1 a 200 caracteres visíveis: com ele um pedido repetido move dinheiro uma só vez',
  );
  throw new ProblemError('INVALID_REQUEST', detail, [{ field: 'Idempotency-Key', message: detail }]);
}

function admit(route: Route, viewer: Viewer): void {
  // What a role may not do does not exist for it.
  if (!route.roles.includes(viewer.tenant.role))
    throw new ProblemError('NOT_FOUND', say('there is nothing here', 'não há nada aqui'));
  if (viewer.scopes.includes(route.scope)) return;
  throw new ProblemError(
    'FORBIDDEN',
    viewer.session
      ? say('this session is for looking only', 'esta sessão é só para olhar')
      : say(`the key lacks the scope ${route.scope}`, `a chave não tem o escopo ${route.scope}`),
  );
}

function send(route: Route, response: FastifyReply, reply: unknown): FastifyReply {
  const version = (reply as { version?: unknown } | null)?.version;
  if (typeof version === 'number') response.header('etag', `"${version}"`);
  response.header('cache-control', 'no-store').code(route.status);
  return route.status === 204 ? response.send() : response.send(reply);
}

/** Where routes that take a file are: they take nothing else. */
function takingFiles(app: FastifyInstance, add: (scope: FastifyInstance) => void): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    const types = ['text/csv', 'application/octet-stream'];
    scope.addContentTypeParser(types, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    add(scope);
  });
}

export function createBinder({ app, tenants, authenticate }: BinderDependencies): Binder {
  const bound: Route[] = [];

  async function answer<R extends Route>(
    route: R,
    handler: Handler<Input<R>, R>,
    input: Omit<Input<R>, 'tx' | 'permissions' | 'afterCommit' | 'afterEnd'>,
  ) {
    const { viewer, request } = input;
    const after: ((committed: boolean) => void)[] = [];
    const ended = (committed: boolean) => {
      for (const next of after) next(committed);
    };
    const work = async (tx: Tx) => {
      const permissions = await readPermissions(tx, viewer.tenant);
      requireSection(route.section, permissions, route.method !== 'GET');
      const asked = {
        ...input,
        tx,
        permissions,
        afterCommit: (next: () => void) => after.push((committed) => committed && next()),
        afterEnd: (next: (committed: boolean) => void) => after.push(next),
      };
      return route.reply.parse(await handler(asked as Input<R>));
    };
    if (route.method === 'GET') return readAs(tenants, viewer.tenant, work);
    const change = changeAs(tenants, viewer.tenant, viewer.actor, (tx) =>
      route.idempotent
        ? onceByKey(
            tx,
            viewer.tenant,
            {
              key: idempotencyKey(request),
              request_sha256: fingerprint(route, request),
              status: route.status,
            },
            () => work(tx),
          )
        : work(tx),
    );
    try {
      const reply = await change;
      ended(true);
      return reply;
    } catch (error) {
      ended(false);
      throw error;
    }
  }

  async function viewerOf(route: Route, { headers, ip }: FastifyRequest): Promise<Viewer> {
    const viewer = await authenticate({ headers, address: ip, changes: route.method !== 'GET' });
    admit(route, viewer);
    return viewer;
  }

  return {
    bound,
    bind(route, handler) {
      bound.push(route);
      const options: RouteOptions = {
        method: route.method,
        url: route.path,
        async handler(request, response) {
          const viewer = await viewerOf(route, request);
          const asked = askedOf(route, request, response);
          const input = { ...asked, viewer, if_match: ifMatch(route, request) };
          if (route.csv && wantsCsv(request))
            return sendCsv(route, asked, (query) =>
              answer(route, handler, { ...input, query } as typeof input),
            );
          return send(route, response, await answer(route, handler, input));
        },
      };
      if (!route.upload) return void app.route(options);
      // Nobody sends us megabytes before it is known who it is.
      const onRequest = async (request: FastifyRequest) => void (await viewerOf(route, request));
      takingFiles(app, (scope) => scope.route({ ...options, onRequest, bodyLimit: MOST_UPLOADED_bytes }));
    },
    bindOpen(route, handler) {
      bound.push(route);
      app.route({
        method: route.method,
        url: route.path,
        async handler(request, response) {
          const reply = await handler(askedOf(route, request, response));
          return send(route, response, route.reply.parse(reply));
        },
      });
    },
  };
}
