import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';

/** What the database calls a duplicate, in words of the form. */
export function nameDuplicate(error: unknown): never {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  if (code !== '23505') throw error;
  const [field, message] =
    constraint === 'subscribers_document_once'
      ? ([
          'document',
          say('another subscriber has this document', 'outro assinante tem este documento'),
        ] as const)
      : (['name', say('another one has this name', 'outro já tem este nome')] as const);
  throw new ProblemError('CONFLICT', message, [{ field, message }]);
}
