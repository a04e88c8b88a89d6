import { z } from 'zod';
import { BUNDLE_SLOTS, CALL_CLASSES } from '../domain/call-class.ts';
import { dateTimeSchema, microsSchema } from './fields.ts';
import { jobSchema } from './jobs.ts';
import { say } from './language.ts';
import { defineRoute } from './route.ts';

const MOST_MONTHS = 13;

const bundleSchema = z.strictObject({ slot: z.enum(BUNDLE_SLOTS), bundle_id: z.uuid() });

function monthsAfter(moment: string, months: number): number {
  const date = new Date(moment);
  return date.setUTCMonth(date.getUTCMonth() + months);
}

const fields = {
  /** null: all subscribers of the reseller. */
  subscriber_id: z.uuid().nullable().default(null),
  from: dateTimeSchema,
  to: dateTimeSchema,
  /** null: each call on the plan that it was made on. */
  sales_plan_id: z.uuid().nullable().default(null),
  /** null: the minutes that each cycle was given; none: no franquia. */
  bundles: z
    .array(bundleSchema)
    .max(BUNDLE_SLOTS.length)
    .refine(
      (bundles) => new Set(bundles.map(({ slot }) => slot)).size === bundles.length,
      say('each slot has one franquia', 'cada tipo tem uma franquia só'),
    )
    .nullable()
    .default(null),
  /** null: as each subscriber has it. */
  ldn_fixed_uses_local: z.boolean().nullable().default(null),
  ldn_mobile_uses_local: z.boolean().nullable().default(null),
};

/** Calls of a period, on another plan or with other franquias. */
export const newReRatingSchema = z
  .strictObject({
    /** Only for the master: whose calls. */
    reseller_id: z.uuid().optional(),
    ...fields,
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), {
    path: ['to'],
    message: say('must be after the begin', 'deve ser depois do início'),
  })
  .refine(({ from, to }) => Date.parse(to) <= monthsAfter(from, MOST_MONTHS), {
    path: ['to'],
    message: say(
      `at most ${MOST_MONTHS} months after the begin`,
      `no máximo ${MOST_MONTHS} meses depois do início`,
    ),
  });
export type NewReRating = z.output<typeof newReRatingSchema>;

/** What the job is told. */
export type ReRateParams = Omit<NewReRating, 'reseller_id'> & { readonly reseller_id: string };

const totalsSchema = z.object({
  calls: z.int(),
  talk_seconds: z.int(),
  billed_seconds: z.int(),
  bundle_seconds: z.int(),
  paid_seconds: z.int(),
  total_micros: microsSchema,
});

/**
 * The result of the job. `recorded` is what all calls were billed, `re_rated` what they would have been; `unrated` are
 * calls that would have been refused for want of a rate, as they were billed, with some of their numbers. Fees are of the
 * cycles that begin in the period. `difference_micros` leaves out what would have been refused: above zero, the other way
 * costs more.
 */
export const reRatingSchema = z.object({
  classes: z.array(
    z.object({
      call_class: z.enum(CALL_CLASSES),
      recorded: totalsSchema,
      re_rated: totalsSchema,
      unrated: totalsSchema.extend({ numbers: z.array(z.string()) }),
    }),
  ),
  recorded: totalsSchema,
  re_rated: totalsSchema,
  unrated: totalsSchema,
  recorded_fees_micros: microsSchema,
  re_rated_fees_micros: microsSchema,
  difference_micros: microsSchema,
});
export type ReRating = z.infer<typeof reRatingSchema>;

export const createReRatingRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/re-ratings',
  name: 'createReRating',
  tag: 're-ratings',
  summary:
    'Rates the calls of a period again, on another plan or with other franquias; changes nothing, and the result is the job’s',
  roles: ['MASTER', 'RESELLER'],
  body: newReRatingSchema,
  reply: jobSchema,
  status: 202,
});
