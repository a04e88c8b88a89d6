import { z } from 'zod';
import { dateTimeSchema, microsSchema, textSchema } from './fields.ts';
import { say } from './language.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const id = z.strictObject({ subscriber_id: z.uuid() });

/** Money that changes hands at once. */
export const movedAmountSchema = z
  .string()
  .regex(
    /^([1-9]\d{0,11}|1000000000000)$/,
    say(
      'micro-reais from 1 to R$ 1 million, as an integer in a string',
      'micro-reais de 1 a R$ 1 milhão, como inteiro em texto',
    ),
  );

export const newTopUpSchema = z.strictObject({
  amount_micros: movedAmountSchema,
  /** Of the payment; per wallet, each counts once. */
  reference: textSchema(100),
});

export const topUpSchema = z.object({
  id: z.string(),
  amount_micros: microsSchema,
  reference: z.string(),
  author: z.string(),
  created_at: dateTimeSchema,
});

export const topUpRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/subscribers/:subscriber_id/top-ups',
  name: 'topUp',
  tag: 'top-ups',
  summary:
    'Adds money to a wallet, once per Idempotency-Key and once per reference; running calls go on with it',
  roles: ['MASTER', 'RESELLER'],
  scope: 'MONEY',
  params: id,
  body: newTopUpSchema,
  reply: z.object({ balance_micros: microsSchema }),
  idempotent: true,
});

export const topUpResellerRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/resellers/:reseller_id/top-ups',
  name: 'topUpReseller',
  tag: 'top-ups',
  summary:
    'Adds money to the wallet that the calls of a reseller are paid from; once per key and per reference',
  roles: ['MASTER'],
  scope: 'MONEY',
  params: z.strictObject({ reseller_id: z.uuid() }),
  body: newTopUpSchema,
  reply: z.object({ balance_micros: microsSchema }),
  idempotent: true,
});

export const listTopUpsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/subscribers/:subscriber_id/top-ups',
  name: 'listTopUps',
  tag: 'top-ups',
  summary: 'Money that was added to a wallet, the newest first',
  section: 'section.top_ups',
  params: id,
  query: listQuery('-id'),
  reply: pageOf(topUpSchema),
  csv: true,
});
