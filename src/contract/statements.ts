import { z } from 'zod';
import { BUNDLE_SLOTS, CALL_CLASSES } from '../domain/call-class.ts';
import { dateTimeSchema, microsSchema } from './fields.ts';
import { listQuery, pageOf } from './paging.ts';
import { defineRoute } from './route.ts';

const day = z.iso.date();

export const statementSchema = z.object({
  id: z.uuid(),
  subscriber_id: z.uuid(),
  subscriber_name: z.string(),
  cycle_start: day,
  /** The first day of the cycle after it. */
  cycle_end: day,
  closed_at: dateTimeSchema,
  opening_balance_micros: microsSchema,
  closing_balance_micros: microsSchema,
  /** What is owed; nothing where calls are paid beforehand. */
  due_micros: microsSchema,
  /** The same as people read it: rounded once, half-up, to the cent. */
  due_shown: z.string(),
  due_on: day,
  /** The last day on which it blocks nobody when it is not paid. */
  block_on: day,
});

/** A period of use with everything that moved the balance in it. */
export const wholeStatementSchema = statementSchema.extend({
  usage: z.array(
    z.object({
      call_class: z.enum(CALL_CLASSES),
      /** Charged ones, in money or minutes. */
      calls: z.int(),
      billed_seconds: z.int(),
      bundle_seconds: z.int(),
      paid_seconds: z.int(),
      amount_micros: microsSchema,
    }),
  ),
  bundles: z.array(
    z.object({
      slot: z.enum(BUNDLE_SLOTS),
      bundle_name: z.string(),
      included_seconds: z.int(),
      used_seconds: z.int(),
      expired_seconds: z.int(),
      price_micros: microsSchema,
    }),
  ),
  /** Together the difference of the two balances. */
  totals: z.array(z.object({ kind: z.string(), movements: z.int(), amount_micros: microsSchema })),
});

const query = listQuery('-cycle_start', '-due_on');

export const listSubscriberStatementsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/subscribers/:subscriber_id/statements',
  name: 'listSubscriberStatements',
  tag: 'statements',
  summary:
    'Statements of the closed cycles of a subscriber, the newest first; not there for readers that may not see balance or costs',
  section: 'section.statements',
  params: z.strictObject({ subscriber_id: z.uuid() }),
  query,
  reply: pageOf(statementSchema),
  csv: true,
});

export const readStatementRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/statements/:statement_id',
  name: 'readStatement',
  tag: 'statements',
  summary: 'One statement: usage by class, minutes used and expired, fees, payments and corrections',
  section: 'section.statements',
  params: z.strictObject({ statement_id: z.uuid() }),
  reply: wholeStatementSchema,
});

export const listStatementsRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/statements',
  name: 'listStatements',
  tag: 'statements',
  summary: 'Statements of all subscribers that the reader sees, the newest cycle first',
  section: 'section.statements',
  query: query.extend({
    subscriber_id: z.uuid().optional(),
    cycle_start: day.optional(),
    /** Those that ask for money, or those that do not. */
    is_due: z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(),
  }),
  reply: pageOf(statementSchema),
  csv: true,
});
