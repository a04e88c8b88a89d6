import { z } from 'zod';
import { CALL_CLASS_FACTS, CALL_CLASSES, type CallClass } from '../domain/call-class.ts';
import { MAX_PRICE_MICROS_PER_MINUTE } from '../domain/money.ts';
import { PRICINGS } from '../domain/rate-table.ts';
import { dateTimeSchema, microsSchema } from './fields.ts';
import { say } from './language.ts';
import { listQuery } from './paging.ts';

/*
 * What sales plans and cost plans have in common: prices that hold from a moment on. A version of them is written whole
 * and never changed; those of the past stay for the calls that were rated by them.
 */

const PRICED_CLASSES = CALL_CLASSES.filter((name) => !CALL_CLASS_FACTS[name].free);

const priceSchema = z
  .string()
  .refine(
    (text) => /^(0|[1-9]\d{0,9})$/.test(text) && BigInt(text) <= MAX_PRICE_MICROS_PER_MINUTE,
    say(
      'micro-reais from 0 to R$ 1,000, as an integer in a string',
      'micro-reais de 0 a R$ 1.000, como inteiro em texto',
    ),
  );

/** A class without a rate cannot be called on the plan. */
const rateSchema = z.strictObject({
  call_class: z.enum(PRICED_CLASSES as [CallClass, ...CallClass[]]),
  price_micros_per_minute: priceSchema,
  initial_seconds: z.int().min(1).max(3600),
  increment_seconds: z.int().min(1).max(3600),
  free_threshold_seconds: z.int().min(0).max(3600),
});
export type PlanRate = z.output<typeof rateSchema>;

export const planStatusSchema = z.enum(['ACTIVE', 'INACTIVE']);

export const ratesSchema = z
  .array(rateSchema)
  .max(PRICED_CLASSES.length)
  .refine(
    (rates) => new Set(rates.map(({ call_class }) => call_class)).size === rates.length,
    say('each class has one rate', 'cada classe tem uma tarifa só'),
  );

/** New prices of a plan that is there already. */
export const priceChange = {
  /** Replaced as a whole. Of a plan with a deck these are the prices beside it. */
  rates: ratesSchema,
  /** Leaves the deck behind. */
  pricing: z.literal('BY_CLASS'),
  /** When the new rates begin to hold: now, or within two years. */
  valid_from: dateTimeSchema,
};
export type PriceChange = {
  readonly [K in keyof typeof priceChange]?: z.output<(typeof priceChange)[K]> | undefined;
};

/** For changes of plans: what is said of prices goes with prices. */
export const pricesAreSent: [(change: PriceChange) => boolean, { path: string[]; message: string }] = [
  ({ rates, pricing, valid_from }) =>
    rates !== undefined || (pricing === undefined && valid_from === undefined),
  {
    path: ['rates'],
    message: say('send the rates that hold from then on', 'envie as tarifas que valerão a partir daí'),
  },
];

const shownRates = z.array(
  z.object({
    call_class: z.enum(CALL_CLASSES),
    price_micros_per_minute: microsSchema,
    initial_seconds: z.int(),
    increment_seconds: z.int(),
    free_threshold_seconds: z.int(),
  }),
);

/** The prices of a plan as it is read: those of the version that holds now. */
export const shownPrices = {
  rates: shownRates,
  pricing: z.enum(PRICINGS),
  deck_rows: z.int(),
  /** null, as `valid_from`: no prices hold yet. */
  version_id: z.uuid().nullable(),
  valid_from: dateTimeSchema.nullable(),
  /** When the next change that is planned begins to hold. */
  next_valid_from: dateTimeSchema.nullable(),
};

export const rateVersionSchema = z.object({
  id: z.uuid(),
  valid_from: dateTimeSchema,
  holds_now: z.boolean(),
  pricing: z.enum(PRICINGS),
  rates: shownRates,
  deck_rows: z.int(),
  author: z.string(),
  created_at: dateTimeSchema,
});
export type RateVersion = z.infer<typeof rateVersionSchema>;

export const rateVersionQuery = listQuery('-valid_from').omit({ q: true });
