import type { FastifyError, FastifyInstance } from 'fastify';
import { PROBLEM_CODES, type Problem, type ProblemCode, ProblemError } from '../contract/problem.ts';
import { isAway } from '../stores/postgres/connect.ts';

const TITLES: Readonly<Record<ProblemCode, string>> = {
  INVALID_REQUEST: 'The request is not valid',
  UNAUTHENTICATED: 'Nobody is signed in',
  NOT_FOUND: 'Not found',
  CONFLICT: 'It collides with what is there',
  TOO_LARGE: 'The request is too large',
  INTERNAL: 'Something failed here',
  UNAVAILABLE: 'A part of the service is away',
};

function toProblemError(error: FastifyError | ProblemError): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error.statusCode === 413) return new ProblemError('TOO_LARGE', 'the body is too large');
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new ProblemError('INVALID_REQUEST', error.message);
  }
  // Postgres: 22 data exception (a NUL in a text, a number out of range) comes from what was sent.
  if (/^22/.test(error.code ?? '')) return new ProblemError('INVALID_REQUEST', 'a value cannot be stored');
  if (isAway(error)) {
    return new ProblemError('UNAVAILABLE', 'the database is away; nothing was changed');
  }
  return new ProblemError('INTERNAL', 'nothing was changed; the log has the cause');
}

function toProblem({ code, message, errors }: ProblemError): Problem {
  const problem = {
    type: `urn:pabx:problem:${code}`,
    title: TITLES[code],
    status: PROBLEM_CODES[code],
    code,
  };
  return errors ? { ...problem, detail: message, errors } : { ...problem, detail: message };
}

/** Every error leaves as problem details (RFC 9457); causes go to the log only. */
export function answerWithProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | ProblemError, request, reply) => {
    const known = toProblemError(error);
    const problem = toProblem(known);
    if (problem.status >= 500) request.log.error({ err: error }, 'request failed');
    return reply.code(problem.status).type('application/problem+json').send(problem);
  });
  app.setNotFoundHandler(async () => {
    throw new ProblemError('NOT_FOUND', 'there is nothing here');
  });
}
