import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { NewReseller } from '../contract/resellers.ts';
import { parseCnpj, parseCpf } from '../domain/documents.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

/** The document without its mask: a CPF or a CNPJ, or null for none. Throws INVALID_REQUEST. */
export function resellerDocument(text: string | null): string | null {
  if (text === null) return null;
  const document = parseCpf(text) ?? parseCnpj(text);
  if (document !== null) return document;
  const message = say('is neither a valid CPF nor a valid CNPJ', 'não é um CPF nem um CNPJ válido');
  throw new ProblemError('INVALID_REQUEST', message, [{ field: 'document', message }]);
}

/** Creates a reseller, with nothing of its own yet. Gives its id. */
export async function createReseller(tx: Tx, body: NewReseller): Promise<string> {
  const { id } = await tx
    .insertInto('resellers')
    .values({ ...body, document: resellerDocument(body.document) })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
