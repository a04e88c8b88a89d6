import type { Db } from '../../src/stores/postgres/connect.ts';
import { waitUntil } from '../services/process.ts';
import type { Installation } from './installation.ts';

const RECORDED_timeout_ms = 30_000;
/** The switch hears the caller's BYE later than it was due, never earlier but for the coarseness of SIPp's timer. */
const EARLY_ms = 50;
const LATE_ms = 1_000;

async function countRecords(db: Db, since: Date): Promise<number> {
  const { count } = await db
    .selectFrom('calls')
    .select((e) => e.fn.countAll<string>().as('count'))
    .where('created_at', '>=', since)
    .executeTakeFirstOrThrow();
  return Number(count);
}

async function refusalsSince(db: Db, since: Date): Promise<string> {
  const rows = await db.selectFrom('refusals').select('reason').where('created_at', '>=', since).execute();
  const reasons = [...new Set(rows.map((row) => row.reason))].join(', ');
  return rows.length === 0 ? 'none was refused' : `${rows.length} were refused: ${reasons}`;
}

/** Waits until each call has its record in Postgres, and Redis has let go of them all. */
export async function whenRecorded(
  { world, store }: Installation,
  since: Date,
  expected: number,
): Promise<void> {
  const { db } = world.database;
  const wait = { timeout_ms: RECORDED_timeout_ms, interval_ms: 100 };
  try {
    await waitUntil(async () => (await countRecords(db, since)) >= expected, {
      ...wait,
      what: 'the records',
    });
  } catch {
    const found = await countRecords(db, since);
    throw new Error(
      `${expected - found} of ${expected} calls have no record; ${await refusalsSince(db, since)}`,
    );
  }
  await waitUntil(async () => (await store.callsOf(world.server_id)).length === 0, {
    ...wait,
    what: 'Redis to let go of the calls',
  });
}

/**
 * Throws when a call was billed otherwise than it was talked: each second begun is a second billed. Gives how many
 * were settled not by their end but by comparing with the switch and its journal, as when an event was late.
 */
export async function checkRecords(db: Db, since: Date, talk_ms: number): Promise<number> {
  const records = await db
    .selectFrom('calls')
    .select(['id', 'talk_ms', 'billed_seconds', 'end_reason'])
    .where('created_at', '>=', since)
    .execute();
  const [wrong, ...others] = records.filter(
    (record) =>
      record.talk_ms < talk_ms - EARLY_ms ||
      record.talk_ms > talk_ms + LATE_ms ||
      record.billed_seconds !== Math.ceil(record.talk_ms / 1_000),
  );
  if (wrong) throw new Error(`${others.length + 1} bills are wrong, for example ${JSON.stringify(wrong)}`);
  return records.filter((record) => record.end_reason !== 'HANGUP').length;
}
