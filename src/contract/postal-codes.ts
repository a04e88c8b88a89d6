import { z } from 'zod';
import { isAreaCode } from '../domain/area-codes.ts';
import { say } from './language.ts';
import { defineRoute } from './route.ts';

// biome-ignore format: one state a line would fill a screen and say nothing more
const STATE_CODES = [
  'AC', 'AL', 'AM', 'AP', 'BA', 'CE', 'DF', 'ES', 'GO',
  'MA', 'MG', 'MS', 'MT', 'PA', 'PB', 'PE', 'PI', 'PR',
  'RJ', 'RN', 'RO', 'RR', 'RS', 'SC', 'SE', 'SP', 'TO',
] as const;

/** The 26 states and the federal district (unidades da federação), as postal addresses name them. */
export const stateSchema = z.enum(STATE_CODES);

/** A postal code (CEP) as people write it, `01001-000` or `01001000`; gives the eight digits. It need not exist. */
export const postalCodeSchema = z
  .string()
  .regex(
    /^\d{5}-?\d{3}$/,
    say('a postal code has 8 digits, as in 01001-000', 'um CEP tem 8 dígitos, como em 01001-000'),
  )
  .overwrite((text) => text.replace('-', ''));

/** What a postal code stands for. Towns with a single code have neither street nor district. */
export const postalAddressSchema = z.object({
  street: z.string().nullable(),
  district: z.string().nullable(),
  city: z.string(),
  state: stateSchema,
  ibge_code: z
    .string()
    .regex(/^\d{7}$/)
    .nullable(),
  area_code: z.string().refine(isAreaCode).nullable(),
});
export type PostalAddress = z.infer<typeof postalAddressSchema>;

/**
 * Answer to a lookup. An address can be typed in whatever the outcome, and `advice` says so to the person;
 * it is in both languages until the reply leaves.
 */
export const postalCodeReplySchema = z.object({
  postal_code: z.string().regex(/^\d{8}$/),
  outcome: z.enum(['FOUND', 'UNKNOWN', 'UNAVAILABLE']),
  address: postalAddressSchema.nullable(),
  source: z.enum(['VIACEP', 'BRASILAPI']).nullable(),
  advice: z.string().nullable(),
});
export type PostalCodeReply = z.infer<typeof postalCodeReplySchema>;

export const findPostalCodeRoute = defineRoute({
  method: 'GET',
  path: '/api/v1/postal-codes/:postal_code',
  name: 'findPostalCode',
  tag: 'postal-codes',
  summary: 'The address of a CEP; UNAVAILABLE and UNKNOWN say to type it in, and are no errors',
  params: z.strictObject({ postal_code: postalCodeSchema }),
  reply: postalCodeReplySchema,
});
