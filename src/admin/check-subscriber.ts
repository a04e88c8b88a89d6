import { say } from '../contract/language.ts';
import { type FieldError, ProblemError } from '../contract/problem.ts';
import { parseCnpj, parseCpf } from '../domain/documents.ts';
import { type PermissionSet, permissionProblems } from '../domain/permissions.ts';

type PersonType = 'INDIVIDUAL' | 'COMPANY';

/** The document without its mask: a person has a CPF, a company a CNPJ. Throws INVALID_REQUEST. */
export function documentOf(person_type: PersonType, text: string): string {
  const document = person_type === 'INDIVIDUAL' ? parseCpf(text) : parseCnpj(text);
  if (document !== null) return document;
  const message =
    person_type === 'INDIVIDUAL'
      ? say('is not a valid CPF', 'não é um CPF válido')
      : say('is not a valid CNPJ', 'não é um CNPJ válido');
  throw new ProblemError('INVALID_REQUEST', message, [{ field: 'document', message }]);
}

/** Throws INVALID_REQUEST naming every permission that makes no sense. */
export function checkPermissions(set: PermissionSet): void {
  const errors: FieldError[] = permissionProblems(set).map(({ field, problem }) => ({
    field: `permissions.${field}`,
    message: say(`makes no sense here (${problem})`, `não faz sentido aqui (${problem})`),
  }));
  if (errors.length === 0) return;
  throw new ProblemError(
    'INVALID_REQUEST',
    say('some permissions make no sense', 'algumas permissões não fazem sentido'),
    errors,
  );
}
