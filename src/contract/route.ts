import { z } from 'zod';
import type { PanelSection } from '../domain/permissions.ts';
import type { Role } from '../domain/tenant.ts';
import { say } from './language.ts';

/** What a key must be allowed for a route: to look, to change, or to move money. */
export const SCOPES = ['READ', 'WRITE', 'MONEY'] as const;
export type Scope = (typeof SCOPES)[number];

/** One route as data: what it takes, what it gives, who may call it and with what care. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Parameters are named after what they identify: `/api/v1/lines/:line_id`. */
  readonly path: string;
  /** Unique; names the operation in the OpenAPI document. */
  readonly name: string;
  /** The resource it is about, as a heading of the document. */
  readonly tag: string;
  readonly summary: string;
  /** Who may call it; empty: everybody, signed in or not. */
  readonly roles: readonly Role[];
  readonly scope: Scope;
  /** The part of a subscriber's panel it belongs to: hidden there, not found here. */
  readonly section: PanelSection | null;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly reply: Reply;
  readonly status: 200 | 201 | 202 | 204;
  /** Needs If-Match with the version that was read. */
  readonly edits: boolean;
  /** Needs an Idempotency-Key: the same key again gives the first answer and moves nothing. */
  readonly idempotent: boolean;
  /** Also gives all rows as text/csv to whoever accepts that. */
  readonly csv: boolean;
  /** Takes a file as its body, as text/csv and up to MOST_UPLOADED_bytes, instead of JSON. */
  readonly upload: boolean;
}

const NOTHING = z.strictObject({});
/** Bodies of routes that take none: whatever an HTTP library sends for nothing. */
const NO_BODY = z.union([z.undefined(), z.null(), z.strictObject({})]);

/** What a file may have at most. */
export const MOST_UPLOADED_bytes = 16 * 1024 * 1024;

/** The body of a route that takes a file. */
export const uploadSchema = z.instanceof(Uint8Array, {
  error: say('send the file itself, as text/csv', 'envie o próprio arquivo, como text/csv'),
});

interface Optional {
  readonly roles?: readonly Role[];
  readonly scope?: Scope;
  readonly section?: PanelSection;
  readonly status?: 200 | 201 | 202 | 204;
  readonly edits?: boolean;
  readonly idempotent?: boolean;
  readonly csv?: boolean;
  readonly upload?: boolean;
}

const ALL: readonly Role[] = ['MASTER', 'RESELLER', 'SUBSCRIBER'];

/** Completes a route: everybody signed in may read, no parameters, 201 for what is created. */
export function defineRoute<
  Reply extends z.ZodType,
  Params extends z.ZodType = typeof NOTHING,
  Query extends z.ZodType = typeof NOTHING,
  Body extends z.ZodType = typeof NO_BODY,
>(
  route: Optional &
    Pick<Route, 'method' | 'path' | 'name' | 'tag' | 'summary'> & {
      readonly params?: Params;
      readonly query?: Query;
      readonly body?: Body;
      readonly reply: Reply;
    },
): Route<Params, Query, Body, Reply> {
  const { method, params, query, body } = route;
  return {
    roles: ALL,
    scope: method === 'GET' ? 'READ' : 'WRITE',
    section: null,
    status: method === 'POST' ? 201 : method === 'DELETE' ? 204 : 200,
    edits: false,
    idempotent: false,
    csv: false,
    upload: false,
    ...route,
    params: (params ?? NOTHING) as Params,
    query: (query ?? NOTHING) as Query,
    body: (body ?? NO_BODY) as Body,
  };
}

/** Replies of routes that have nothing to say. */
export const nothingSchema = z.null();
