import { orderDeckImport } from '../../admin/import-deck.ts';
import { previewDeck } from '../../admin/preview-deck.ts';
import {
  type DeckPreviewReply,
  importCostDeckRoute,
  importSalesDeckRoute,
  listCostDeckRoute,
  listSalesDeckRoute,
  previewCostDeckRoute,
  previewSalesDeckRoute,
} from '../../contract/decks.ts';
import type { DeckRow } from '../../domain/deck.ts';
import { listDeckRows, requirePlan } from '../../stores/postgres/decks.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import { findVersion, findVersionAt } from '../../stores/postgres/plan-versions.ts';
import type { DeckRateRow, PlanRef } from '../../stores/postgres/rate-versions.ts';
import type { Binder, Input } from '../bind.ts';
import { oneJob, presentFaults } from './jobs.ts';

const presentRate = ({ price_micros_per_minute, ...row }: DeckRateRow) => ({
  ...row,
  price_micros_per_minute: price_micros_per_minute.toString(),
});

const presentRow = ({ cadence, ...row }: DeckRow) => presentRate({ ...row, ...cadence });

/** What every route of decks is given, whichever kind of plan it is about. */
type Given<R extends typeof listSalesDeckRoute | typeof previewSalesDeckRoute | typeof importSalesDeckRoute> =
  Omit<Input<R>, 'params'>;

async function list(plan: PlanRef, { tx, query }: Given<typeof listSalesDeckRoute>) {
  await requirePlan(tx, plan);
  const version =
    query.version_id === undefined
      ? await findVersionAt(tx, plan, null)
      : await findVersion(tx, plan, query.version_id);
  if (!version && query.version_id !== undefined) throw notFound('version_id');
  if (!version) return { items: [], next_cursor: null };
  const { items, next_cursor } = await listDeckRows(tx, version.id, query);
  return { items: items.map(presentRate), next_cursor };
}

async function preview(
  plan: PlanRef,
  { tx, body, language }: Given<typeof previewSalesDeckRoute>,
): Promise<DeckPreviewReply> {
  const { faults, first_rows, ...more } = await previewDeck(tx, plan, body);
  return {
    ...more,
    fault_count: faults.count,
    faults: presentFaults(faults.first, language),
    first_rows: first_rows.map(presentRow),
  };
}

/** Decks of prefixes, of sales plans and of cost plans. `ringJobs` tells that a job waits. */
export function addDeckRoutes({ bind }: Binder, ringJobs: () => void): void {
  async function order(plan: PlanRef, input: Given<typeof importSalesDeckRoute>) {
    const { tx, viewer, body, query, afterCommit } = input;
    const job_id = await orderDeckImport(tx, viewer.actor, plan, body, query.valid_from);
    afterCommit(ringJobs);
    return oneJob(tx, job_id);
  }

  bind(listSalesDeckRoute, ({ params, ...input }) => list(params, input));
  bind(previewSalesDeckRoute, ({ params, ...input }) => preview(params, input));
  bind(importSalesDeckRoute, ({ params, ...input }) => order(params, input));
  bind(listCostDeckRoute, ({ params, ...input }) => list(params, input));
  bind(previewCostDeckRoute, ({ params, ...input }) => preview(params, input));
  bind(importCostDeckRoute, ({ params, ...input }) => order(params, input));
}
