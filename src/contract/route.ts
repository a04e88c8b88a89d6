import type { z } from 'zod';

export const ROLES = ['MASTER', 'RESELLER', 'SUBSCRIBER'] as const;
export type Role = (typeof ROLES)[number];

/** One route as data: what it takes, what it gives and who may call it. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly summary: string;
  readonly roles: readonly Role[];
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly reply: Reply;
}
