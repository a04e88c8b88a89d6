import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { importDeck } from '../../src/admin/import-deck.ts';
import { ACTOR, deck, until, useOffice } from './use-jobs.ts';

const office = useOffice();
const isOver = ({ state }: { state: string }) => state === 'DONE' || state === 'FAILED';

describe('the import of a deck', () => {
  test('tells how far it is, and becomes the prices of the plan, whole', async () => {
    const plan = await office().addPlan();
    const job_id = await office().order(plan, deck(30_000));
    const jobs = office().start();
    const seen = await office().when(job_id, ({ state, done }) => state === 'RUNNING' && done > 0);
    expect(seen).toMatchObject({ total: 30_000, result: null });
    // Nobody sees a part of it: what others read is not there yet.
    const job = await office().when(job_id, isOver);
    const [before, version] = await office().versions(plan);
    expect(before).toMatchObject({ pricing: 'BY_CLASS', rows: 0 });
    expect(version).toMatchObject({ pricing: 'DECK', deck_rows: 30_000, rows: 30_000 });
    expect(job).toMatchObject({
      state: 'DONE',
      author: 'ana',
      done: 30_000,
      total: 30_000,
      faults: null,
      input: null,
      result: { version_id: version?.id, rows: 30_000, active: 30_000 },
    });
    expect(job.finished_at).not.toBeNull();
    await jobs.close();
  });

  test('keeps the prices by class that a deck does not have, names its author, and counts as an edit', async () => {
    const plan = await office().addPlan();
    const job_id = await office().order(plan, deck(3));
    const jobs = office().start();
    await office().when(job_id, isOver);
    const version = await office()
      .database.db.selectFrom('rate_versions')
      .selectAll()
      .where('sales_plan_id', '=', plan)
      .where('pricing', '=', 'DECK')
      .executeTakeFirstOrThrow();
    expect(version.author).toBe('ana');
    expect(version.class_rates.map(({ call_class }) => call_class)).toEqual(['PREMIUM']);
    const { rows } = await office().database.pool.query(
      "select actor ->> 'name' as name from audit_log where object_type = 'rate_versions' and object_id = $1",
      [version.id],
    );
    expect(rows).toEqual([{ name: ACTOR.name }]);
    const { version: edits } = await office()
      .database.db.selectFrom('sales_plans')
      .select('version')
      .where('id', '=', plan)
      .executeTakeFirstOrThrow();
    expect(edits).toBe(2);
    await jobs.close();
  });

  test('begins when it was asked for, and never before it is written', async () => {
    const plan = await office().addPlan();
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const before_ms = Date.now();
    const [then, past] = [
      await office().order(plan, deck(1), later),
      await office().order(plan, deck(1), '2020-01-01T00:00:00Z'),
    ];
    const jobs = office().start();
    await office().when(then, isOver);
    await office().when(past, isOver);
    const rows = await office()
      .database.db.selectFrom('rate_versions')
      .select('valid_from')
      .where('sales_plan_id', '=', plan)
      .where('pricing', '=', 'DECK')
      .orderBy('sequence')
      .execute();
    expect(rows[0]?.valid_from.toISOString()).toBe(later);
    expect(rows[1]?.valid_from.getTime()).toBeGreaterThanOrEqual(before_ms - 1_000);
    await jobs.close();
  });

  test('is refused whole: its faults are told and nothing is saved', async () => {
    const plan = await office().addPlan();
    const job_id = await office().order(plan, `${deck(2_000)}\n0;x;F;1;1/1;1\n`);
    const jobs = office().start();
    const job = await office().when(job_id, isOver);
    expect(job).toMatchObject({
      state: 'FAILED',
      result: null,
      input: null,
      faults: { count: 1, first: [{ line: 2_001, value: '0' }] },
    });
    expect(await office().versions(plan)).toHaveLength(1);
    await jobs.close();
  });

  test('fails when its plan was deleted meanwhile', async () => {
    const plan = await office().addPlan();
    const job_id = await office().order(plan, deck(1));
    await office().database.db.deleteFrom('sales_plans').where('id', '=', plan).execute();
    const jobs = office().start();
    const job = await office().when(job_id, isOver);
    expect(job.faults).toMatchObject({ first: [{ reason: expect.stringContaining('deleted meanwhile') }] });
    await jobs.close();
  });

  test('killed in the middle is done once, by the next process', async () => {
    const plan = await office().addPlan();
    const job_id = await office().order(plan, deck(12_000));
    const { database, server } = office();
    const child = spawn(process.execPath, ['test/jobs/abandon-jobs.ts', database.url, server.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(await office().when(job_id, () => true)).toMatchObject({ state: 'RUNNING' });
    expect(await office().versions(plan)).toHaveLength(1);
    // While it lives, nobody else takes its job.
    const jobs = office().start();
    const other = await office().order(await office().addPlan(), deck(1));
    jobs.ring();
    await office().when(other, isOver);
    expect(await office().when(job_id, () => true)).toMatchObject({ state: 'RUNNING' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await office().when(job_id, isOver);
    expect(await office().versions(plan)).toMatchObject([{}, { rows: 12_000 }]);
    await jobs.close();
  });

  test('interrupted by the end of the service begins anew at the next start', async () => {
    const plan = await office().addPlan();
    const job_id = await office().order(plan, deck(12_000));
    let release = () => {};
    const jobs = office().start({
      work: {
        async IMPORT_DECK(job, tell) {
          const lastStep = await importDeck(job, tell);
          await new Promise<void>((resolve) => (release = resolve));
          return lastStep;
        },
      },
    });
    await office().when(job_id, ({ state }) => state === 'RUNNING');
    const began_ms = performance.now();
    const closed = jobs.close();
    setTimeout(() => release(), 3_500);
    await closed;
    expect(performance.now() - began_ms).toBeLessThan(7_500);
    expect(await office().when(job_id, () => true)).toMatchObject({ state: 'RUNNING' });
    expect(await office().versions(plan)).toHaveLength(1);
    const next = office().start();
    await office().when(job_id, isOver);
    expect(await office().versions(plan)).toHaveLength(2);
    await next.close();
  });

  test('that fails by our own fault tells no cause; the log has it', async () => {
    const job_id = await office().order(await office().addPlan(), deck(1));
    const jobs = office().start({
      work: {
        async IMPORT_DECK() {
          throw new TypeError('secret of ours');
        },
      },
    });
    const job = await office().when(job_id, isOver);
    expect(job.state).toBe('FAILED');
    expect(JSON.stringify(job.faults)).toContain('something failed here');
    expect(JSON.stringify(job.faults)).not.toContain('secret');
    expect(office().logged.some(({ message }) => message === 'a job failed')).toBe(true);
    await jobs.close();
  });
});

describe('the queue', () => {
  test('that was emptied is filled again from the rows', async () => {
    const jobs = office().start();
    await until(
      () => office().redis.keys('pabx-jobs:*'),
      (keys) => keys.length > 0,
    );
    expect(await office().redis.keys('pabx:*')).toEqual([]);
    await office().redis.flushall();
    const job_id = await office().order(await office().addPlan(), deck(1));
    // Nobody rings.
    expect(await office().when(job_id, isOver)).toMatchObject({ state: 'DONE' });
    await jobs.close();
  });

  test('that was away loses nothing', async () => {
    const jobs = office().start();
    await office().server.kill();
    const job_id = await office().order(await office().addPlan(), deck(1));
    jobs.ring();
    await office().server.restart();
    expect(await office().when(job_id, isOver)).toMatchObject({ state: 'DONE' });
    await jobs.close();
  });

  test('rung for many jobs at once, in two processes, does each once', async () => {
    const done: string[] = [];
    const atOnce = new Map<string, number>();
    const work = {
      IMPORT_DECK: async (job: Parameters<typeof importDeck>[0], tell: Parameters<typeof importDeck>[1]) => {
        atOnce.set(job.id, (atOnce.get(job.id) ?? 0) + 1);
        const lastStep = await importDeck(job, tell);
        done.push(job.id);
        return lastStep;
      },
    };
    const processes = [office().start({ work }), office().start({ work })];
    const plan = await office().addPlan();
    const ids = await Promise.all(Array.from({ length: 8 }, () => office().order(plan, deck(200))));
    for (const { ring } of processes) for (let i = 0; i < 5; i += 1) ring();
    for (const id of ids) await office().when(id, isOver);
    expect(done.sort()).toEqual(ids.sort());
    expect([...atOnce.values()]).toEqual(ids.map(() => 1));
    expect(await office().versions(plan)).toHaveLength(1 + ids.length);
    for (const jobs of processes) await jobs.close();
  });
});
