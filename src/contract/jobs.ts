import { z } from 'zod';
import { dateTimeSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const roles = ['MASTER', 'RESELLER'] as const;

export const JOB_KINDS = ['IMPORT_DECK', 'RE_RATE'] as const;
export const JOB_STATES = ['QUEUED', 'RUNNING', 'DONE', 'FAILED'] as const;

/** What is wrong in something that came as a file. `line` counts from 1, as an editor does; null is all of it. */
export interface Fault {
  readonly line: number | null;
  /** In both languages (`say`), as `reason`. */
  readonly column: string | null;
  readonly value: string | null;
  readonly reason: string;
}

/** All faults are counted; the first are listed, in the order of their lines. */
export interface Faults {
  readonly count: number;
  readonly first: readonly Fault[];
}

/** What a job was given cannot be done: it fails, and nothing of it was saved. */
export class JobFaultsError extends Error {
  readonly faults: Faults;
  constructor(faults: Faults) {
    super(faults.first[0]?.reason ?? 'faults');
    this.name = 'JobFaultsError';
    this.faults = faults;
  }
}

export const faultSchema = z.object({
  line: z.int().nullable(),
  column: z.string().nullable(),
  value: z.string().nullable(),
  reason: z.string(),
});

/** `done` of `total` pieces, as far as the total is known. `result` is there once the job is DONE. */
export const jobSchema = z.object({
  id: z.uuid(),
  kind: z.enum(JOB_KINDS),
  reseller_id: z.uuid().nullable(),
  author: z.string(),
  state: z.enum(JOB_STATES),
  done: z.int(),
  total: z.int().nullable(),
  fault_count: z.int(),
  result: z.record(z.string(), z.unknown()).nullable(),
  created_at: dateTimeSchema,
  started_at: dateTimeSchema.nullable(),
  finished_at: dateTimeSchema.nullable(),
});
export type Job = z.infer<typeof jobSchema>;

export const listJobsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/jobs',
  name: 'listJobs',
  tag: 'jobs',
  summary: 'Long work that was asked for, the newest first',
  roles,
  query: listQuery('-created_at')
    .omit({ q: true })
    .extend({
      kind: z.enum(JOB_KINDS).optional(),
      state: z.enum(JOB_STATES).optional(),
    }),
  reply: pageOf(jobSchema),
});

export const readJobRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/jobs/:job_id',
  name: 'readJob',
  tag: 'jobs',
  summary: 'How far a job is, what came of it, and what was wrong with what it was given',
  roles,
  params: z.strictObject({ job_id: z.uuid() }),
  reply: jobSchema.extend({ faults: z.array(faultSchema) }),
});
