import type { z } from 'zod';
import { type Problem, ProblemError, problemSchema } from './problem.ts';
import type { Route } from './route.ts';

/** The little of `fetch` that is used, so that this floor needs neither a browser nor Node. */
export type Send = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string | Uint8Array },
) => Promise<{ status: number; headers: { get(name: string): string | null }; text(): Promise<string> }>;

/** What a route takes; what may be left out of the request may be left out here. */
export interface Call<R extends Route> {
  readonly params?: z.input<R['params']>;
  readonly query?: z.input<R['query']>;
  readonly body?: z.input<R['body']>;
  /** The version that was read, for routes that edit. */
  readonly if_match?: number;
  readonly idempotency_key?: string;
}

export type Client = <R extends Route>(route: R, call?: Call<R>) => Promise<z.output<R['reply']>>;

function urlOf(route: Route, { params, query }: Call<Route>): string {
  const filled = route.path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(String((params as Record<string, unknown> | undefined)?.[name])),
  );
  const pairs = Object.entries((query ?? {}) as Record<string, unknown>).filter(
    ([, value]) => value !== undefined,
  );
  const text = pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
  return text === '' ? filled : `${filled}?${text}`;
}

function refusal(problem: Problem): ProblemError {
  return new ProblemError(problem.code, problem.detail, problem.errors);
}

/**
 * A client of the API whose calls and replies have the types of the contract. `headers` go along with every call:
 * a key, or the language. Throws ProblemError with the service's own code and words.
 */
export function createClient(
  base: string,
  send: Send,
  headers: Readonly<Record<string, string>> = {},
): Client {
  return async <R extends Route>(route: R, call: Call<R> = {}) => {
    const response = await send(`${base}${urlOf(route, call as Call<Route>)}`, {
      method: route.method,
      headers: {
        ...headers,
        ...(call.body === undefined
          ? {}
          : { 'content-type': route.upload ? 'text/csv' : 'application/json' }),
        ...(call.if_match === undefined ? {} : { 'if-match': `"${call.if_match}"` }),
        ...(call.idempotency_key === undefined ? {} : { 'idempotency-key': call.idempotency_key }),
      },
      ...(call.body === undefined
        ? {}
        : { body: call.body instanceof Uint8Array ? call.body : JSON.stringify(call.body) }),
    });
    const text = await response.text();
    const json: unknown = text === '' ? null : JSON.parse(text);
    if (response.status >= 400) throw refusal(problemSchema.parse(json));
    return route.reply.parse(json) as z.output<R['reply']>;
  };
}
