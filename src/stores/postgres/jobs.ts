import { type RawBuilder, sql } from 'kysely';
import type { Faults } from '../../contract/jobs.ts';
import type { Page, PageRequest } from '../../contract/paging.ts';
import type { ReRateParams } from '../../contract/re-ratings.ts';
import type { Db } from './connect.ts';
import type { Tx } from './ledger.ts';
import { equals, pageClauses, type SortColumn, toPage } from './page.ts';
import type { PlanRef } from './rate-versions.ts';
import type { JobKind, JobState } from './tables.ts';
import type { Actor } from './tenancy.ts';

export interface ImportDeckParams {
  readonly plan: PlanRef;
  /** ISO 8601; null: as soon as it is read. */
  readonly valid_from: string | null;
}

/** What each kind of job is told. A kind that is not here cannot be asked for. */
export interface JobParams {
  readonly IMPORT_DECK: ImportDeckParams;
  readonly RE_RATE: ReRateParams;
}

export interface NewJob<K extends keyof JobParams> {
  readonly kind: K;
  /** Who sees it beside the master. */
  readonly reseller_id: string | null;
  /** Who asked for it: the audit log names the same when the job changes something. */
  readonly actor: Actor;
  readonly params: JobParams[K];
  readonly input: Uint8Array | null;
}

/** Adds a job. Gives its id. */
export async function insertJob<K extends keyof JobParams>(tx: Tx, job: NewJob<K>): Promise<string> {
  const { kind, reseller_id, actor, params, input } = job;
  const { id } = await tx
    .insertInto('jobs')
    .values({
      kind,
      reseller_id,
      author: actor.name,
      params: JSON.stringify({ ...params, actor }),
      input: input && Buffer.from(input.buffer, input.byteOffset, input.byteLength),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

export interface JobRow {
  id: string;
  kind: JobKind;
  reseller_id: string | null;
  author: string;
  state: JobState;
  done: number;
  total: number | null;
  faults: Faults | null;
  result: Record<string, unknown> | null;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

const CREATED_AT: SortColumn = ['j.created_at', 'timestamptz'];

/** Without the faults themselves a list stays short. */
const columns = (faults: RawBuilder<unknown>) => sql`
  j.id, j.kind, j.reseller_id, j.author, j.state, j.done, j.total, ${faults} as faults, j.result, j.created_at,
  j.started_at, j.finished_at`;

export interface JobFilter {
  readonly kind?: JobKind | undefined;
  readonly state?: JobState | undefined;
}

/** One page of the jobs that whoever holds the transaction may see, their faults counted only. */
export async function listJobs(tx: Tx, request: PageRequest, filter: JobFilter): Promise<Page<JobRow>> {
  const page = pageClauses(request, { created_at: CREATED_AT }, ['j.id', 'uuid']);
  const { rows } = await sql<JobRow & { page_cursor: string }>`
    select ${columns(sql`j.faults - 'first'`)}, ${page.cursor} as page_cursor from jobs j
    where ${page.after} and ${equals('j.kind', filter.kind)} and ${equals('j.state', filter.state)}
    order by ${page.order} limit ${page.limit}`.execute(tx);
  return toPage(rows, request);
}

export async function findJob(tx: Tx, job_id: string): Promise<JobRow | null> {
  const { rows } = await sql<JobRow>`
    select ${columns(sql`j.faults`)} from jobs j where j.id = ${job_id}`.execute(tx);
  return rows[0] ?? null;
}

/** Ids of the jobs that are not over, the oldest first. */
export async function listOpenJobs(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('jobs')
    .select('id')
    .where('state', 'in', ['QUEUED', 'RUNNING'])
    .orderBy('created_at')
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Does `work` unless somebody else is at the same thing, in this process or another. Whoever dies lets go of it: the lock is
 * a transaction's, and that ends with its connection.
 */
export async function aloneAt(db: Db, thing: string, work: () => Promise<unknown>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ alone: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${thing}, 0)) as alone`.execute(tx);
    if (rows[0]?.alone) await work();
  });
}

export interface TakenJob<K extends keyof JobParams> {
  readonly id: string;
  readonly kind: K;
  readonly actor: Actor;
  readonly params: JobParams[K];
  readonly input: Uint8Array | null;
}

/** Begins a job, or begins it anew after who had it died; null when it is over. */
export async function takeJob(db: Db, job_id: string): Promise<TakenJob<keyof JobParams> | null> {
  const { rows } = await sql<TakenJob<keyof JobParams>>`
    update jobs set state = 'RUNNING', started_at = clock_timestamp(), done = 0, total = null
    where id = ${job_id} and state in ('QUEUED', 'RUNNING')
    returning id, kind, params -> 'actor' as actor, params - 'actor' as params, input`.execute(db);
  return rows[0] ?? null;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Tells how far a job is; changes nothing once it is over. */
export async function tellProgress(db: Db, job_id: string, { done, total }: Progress): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ done, total })
    .where('id', '=', job_id)
    .where('state', '=', 'RUNNING')
    .execute();
}

/** Ends a job in the transaction of its result. Throws when it is over already: then its result is there. */
export async function finishJob(tx: Tx, job_id: string, result: object, progress: Progress): Promise<void> {
  const { numAffectedRows = 0n } = await sql`
    update jobs set state = 'DONE', result = ${JSON.stringify(result)}::jsonb, input = null, done = ${progress.done},
      total = ${progress.total}, finished_at = clock_timestamp()
    where id = ${job_id} and state = 'RUNNING'`.execute(tx);
  if (numAffectedRows !== 1n) throw new Error(`job ${job_id} is over already`);
}

/** Ends a job that came to nothing. */
export async function failJob(db: Db, job_id: string, faults: Faults): Promise<void> {
  await sql`
    update jobs set state = 'FAILED', faults = ${JSON.stringify(faults)}::jsonb, input = null,
      finished_at = clock_timestamp()
    where id = ${job_id} and state = 'RUNNING'`.execute(db);
}
