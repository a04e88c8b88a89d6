import { reRate } from '../../src/admin/re-rate.ts';
import type { ReRateParams } from '../../src/contract/re-ratings.ts';
import { connectPostgres } from '../../src/stores/postgres/connect.ts';
import { listCallers, readStoredCalls } from '../../src/stores/postgres/stored-calls.ts';
import { readAs } from '../../src/stores/postgres/tenancy.ts';

/*
 * Rates stored calls again, or reads them only, in a process that does nothing else, so that its memory is that of the
 * work. What it does comes from its parent, over the channel that fork made.
 */

export interface ReRatingOrder {
  readonly databaseUrl: string;
  readonly way: 'READ' | 'RE_RATE';
  readonly params: ReRateParams;
  /** Shares of all calls after which memory is looked at. */
  readonly memory_at: readonly number[];
}

export interface ReRatingFigures {
  readonly calls: number;
  readonly calls_per_second: number;
  /** Resident, at each of `memory_at`. */
  readonly memory_bytes: readonly number[];
}

type Tell = (done: number, total: number) => void;

/** The same pages, and nothing done with them. */
function readOnly(db: ReturnType<typeof connectPostgres>['db'], params: ReRateParams, tell: Tell) {
  const { reseller_id } = params;
  const period = { from: new Date(params.from), to: new Date(params.to) };
  return readAs(db, { role: 'RESELLER', reseller_id }, async (tx) => {
    const callers = await listCallers(tx, params, period);
    const total = callers.reduce((sum, { calls }) => sum + calls, 0);
    let done = 0;
    for (const caller of callers)
      for await (const page of readStoredCalls(tx, caller, period)) {
        done += page.length;
        tell(done, total);
      }
  });
}

async function work({ databaseUrl, way, params, memory_at }: ReRatingOrder): Promise<ReRatingFigures> {
  const { db, close } = connectPostgres(databaseUrl, () => {}, 'pabx_system');
  const memory_bytes: number[] = [];
  let calls = 0;
  const tell: Tell = (done, total) => {
    calls = done;
    while (done >= total * (memory_at[memory_bytes.length] ?? Number.POSITIVE_INFINITY))
      memory_bytes.push(process.memoryUsage.rss());
  };
  const start = performance.now();
  await (way === 'READ' ? readOnly(db, params, tell) : reRate(db, params, tell));
  const calls_per_second = (calls / (performance.now() - start)) * 1_000;
  await close();
  return { calls, calls_per_second, memory_bytes };
}

process.once('message', (order) => {
  work(order as ReRatingOrder).then(
    (figures) => process.send?.(figures, () => process.disconnect()),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
