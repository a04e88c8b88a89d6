import { z } from 'zod';
import { isAreaCode } from '../domain/area-codes.ts';
import { say } from './language.ts';

/** Micro-reais as a decimal string: JSON numbers would lose the last digits of large amounts. */
export const microsSchema = z
  .string()
  .regex(/^-?\d{1,18}$/, say('micro-reais as an integer in a string', 'micro-reais como inteiro em texto'));

/** An amount that somebody types: not negative, and at most R$ 100 million, which scripts count exactly. */
export const amountSchema = z
  .string()
  .regex(
    /^(0|[1-9]\d{0,13}|100000000000000)$/,
    say(
      'micro-reais from 0 to R$ 100 million, as an integer in a string',
      'micro-reais de 0 a R$ 100 milhões, como inteiro em texto',
    ),
  );

// Control characters reach no name: names end up in configurations, files and mails.
const PRINTABLE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u;

/** One line of text without control characters. */
export const textSchema = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(PRINTABLE, say('one line without control characters', 'uma linha sem caracteres de controle'));

/** The same, or null for nothing. */
export const optionalTextSchema = (max: number) => textSchema(max).nullable().default(null);

export const areaCodeSchema = z
  .string()
  .refine(isAreaCode, say('is no Brazilian area code, such as 11', 'não é um DDD brasileiro, como 11'));

export const emailSchema = z.email().max(200);

export const e164Schema = z
  .string()
  .regex(/^\+[1-9]\d{7,14}$/, say('a number such as +5511987654321', 'um número como +5511987654321'));

export const usernameSchema = z
  .string()
  .trim()
  .toLowerCase()
  .regex(
    /^[a-z0-9][a-z0-9._@-]{2,63}$/,
    say(
      '3 to 64 letters, digits and . _ @ -, the first a letter or digit',
      '3 a 64 letras, dígitos e . _ @ -, começando por letra ou dígito',
    ),
  );

export const dateTimeSchema = z.iso.datetime();

/** What the reader may do with a record: rows of the form that it may change, their bounds, and actions. */
export const canSchema = z.object({
  write: z.array(z.string()),
  limits: z.record(
    z.string(),
    z.object({ min: z.int().optional(), max: z.int().optional(), left: z.int().optional() }),
  ),
  do: z.array(z.string()),
});
export type Can = z.infer<typeof canSchema>;
