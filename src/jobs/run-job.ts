import { type Faults, JobFaultsError } from '../contract/jobs.ts';
import { say } from '../contract/language.ts';
import { type Db, isAway } from '../stores/postgres/connect.ts';
import {
  aloneAt,
  failJob,
  finishJob,
  type JobParams,
  listOpenJobs,
  type Progress,
  type TakenJob,
  takeJob,
  tellProgress,
} from '../stores/postgres/jobs.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { changeAsSystem } from '../stores/postgres/tenancy.ts';
import type { Log } from './log.ts';

/** Says how far a job is. Throws when the service ends: the job begins anew at the next start. */
export type Tell = (done: number, total: number) => void;

/** The last step of a job: what it writes is there together with the state DONE, or not at all. Gives the result. */
export type LastStep = (tx: Tx) => Promise<object>;

/** How each kind of job is done. Throws JobFaultsError when what it was given is wrong. */
export type Work = {
  readonly [K in keyof JobParams]: (job: TakenJob<K>, tell: Tell) => Promise<LastStep>;
};

export interface JobRunner {
  /** Runs every job that is not over and that nobody else is at, one after the other. */
  runAll(): Promise<void>;
  /** Takes no more jobs. */
  stop(): void;
  /** Ends the job that runs at its next `tell`. */
  interrupt(): void;
}

class Interrupted extends Error {
  override name = 'Interrupted';
}

const PROGRESS_EVERY_ms = 300;

const SOMETHING: Faults = {
  count: 1,
  first: [
    {
      line: null,
      column: null,
      value: null,
      reason: say('something failed here; nothing was changed', 'algo falhou aqui; nada foi alterado'),
    },
  ],
};

export function createJobRunner(db: Db, work: Work, log: Log): JobRunner {
  let stopped = false;
  let interrupted = false;

  /** Progress goes to the row beside the transaction of the job, so that others see it. */
  function createProgress(job_id: string) {
    let last: Progress = { done: 0, total: 0 };
    let told_ms = 0;
    const tell: Tell = (done, total) => {
      if (interrupted) throw new Interrupted();
      last = { done, total };
      if (performance.now() - told_ms < PROGRESS_EVERY_ms) return;
      told_ms = performance.now();
      tellProgress(db, job_id, last).catch((error) =>
        log.warn({ err: error, job_id }, 'progress cannot be told'),
      );
    };
    return { tell, last: () => last };
  }

  const begin = <K extends keyof JobParams>(job: TakenJob<K>, tell: Tell) => work[job.kind](job, tell);

  async function run(job_id: string): Promise<void> {
    const job = await takeJob(db, job_id);
    if (!job) return;
    const { tell, last } = createProgress(job_id);
    try {
      const lastStep = await begin(job, tell);
      await changeAsSystem(db, job.actor, async (tx) => finishJob(tx, job_id, await lastStep(tx), last()));
    } catch (error) {
      if (error instanceof Interrupted) return;
      if (isAway(error)) throw error;
      const known = error instanceof JobFaultsError;
      if (!known) log.error({ err: error, job_id, kind: job.kind }, 'a job failed');
      await failJob(db, job_id, known ? error.faults : SOMETHING);
    }
  }

  return {
    async runAll() {
      for (const job_id of await listOpenJobs(db)) {
        if (stopped) return;
        await aloneAt(db, `job ${job_id}`, () => run(job_id));
      }
    },
    stop() {
      stopped = true;
    },
    interrupt() {
      interrupted = true;
    },
  };
}
