import { z } from 'zod';

/** Stable codes of refused requests; programs branch on these, people read `detail`. */
export const PROBLEM_CODES = {
  INVALID_REQUEST: 400,
  UNAUTHENTICATED: 401,
  SECOND_FACTOR_REQUIRED: 401,
  /** The caller itself may not do this, whomever it concerns: a key's scope, a session for looking only. */
  FORBIDDEN: 403,
  FIELD_NOT_PERMITTED: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  /** What the reseller or the subscriber may have is used up: lines, subscribers. */
  QUOTA_REACHED: 409,
  /** Somebody else changed it meanwhile: read anew. */
  PRECONDITION_FAILED: 412,
  TOO_LARGE: 413,
  IDEMPOTENCY_KEY_REUSED: 422,
  PRECONDITION_REQUIRED: 428,
  TOO_MANY_REQUESTS: 429,
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

export interface FieldError {
  readonly field: string;
  /** In both languages (`say`). */
  readonly message: string;
}

/** Thrown anywhere below a route; answered as problem details. `detail` is in both languages (`say`). */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly errors: readonly FieldError[] | undefined;
  /** After so long it may go better; sent as Retry-After. */
  readonly retry_after_seconds: number | undefined;
  constructor(
    code: ProblemCode,
    detail: string,
    errors?: readonly FieldError[],
    retry_after_seconds?: number,
  ) {
    super(detail);
    this.name = 'ProblemError';
    this.code = code;
    this.errors = errors;
    this.retry_after_seconds = retry_after_seconds;
  }
}
