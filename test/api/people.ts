import { expect } from 'vitest';
import { parseCnpj, parseCpf } from '../../src/domain/documents.ts';
import type { Town } from './tenants.ts';
import type { Answer, Asking, TestApi } from './use-api.ts';

const TWO_DIGITS = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));

function completed(start: string, parse: (text: string) => string | null): string {
  const end = TWO_DIGITS.find((digits) => parse(start + digits) !== null);
  if (end === undefined) throw new Error(`no check digits for ${start}`);
  return start + end;
}

/** A valid CNPJ, another for each number. */
export const cnpj = (n: number) => completed(`77${String(n).padStart(6, '0')}0001`, parseCnpj);
/** A valid CPF, another for each number. */
export const cpf = (n: number) => completed(`7${String(n).padStart(8, '0')}`, parseCpf);

/** The least that a subscriber of our own reseller needs. */
export function subscriberBody(town: Town, n: number): Record<string, unknown> {
  return {
    name: `Assinante ${n}`,
    person_type: 'COMPANY',
    document: cnpj(n),
    billing_mode: 'PREPAID',
    sales_plan_id: town.ours.sales_plan_id,
    max_concurrent_calls: 5,
  };
}

/** Fails with the whole answer unless it has this status. */
export function expectStatus(answer: Answer, status: number): Answer {
  expect(answer.status, answer.text).toBe(status);
  return answer;
}

/** The fields that a refusal names. */
export const fieldsOf = (answer: Answer): string[] =>
  ((answer.body?.errors ?? []) as { field: string }[]).map(({ field }) => field);

/** How tests of subscribers ask; each file numbers its own. */
export function subscriberDesk(api: () => TestApi, town: () => Town) {
  type Who = keyof Town['keys'];
  const url = '/api/v1/subscribers';
  let serial = 0;
  const ask = (who: Who, method: string, path: string, asking?: Asking) =>
    api().ask(town().keys[who], method, path, asking);
  const fresh = (more: object = {}) => ({ ...subscriberBody(town(), ++serial), ...more });
  const post = (more: object = {}, who: Who = 'reseller') => ask(who, 'POST', url, { body: fresh(more) });
  return {
    ask,
    fresh,
    post,
    read: (id: string) => ask('reseller', 'GET', `${url}/${id}`),
    made: async (more: object = {}) => expectStatus(await post(more), 201).body,
    patch: (id: string, version: number, body: object, who: Who = 'reseller') =>
      ask(who, 'PATCH', `${url}/${id}`, { body, headers: { 'if-match': `"${version}"` } }),
    remove: (id: string, version: number) =>
      ask('reseller', 'DELETE', `${url}/${id}`, { headers: { 'if-match': `"${version}"` } }),
    signInAs: (username: string, password: string) =>
      api().ask(null, 'POST', '/api/v1/session', {
        body: { username, password },
        headers: { origin: 'http://localhost:80' },
      }),
  };
}
