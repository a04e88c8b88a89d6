import type { NewSalesPlan, SalesPlanChange, SalesPlanRate } from '../contract/sales-plans.ts';
import type { Tenant } from '../domain/tenant.ts';
import { lockVersion, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { requireReseller } from '../stores/postgres/resellers.ts';
import { type NewRate, replaceRates } from '../stores/postgres/sales-plans.ts';
import { nameDuplicate } from './name-duplicate.ts';
import { ownerOf } from './owner-of.ts';

const toRow = (rate: SalesPlanRate): NewRate => ({
  ...rate,
  price_micros_per_minute: BigInt(rate.price_micros_per_minute),
});

/** Creates a sales plan with its rates. Gives its id. Throws NOT_FOUND, CONFLICT. */
export async function createSalesPlan(tx: Tx, tenant: Tenant, body: NewSalesPlan): Promise<string> {
  const { rates, name, status } = body;
  const reseller_id = ownerOf(tenant, body.reseller_id);
  await requireReseller(tx, reseller_id);
  const { id } = await tx
    .insertInto('sales_plans')
    .values({ reseller_id, name, status })
    .returning('id')
    .executeTakeFirstOrThrow()
    .catch(nameDuplicate);
  await replaceRates(tx, id, rates.map(toRow));
  return id;
}

/** Changes the fields that are there; rates are replaced as a whole. Throws NOT_FOUND, PRECONDITION_FAILED, CONFLICT. */
export async function changeSalesPlan(
  tx: Tx,
  sales_plan_id: string,
  version: number,
  change: SalesPlanChange,
): Promise<void> {
  const { rates, ...fields } = change;
  await lockVersion(tx, 'sales_plans', sales_plan_id, version);
  await setColumns(tx, 'sales_plans', sales_plan_id, fields).catch(nameDuplicate);
  const ratesChanged = rates !== undefined && (await replaceRates(tx, sales_plan_id, rates.map(toRow)));
  // Rates are a part of what was read: changing them alone is an edit of it too.
  if (ratesChanged) await setColumns(tx, 'sales_plans', sales_plan_id, { version: version + 1 });
}
