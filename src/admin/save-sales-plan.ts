import type { NewSalesPlan, SalesPlanChange } from '../contract/sales-plans.ts';
import type { Tenant } from '../domain/tenant.ts';
import { lockVersion, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { requireReseller } from '../stores/postgres/resellers.ts';
import { nameDuplicate } from './name-duplicate.ts';
import { ownerOf } from './owner-of.ts';
import { addFirstPrices, changePrices } from './save-prices.ts';

/** Creates a sales plan whose rates hold from now on. Gives its id. Throws NOT_FOUND, CONFLICT. */
export async function createSalesPlan(
  tx: Tx,
  tenant: Tenant,
  author: string,
  body: NewSalesPlan,
): Promise<string> {
  const { rates, name, status, prices_include_taxes } = body;
  const reseller_id = ownerOf(tenant, body.reseller_id);
  await requireReseller(tx, reseller_id);
  const { id } = await tx
    .insertInto('sales_plans')
    .values({ reseller_id, name, status, prices_include_taxes })
    .returning('id')
    .executeTakeFirstOrThrow()
    .catch(nameDuplicate);
  await addFirstPrices(tx, { sales_plan_id: id }, author, rates);
  return id;
}

/**
 * Changes the fields that are there; rates are replaced as a whole. Throws NOT_FOUND, PRECONDITION_FAILED, CONFLICT,
 * INVALID_REQUEST.
 */
export async function changeSalesPlan(
  tx: Tx,
  sales_plan_id: string,
  version: number,
  author: string,
  change: SalesPlanChange,
): Promise<void> {
  const { rates, pricing, valid_from, ...fields } = change;
  await lockVersion(tx, 'sales_plans', sales_plan_id, version);
  await setColumns(tx, 'sales_plans', sales_plan_id, fields).catch(nameDuplicate);
  await changePrices(tx, { sales_plan_id }, version, author, { rates, pricing, valid_from });
}
