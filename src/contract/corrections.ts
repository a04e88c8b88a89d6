import { z } from 'zod';
import { microsSchema, textSchema } from './fields.ts';
import { say } from './language.ts';
import { defineRoute } from './route.ts';
import { movedAmountSchema } from './top-ups.ts';

/** Why money is moved by hand; kept with the movement for ever. */
const reason = textSchema(500);
/** Of the one who moves it; per wallet and kind, each counts once. */
const reference = textSchema(100);
const balance = z.object({ balance_micros: microsSchema });

export const newCorrectionSchema = z.strictObject({
  amount_micros: z
    .string()
    .regex(
      /^-?([1-9]\d{0,11}|1000000000000)$/,
      say(
        'micro-reais up to R$ 1 million, above or below zero, as an integer in a string',
        'micro-reais até R$ 1 milhão, acima ou abaixo de zero, como inteiro em texto',
      ),
    ),
  reason,
  reference,
});

export const correctRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/subscribers/:subscriber_id/corrections',
  name: 'correct',
  tag: 'corrections',
  summary:
    'Sets a balance right, up or down, with a reason; down no further than the credit limit and what running calls reserved',
  roles: ['MASTER', 'RESELLER'],
  scope: 'MONEY',
  params: z.strictObject({ subscriber_id: z.uuid() }),
  body: newCorrectionSchema,
  reply: balance,
  idempotent: true,
});

export const correctResellerRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/resellers/:reseller_id/corrections',
  name: 'correctReseller',
  tag: 'corrections',
  summary: 'Sets the balance of a reseller with the platform right, up or down, with a reason',
  roles: ['MASTER'],
  scope: 'MONEY',
  params: z.strictObject({ reseller_id: z.uuid() }),
  body: newCorrectionSchema,
  reply: balance,
  idempotent: true,
});

export const newTransferSchema = z.strictObject({
  from_subscriber_id: z.uuid(),
  to_subscriber_id: z.uuid(),
  amount_micros: movedAmountSchema,
  reason,
  reference,
});

export const transferRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/transfers',
  name: 'transfer',
  tag: 'transfers',
  summary:
    'Moves money between two subscribers of a reseller: only what the giver has and no running call reserved, never its credit',
  roles: ['MASTER', 'RESELLER'],
  scope: 'MONEY',
  body: newTransferSchema,
  reply: z.object({ from: balance, to: balance }),
  idempotent: true,
});
