import { z } from 'zod';
import { RATE_KINDS } from '../domain/rate-table.ts';
import { dateTimeSchema, microsSchema } from './fields.ts';
import { faultSchema, jobSchema } from './jobs.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute, uploadSchema } from './route.ts';

const ofSalesPlan = z.strictObject({ sales_plan_id: z.uuid() });
const ofCostPlan = z.strictObject({ cost_plan_id: z.uuid() });
const staff = ['MASTER', 'RESELLER'] as const;
const master = ['MASTER'] as const;

export const deckRowSchema = z.object({
  prefix: z.string(),
  locality: z.string(),
  kind: z.enum(RATE_KINDS).nullable(),
  price_micros_per_minute: microsSchema,
  initial_seconds: z.int(),
  increment_seconds: z.int(),
  free_threshold_seconds: z.int(),
  active: z.boolean(),
});

const count = z.int();

/** `difference` is from the deck that holds now; null when the file has faults and cannot be imported. */
export const deckPreviewSchema = z.object({
  rows: count,
  active: count,
  fault_count: count,
  faults: z.array(faultSchema),
  first_rows: z.array(deckRowSchema),
  difference: z
    .object({
      added: count,
      removed: count,
      dearer: count,
      cheaper: count,
      /** The price they had, and another cadence, locality, F/C or active. */
      changed: count,
      unchanged: count,
    })
    .nullable(),
});
export type DeckPreviewReply = z.infer<typeof deckPreviewSchema>;

const list = {
  method: 'GET',
  tag: 'decks',
  summary:
    'Prefixes of the version that holds now, or of another; q begins a prefix or is part of a locality',
  roles: staff,
  query: listQuery('prefix').extend({ version_id: z.uuid().optional() }),
  reply: pageOf(deckRowSchema),
  csv: true,
} as const;

const preview = {
  method: 'POST',
  tag: 'decks',
  summary: 'Reads a deck and saves nothing: its faults, its first rows, and what would change',
  body: uploadSchema,
  reply: deckPreviewSchema,
  status: 200,
  upload: true,
} as const;

const order = {
  method: 'POST',
  tag: 'decks',
  summary: 'Imports a deck in the background: whole, as a new version, or not at all; prices by class go on',
  // Without one: as soon as the file is read.
  query: z.strictObject({ valid_from: dateTimeSchema.optional() }),
  body: uploadSchema,
  reply: jobSchema,
  status: 202,
  upload: true,
} as const;

export const listSalesDeckRoute = defineRoute({
  ...list,
  path: '/api/v1/sales-plans/:sales_plan_id/deck',
  name: 'listSalesDeck',
  params: ofSalesPlan,
});

export const previewSalesDeckRoute = defineRoute({
  ...preview,
  path: '/api/v1/sales-plans/:sales_plan_id/deck-previews',
  name: 'previewSalesDeck',
  roles: staff,
  params: ofSalesPlan,
});

export const importSalesDeckRoute = defineRoute({
  ...order,
  path: '/api/v1/sales-plans/:sales_plan_id/decks',
  name: 'importSalesDeck',
  roles: staff,
  params: ofSalesPlan,
});

export const listCostDeckRoute = defineRoute({
  ...list,
  path: '/api/v1/cost-plans/:cost_plan_id/deck',
  name: 'listCostDeck',
  params: ofCostPlan,
});

export const previewCostDeckRoute = defineRoute({
  ...preview,
  path: '/api/v1/cost-plans/:cost_plan_id/deck-previews',
  name: 'previewCostDeck',
  roles: master,
  params: ofCostPlan,
});

export const importCostDeckRoute = defineRoute({
  ...order,
  path: '/api/v1/cost-plans/:cost_plan_id/decks',
  name: 'importCostDeck',
  roles: master,
  params: ofCostPlan,
});
