import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { inLanguage, type Language, preferredLanguage, say } from '../contract/language.ts';
import { PROBLEM_CODES, type Problem, type ProblemCode, ProblemError } from '../contract/problem.ts';
import { isAway } from '../stores/postgres/connect.ts';

const TITLES: Readonly<Record<ProblemCode, string>> = {
  INVALID_REQUEST: say('The request is not valid', 'A requisição não é válida'),
  UNAUTHENTICATED: say('Nobody is signed in', 'Ninguém está autenticado'),
  SECOND_FACTOR_REQUIRED: say('The second factor is missing', 'Falta o segundo fator'),
  FORBIDDEN: say('The caller may not do this', 'Quem chama não pode fazer isso'),
  FIELD_NOT_PERMITTED: say('A field may not be changed', 'Um campo não pode ser alterado'),
  NOT_FOUND: say('Not found', 'Não encontrado'),
  CONFLICT: say('It collides with what is there', 'Conflita com o que já existe'),
  QUOTA_REACHED: say('A quota is used up', 'Uma cota está esgotada'),
  PRECONDITION_FAILED: say('It was changed meanwhile', 'Foi alterado nesse meio-tempo'),
  TOO_LARGE: say('The request is too large', 'A requisição é grande demais'),
  IDEMPOTENCY_KEY_REUSED: say('The key was used for something else', 'A chave já foi usada para outra coisa'),
  PRECONDITION_REQUIRED: say('The version that was read is missing', 'Falta a versão que foi lida'),
  TOO_MANY_REQUESTS: say('Too many requests', 'Requisições demais'),
  INTERNAL: say('Something failed here', 'Algo falhou aqui'),
  UNAVAILABLE: say('A part of the service is away', 'Uma parte do serviço está fora'),
};

const english = z.locales.en().localeError;
const portuguese = z.locales.ptBR().localeError;

const textOf = (message: ReturnType<typeof english>) =>
  typeof message === 'string' ? message : (message?.message ?? 'invalid');

/** Gives the message of an issue that the contract has no words of its own for, in both languages. */
const sayIssue: z.core.$ZodErrorMap = (issue) => say(textOf(english(issue)), textOf(portuguese(issue)));

/** Validates what came in. Throws INVALID_REQUEST, naming every field that is wrong. */
export function parse<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value, { error: sayIssue });
  if (result.success) return result.data;
  const errors = result.error.issues.map((issue) => ({
    field: issue.path.join('.') || where,
    message: issue.message,
  }));
  throw new ProblemError(
    'INVALID_REQUEST',
    say('a value is not as it should be', 'um valor não está como deveria'),
    errors,
  );
}

/** SQLSTATE of what the database refused in a row, where the fault is in what was sent. */
function ofDatabase(code: string): ProblemError | null {
  // A NUL in a text, a number out of range, an id that is none.
  if (code.startsWith('22'))
    return new ProblemError(
      'INVALID_REQUEST',
      say('a value cannot be stored', 'um valor não pode ser gravado'),
    );
  if (code === '23505') return new ProblemError('CONFLICT', say('it exists already', 'já existe'));
  if (code === '23503')
    return new ProblemError(
      'CONFLICT',
      say(
        'something else still needs it, or it needs what is gone',
        'algo ainda depende disso, ou isso depende do que já não existe',
      ),
    );
  if (code === '23514')
    return new ProblemError(
      'INVALID_REQUEST',
      say('values contradict each other', 'os valores se contradizem'),
    );
  return null;
}

function tooLarge(most_bytes: number): ProblemError {
  const [kib, mib] = [most_bytes / 1024, most_bytes / 1024 ** 2];
  const most = mib < 1 ? `${kib} KiB` : `${mib} MiB`;
  return new ProblemError(
    'TOO_LARGE',
    say(`the body is too large: ${most} at most`, `o corpo é grande demais: no máximo ${most}`),
  );
}

function toProblemError(error: FastifyError | ProblemError, request: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error.statusCode === 413) return tooLarge(request.routeOptions.bodyLimit);
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new ProblemError(
      'INVALID_REQUEST',
      say(
        'the body cannot be read: send JSON as application/json, a file as text/csv',
        'o corpo não pode ser lido: envie JSON como application/json, um arquivo como text/csv',
      ),
    );
  }
  const refused = ofDatabase(error.code ?? '');
  if (refused) return refused;
  if (isAway(error)) {
    return new ProblemError(
      'UNAVAILABLE',
      say('the database is away; nothing was changed', 'o banco de dados está fora; nada foi alterado'),
    );
  }
  return new ProblemError(
    'INTERNAL',
    say('nothing was changed; the log has the cause', 'nada foi alterado; o log tem a causa'),
  );
}

function toProblem({ code, message, errors }: ProblemError, language: Language): Problem {
  const problem = {
    type: `urn:pabx:problem:${code}`,
    title: inLanguage(TITLES[code], language),
    status: PROBLEM_CODES[code],
    code,
    detail: inLanguage(message, language),
  };
  if (!errors) return problem;
  return {
    ...problem,
    errors: errors.map(({ field, message }) => ({ field, message: inLanguage(message, language) })),
  };
}

/** Answers an error as problem details in the caller's language; its cause goes to the log only. */
export function answerError(
  error: FastifyError | ProblemError,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const known = toProblemError(error, request);
  const language = preferredLanguage(request.headers['accept-language']);
  const problem = toProblem(known, language);
  if (problem.code === 'INTERNAL') request.log.error({ err: error }, 'request failed');
  if (problem.code === 'UNAVAILABLE') request.log.warn({ err: error }, 'request refused');
  // Closed at once, the connection would break under whoever still sends, and the answer be lost: the rest is dropped.
  if (problem.code === 'TOO_LARGE') reply.removeHeader('connection');
  if (known.retry_after_seconds !== undefined) reply.header('retry-after', known.retry_after_seconds);
  return reply
    .code(problem.status)
    .header('content-language', language)
    .type('application/problem+json')
    .send(problem);
}

/** Every error leaves as problem details (RFC 9457) in the caller's language. */
export function answerWithProblems(app: FastifyInstance): void {
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(async () => {
    throw new ProblemError('NOT_FOUND', say('there is nothing here', 'não há nada aqui'));
  });
}
