import { z } from 'zod';

/** The columns a list can be sorted by, each way: `-` in front is the largest first. */
type Sort<S extends string> = S | `-${S}`;

/**
 * Query of a list: `limit`, the `cursor` of the page before, `sort` and `q`, which searches without case and accents.
 * The first of `sorts` is the default.
 */
export function listQuery<const S extends string>(...sorts: [Sort<S>, ...Sort<S>[]]) {
  const names = sorts.flatMap((sort) => {
    const name = sort.replace(/^-/, '') as S;
    return [name, `-${name}` as const];
  });
  return z.strictObject({
    limit: z.coerce.number().int().min(1).max(500).default(50),
    cursor: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,1000}$/)
      .optional(),
    // Zod cannot tell that a member of this very list is one.
    sort: z.enum(names as [string, ...string[]]).default(sorts[0]) as unknown as z.ZodDefault<
      z.ZodType<Sort<S>, Sort<S>>
    >,
    q: z.string().trim().min(1).max(100).optional(),
  });
}

/** One page of a list; `next_cursor` is null on the last. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly sort: string;
  readonly q?: string | undefined;
}

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}
