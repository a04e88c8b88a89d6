import {
  bundleUsageRoute,
  listBundleAlertsRoute,
  listBundleCyclesRoute,
} from '../../contract/bundle-usage.ts';
import { cycleStart, dayStart_ms } from '../../domain/cycle.ts';
import { minutesEnd_ms, nextDayOfMonth } from '../../domain/statement.ts';
import {
  type CycleFacts,
  type LineUsage,
  listBundleAlerts,
  listBundleCycles,
  readCycleFacts,
  readLineUsage,
  readSlotUsage,
  type SlotUsage,
} from '../../stores/postgres/bundle-reports.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import type { Binder } from '../bind.ts';

/** The cycle that runs. Where the day was changed meanwhile, the one that was opened last goes on until the next. */
function runningCycle({ cycle_day, opened_cycle }: CycleFacts, now: Date): string {
  const start = cycleStart(cycle_day, now);
  return opened_cycle !== null && opened_cycle > start ? opened_cycle : start;
}

interface Moment {
  readonly start_ms: number;
  readonly now_ms: number;
  readonly end_ms: number;
}

function presentSlot(
  { slot, bundle_name, included_seconds, left_seconds }: SlotUsage,
  at: Moment,
  lines: readonly LineUsage[],
) {
  const used_seconds = included_seconds - left_seconds;
  const ends_ms = minutesEnd_ms({ ...at, used_seconds, left_seconds });
  return {
    slot,
    bundle_name,
    included_seconds,
    used_seconds,
    left_seconds,
    used_percent: included_seconds === 0 ? 100 : Math.floor((used_seconds * 100) / included_seconds),
    ends_at: ends_ms === null ? null : new Date(ends_ms).toISOString(),
    by_line: lines
      .filter((line) => line.slot === slot)
      .map(({ line_id, extension, seconds, calls }) => ({ line_id, extension, seconds, calls })),
  };
}

async function factsOf(tx: Tx, subscriber_id: string): Promise<CycleFacts> {
  const facts = await readCycleFacts(tx, subscriber_id);
  if (!facts) throw notFound();
  return facts;
}

/** How franquias are used: now, over the cycles, and what came near its end. */
export function addBundleUsageRoutes({ bind }: Binder): void {
  bind(bundleUsageRoute, async ({ tx, params, query }) => {
    const facts = await factsOf(tx, params.subscriber_id);
    const { subscriber_id, cycle_day } = facts;
    const now = new Date();
    const running = runningCycle(facts, now);
    const cycle_start = query.cycle_start ?? running;
    const cycle_end = nextDayOfMonth(cycle_day, cycle_start);
    const slots = await readSlotUsage(tx, subscriber_id, cycle_start, cycle_start === running);
    const lines = await readLineUsage(tx, subscriber_id, cycle_start);
    const at = { start_ms: dayStart_ms(cycle_start), now_ms: now.getTime(), end_ms: dayStart_ms(cycle_end) };
    return { cycle_start, cycle_end, slots: slots.map((slot) => presentSlot(slot, at, lines)) };
  });

  bind(listBundleCyclesRoute, async ({ tx, params, query }) => {
    const { subscriber_id } = await factsOf(tx, params.subscriber_id);
    const { items, next_cursor } = await listBundleCycles(tx, subscriber_id, query);
    return {
      items: items.map((row) => ({
        ...row,
        used_seconds: row.included_seconds - row.left_seconds,
        monthly_price_micros: row.monthly_price_micros.toString(),
      })),
      next_cursor,
    };
  });

  bind(listBundleAlertsRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listBundleAlerts(tx, query, query);
    return {
      items: items.map((row) => ({
        ...row,
        id: row.id.toString(),
        created_at: row.created_at.toISOString(),
      })),
      next_cursor,
    };
  });
}
