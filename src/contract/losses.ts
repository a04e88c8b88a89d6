import { z } from 'zod';
import { CALL_CLASSES } from '../domain/call-class.ts';
import { microsSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

/** A rate of a sales plan that earns less than it costs, and where. */
export const lossSchema = z.object({
  /** The rate that sells: a prefix of the deck, or a class. */
  prefix: z.string().nullable(),
  call_class: z.enum(CALL_CLASSES).nullable(),
  /** The rate that costs more; both null: there is none, and such calls are refused. */
  cost_prefix: z.string().nullable(),
  cost_class: z.enum(CALL_CLASSES).nullable(),
  /** Where it bites: of the longer prefix of the two. */
  locality: z.string().nullable(),
  price_micros_per_minute: microsSchema,
  cadence: z.string(),
  cost_micros_per_minute: microsSchema.nullable(),
  cost_cadence: z.string().nullable(),
  /** PRICE: each minute loses. CADENCE: short calls lose by the rounding. NO_COST: nobody sells it to the reseller. */
  kind: z.enum(['PRICE', 'CADENCE', 'NO_COST']),
  loss_micros_per_minute: microsSchema.nullable(),
  loss_up_to_seconds: z.int().nullable(),
});
export type LossItem = z.infer<typeof lossSchema>;

export const listLossesRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/sales-plans/:sales_plan_id/losses',
  name: 'listLosses',
  tag: 'sales-plans',
  summary:
    'Rates that earn less than they cost by the cost plan of the reseller; none while it buys by no plan and is charged nothing',
  roles: ['MASTER', 'RESELLER'],
  params: z.strictObject({ sales_plan_id: z.uuid() }),
  query: listQuery('prefix')
    .omit({ q: true })
    .extend({
      // Along the decks, as they are compared; then what is priced by class.
      sort: z.enum(['prefix']).default('prefix'),
      /** Without it the version that holds now; one that is planned is compared with the costs of its first moment. */
      version_id: z.uuid().optional(),
      /** Without it the plan that the reseller buys by. */
      cost_plan_id: z.uuid().optional(),
    }),
  reply: pageOf(lossSchema),
  csv: true,
});
