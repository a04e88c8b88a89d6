import { Queue, Worker } from 'bullmq';
import type { Db } from '../stores/postgres/connect.ts';
import { aloneAt, listOpenJobs } from '../stores/postgres/jobs.ts';
import type { Log } from './log.ts';
import { createJobRunner, type Work } from './run-job.ts';
import { keepSchedules, repeatOf, type Schedule } from './schedules.ts';

export interface Jobs {
  /** There is a new row: somebody is to look. */
  ring(): void;
  /** What runs has a few seconds to end; otherwise it begins anew at the next start. */
  close(): Promise<void>;
}

export interface JobsDependencies {
  /** Serves every tenant. A job takes up to three of its connections. */
  readonly db: Db;
  readonly redisUrl: string;
  readonly log: Log;
  readonly work: Work;
  readonly every: readonly Schedule[];
}

const QUEUE = 'office';
/** Apart from `pabx:`, which a rebuild of call state forgets. */
const PREFIX = 'pabx-jobs';
const BELL = 'bell';
const LOOK_EVERY_ms = 5_000;
const END_PATIENCE_ms = 3_000;
const INTERRUPT_PATIENCE_ms = 2_000;

const within = (time_ms: number, work: Promise<unknown>) =>
  Promise.race([work, new Promise((resolve) => setTimeout(resolve, time_ms).unref())]);

/** Starts to run jobs and schedules, one at a time. Throws RangeError for a schedule at no time of day. */
export function createJobs({ db, redisUrl, log, work, every }: JobsDependencies): Jobs {
  every.forEach(repeatOf);
  const options = {
    connection: { url: redisUrl, maxRetriesPerRequest: null },
    prefix: PREFIX,
  };
  const runner = createJobRunner(db, work, log);
  const schedules = new Map(every.map((schedule) => [schedule.name, schedule]));
  const onError = (error: Error) => log.warn({ err: error }, 'jobs');
  const queue = new Queue(QUEUE, {
    ...options,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  /** Two processes may be told at once of what came due: the other one leaves it. */
  async function comeAgain(name: string): Promise<void> {
    const schedule = schedules.get(name);
    if (schedule) await aloneAt(db, `schedule ${name}`, () => schedule.run());
  }
  const worker = new Worker(
    QUEUE,
    async ({ name }) => {
      if (name === BELL) await runner.runAll();
      else await comeAgain(name);
    },
    options,
  );
  queue.on('error', onError);
  worker.on('error', onError);
  worker.on('failed', (job, error) => log.error({ err: error, name: job?.name }, 'scheduled work failed'));

  const ring = () => void queue.add(BELL, {}).catch(onError);

  /** Whatever Redis forgot, or whoever died: rows that wait are rung for, and schedules are there. */
  async function look(): Promise<void> {
    await keepSchedules(queue, every);
    const open = await listOpenJobs(db);
    if (open.length > 0 && (await queue.getWaitingCount()) === 0) ring();
  }
  let closed = false;
  let timer: NodeJS.Timeout | null = null;
  const lookAgain = () => {
    if (closed) return;
    timer = setTimeout(() => void look().catch(onError).finally(lookAgain), LOOK_EVERY_ms);
  };
  look().catch(onError).finally(lookAgain);

  return {
    ring,
    async close() {
      closed = true;
      if (timer) clearTimeout(timer);
      runner.stop();
      const ended = worker.close().catch(onError);
      await within(END_PATIENCE_ms, ended);
      runner.interrupt();
      await within(INTERRUPT_PATIENCE_ms, ended);
      await within(INTERRUPT_PATIENCE_ms, queue.close().catch(onError));
    },
  };
}
