import { once } from 'node:events';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, inject } from 'vitest';
import { type RunningRedis, startRedis } from '../../dev/services/redis.ts';
import { createDatabase, type Database } from '../../dev/world/database.ts';
import { addReseller } from '../../dev/world/tenants.ts';
import { importDeck } from '../../src/admin/import-deck.ts';
import { reRateWork } from '../../src/admin/re-rate.ts';
import { createJobs, type Jobs, type JobsDependencies } from '../../src/jobs/jobs.ts';
import type { Work } from '../../src/jobs/run-job.ts';
import { connectPostgres, type Postgres } from '../../src/stores/postgres/connect.ts';
import { insertJob } from '../../src/stores/postgres/jobs.ts';
import { addClassVersion } from '../../src/stores/postgres/rate-versions.ts';
import { COMMAND } from '../../src/stores/postgres/tenancy.ts';

export const ACTOR = { ...COMMAND, kind: 'USER', name: 'ana' } as const;

/** Postgres and Redis, real ones, with a plan to import decks into. */
export interface Office {
  readonly database: Database;
  readonly server: RunningRedis;
  readonly redis: Redis;
  readonly logged: { fields: object; message: string }[];
  /** Starts to run jobs; closed with the tests. */
  start(more?: Partial<Omit<JobsDependencies, 'work'>> & { work?: Partial<Work> }): Jobs;
  addPlan(): Promise<string>;
  order(sales_plan_id: string, file: string, valid_from?: string): Promise<string>;
  /** The row of a job once `holds`; fails after a while. */
  when(job_id: string, holds: (row: JobOf) => boolean): Promise<JobOf>;
  versions(
    sales_plan_id: string,
  ): Promise<{ id: string; pricing: string; deck_rows: number; rows: number }[]>;
}

export type JobOf = Awaited<ReturnType<typeof rowOf>>;

function rowOf(database: Database, job_id: string) {
  return database.db.selectFrom('jobs').selectAll().where('id', '=', job_id).executeTakeFirstOrThrow();
}

/** Waits until something holds; looks 50 times a second. */
export async function until<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const end = performance.now() + 30_000;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (performance.now() > end) throw new Error(`never came true: ${JSON.stringify(value)?.slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const deck = (rows: number, price = '0,10') =>
  Array.from({ length: rows }, (_, i) => `${550_000 + i};Cidade ${i};F;${price};30/6/3;1`).join('\n');

export function useOffice(): () => Office {
  let office: Office | null = null;
  const running: Jobs[] = [];
  const opened: Postgres[] = [];
  let stop: () => Promise<void> = async () => {};
  beforeAll(async () => {
    const database = await createDatabase(inject('postgresUrl'));
    const server = await startRedis();
    const redis = new Redis(server.url);
    // Tests take the server away.
    redis.on('error', () => {});
    await once(redis, 'ready');
    const system = connectPostgres(database.url, () => {}, 'pabx_system');
    opened.push(system, database);
    stop = async () => {
      redis.disconnect();
      await server.stop();
    };
    const logged: Office['logged'] = [];
    const note = (fields: object, message: string) => void logged.push({ fields, message });
    const log = { warn: note, error: note };
    const reseller_id = await addReseller(database.db);
    let serial = 0;
    office = {
      database,
      server,
      redis,
      logged,
      start({ work, ...more } = {}) {
        const all = { IMPORT_DECK: importDeck, RE_RATE: reRateWork(system.db), ...work };
        const jobs = createJobs({ db: system.db, redisUrl: server.url, log, work: all, every: [], ...more });
        running.push(jobs);
        return jobs;
      },
      async addPlan() {
        serial += 1;
        const { id } = await database.db
          .insertInto('sales_plans')
          .values({ reseller_id, name: `Plano ${serial}` })
          .returning('id')
          .executeTakeFirstOrThrow();
        const cadence = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
        const rate = { price_micros_per_minute: '50000', ...cadence };
        await database.db.transaction().execute((tx) =>
          addClassVersion(tx, {
            plan: { sales_plan_id: id },
            valid_from: new Date('2000-01-01T00:00:00Z'),
            author: 'test',
            class_rates: [
              { call_class: 'FIXED_LOCAL', ...rate },
              { call_class: 'PREMIUM', ...rate },
            ],
          }),
        );
        return id;
      },
      order: (sales_plan_id, file, valid_from) =>
        database.db.transaction().execute((tx) =>
          insertJob(tx, {
            kind: 'IMPORT_DECK',
            reseller_id,
            actor: ACTOR,
            params: { plan: { sales_plan_id }, valid_from: valid_from ?? null },
            input: Buffer.from(file),
          }),
        ),
      when: (job_id, holds) => until(() => rowOf(database, job_id), holds),
      async versions(sales_plan_id) {
        const { rows } = await database.pool.query(
          `select v.id, v.pricing, v.deck_rows, count(d)::int as rows from rate_versions v
           left join deck_rates d on d.rate_version_id = v.id where v.sales_plan_id = $1
           group by v.id order by v.sequence`,
          [sales_plan_id],
        );
        return rows;
      },
    };
  });
  afterAll(async () => {
    for (const jobs of running) await jobs.close();
    for (const one of opened) await one.close();
    await stop();
  });
  return () => {
    if (!office) throw new Error('the office is not there yet');
    return office;
  };
}
