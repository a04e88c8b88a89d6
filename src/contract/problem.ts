import { z } from 'zod';

/** Stable codes of refused requests; programs branch on these, people read `detail`. */
export const PROBLEM_CODES = {
  INVALID_REQUEST: 400,
  UNAUTHENTICATED: 401,
  NOT_FOUND: 404,
  CONFLICT: 409,
  TOO_LARGE: 413,
  INTERNAL: 500,
  UNAVAILABLE: 503,
} as const;
export type ProblemCode = keyof typeof PROBLEM_CODES;

/** RFC 9457 problem details. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(PROBLEM_CODES) as [ProblemCode, ...ProblemCode[]]),
  detail: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** Thrown anywhere below a route; answered as problem details. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly errors: { field: string; message: string }[] | undefined;
  constructor(code: ProblemCode, detail: string, errors?: { field: string; message: string }[]) {
    super(detail);
    this.name = 'ProblemError';
    this.code = code;
    this.errors = errors;
  }
}
