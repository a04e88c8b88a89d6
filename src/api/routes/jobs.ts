import type { Fault, Job } from '../../contract/jobs.ts';
import { listJobsRoute, readJobRoute } from '../../contract/jobs.ts';
import { inLanguage, type Language } from '../../contract/language.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import { findJob, type JobRow, listJobs } from '../../stores/postgres/jobs.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import type { Binder } from '../bind.ts';

function present({ faults, ...row }: JobRow): Job {
  return {
    ...row,
    fault_count: faults?.count ?? 0,
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

/** Faults in the reader's language. */
export function presentFaults(faults: readonly Fault[], language: Language): Fault[] {
  return faults.map(({ line, column, value, reason }) => ({
    line,
    column: column === null ? null : inLanguage(column, language),
    value,
    reason: inLanguage(reason, language),
  }));
}

/** A job without its faults. Throws NOT_FOUND. */
export async function oneJob(tx: Tx, job_id: string): Promise<Job> {
  const row = await findJob(tx, job_id);
  if (!row) throw notFound();
  return present(row);
}

export function addJobRoutes({ bind }: Binder): void {
  bind(listJobsRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listJobs(tx, query, query);
    return { items: items.map(present), next_cursor };
  });

  bind(readJobRoute, async ({ tx, params, language }) => {
    const row = await findJob(tx, params.job_id);
    if (!row) throw notFound();
    return { ...present(row), faults: presentFaults(row.faults?.first ?? [], language) };
  });
}
