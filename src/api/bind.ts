import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ProblemError } from '../contract/problem.ts';
import type { Route } from '../contract/route.ts';
import type { Tenant } from '../stores/postgres/tokens.ts';
import type { Authenticate } from './authenticate.ts';

interface Input<R extends Route> {
  readonly tenant: Tenant;
  readonly params: z.output<R['params']>;
  readonly query: z.output<R['query']>;
  readonly body: z.output<R['body']>;
}

function parse<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.map((issue) => ({
    field: issue.path.join('.') || where,
    message: issue.message,
  }));
  throw new ProblemError('INVALID_REQUEST', `${where} is not as it should be`, errors);
}

/**
 * Joins a route of the contract with what it does: the caller is known and allowed, everything that comes in
 * and goes out has passed the schemas.
 */
export function bind<R extends Route>(
  app: FastifyInstance,
  authenticate: Authenticate,
  route: R,
  handler: (input: Input<R>) => Promise<z.input<R['reply']>>,
): void {
  app.route({
    method: route.method,
    url: route.path,
    async handler(request: FastifyRequest, reply: FastifyReply) {
      const tenant = await authenticate(request.headers.authorization);
      // What a role may not do does not exist for it.
      if (!route.roles.includes(tenant.role)) throw new ProblemError('NOT_FOUND', 'there is nothing here');
      const params = parse(route.params, request.params, 'path');
      const query = parse(route.query, request.query, 'query');
      const body = parse(route.body, request.body, 'body');
      const result = await handler({ tenant, params, query, body } as Input<R>);
      return reply.code(route.method === 'POST' ? 201 : 200).send(route.reply.parse(result));
    },
  });
}
