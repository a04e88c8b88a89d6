import { type Db, isRefusedRow } from '../stores/postgres/connect.ts';
import { type RefusalRecord, recordRefusals } from '../stores/postgres/refusals.ts';
import type { Log } from './log.ts';

export interface RefusalLog {
  add(record: RefusalRecord): void;
  idle(): Promise<void>;
}

const MAX_KEPT = 10_000;
const MAX_BATCH = 200;
const RETRY_ms = 2_000;

/** Writes refused attempts down (R14), many in one statement; keeps them, up to a bound, while Postgres is away. */
export function createRefusalLog(db: Db, log: Log): RefusalLog {
  const queue: RefusalRecord[] = [];
  let working: Promise<void> | null = null;

  /** One that cannot be written, because its line is gone for example, must not hold up the others. */
  async function writeApart(records: readonly RefusalRecord[]): Promise<void> {
    for (const record of records) {
      try {
        await recordRefusals(db, [record]);
      } catch (error) {
        if (!isRefusedRow(error)) throw error;
        log.error({ err: error, call: record.call_id }, 'a refusal cannot be recorded');
      }
    }
  }

  async function write(batch: readonly RefusalRecord[]): Promise<void> {
    try {
      await recordRefusals(db, batch);
    } catch (error) {
      if (!isRefusedRow(error)) throw error;
      await writeApart(batch);
    }
  }

  async function work(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, MAX_BATCH);
      try {
        await write(batch);
        queue.splice(0, batch.length);
      } catch (error) {
        log.warn({ err: error, waiting: queue.length }, 'refusals cannot be recorded now');
        await new Promise((resolve) => setTimeout(resolve, RETRY_ms));
      }
    }
    working = null;
  }

  return {
    add(record) {
      if (queue.length >= MAX_KEPT) {
        log.error({ call: record.call_id }, 'a refusal is not recorded: too many wait for Postgres');
        return;
      }
      queue.push(record);
      working ??= work();
    },
    async idle() {
      while (working) await working;
    },
  };
}
