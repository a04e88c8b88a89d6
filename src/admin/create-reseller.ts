import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { NewReseller } from '../contract/resellers.ts';
import { parseCnpj, parseCpf } from '../domain/documents.ts';
import { requireCostPlan } from '../stores/postgres/cost-plans.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

/** The document without its mask: a CPF or a CNPJ, or null for none. Throws INVALID_REQUEST. */
export function resellerDocument(text: string | null): string | null {
  if (text === null) return null;
  const document = parseCpf(text) ?? parseCnpj(text);
  if (document !== null) return document;
  const message = say('is neither a valid CPF nor a valid CNPJ', 'não é um CPF nem um CNPJ válido');
  throw new ProblemError('INVALID_REQUEST', message, [{ field: 'document', message }]);
}

/** Creates a reseller, with nothing of its own yet. Gives its id. Throws NOT_FOUND, INVALID_REQUEST. */
export async function createReseller(tx: Tx, body: NewReseller): Promise<string> {
  await requireCostPlan(tx, body.cost_plan_id);
  const { id } = await tx
    .insertInto('resellers')
    .values({
      ...body,
      document: resellerDocument(body.document),
      credit_limit_micros: BigInt(body.credit_limit_micros),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
