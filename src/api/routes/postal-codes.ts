import type { PostalCodes } from '../../admin/find-postal-code.ts';
import { inLanguage } from '../../contract/language.ts';
import { findPostalCodeRoute } from '../../contract/postal-codes.ts';
import type { Binder } from '../bind.ts';

export function addPostalCodeRoutes({ bind }: Binder, postalCodes: PostalCodes): void {
  bind(findPostalCodeRoute, async ({ params, language }) => {
    const reply = await postalCodes.find(params.postal_code);
    return { ...reply, advice: reply.advice && inLanguage(reply.advice, language) };
  });
}
